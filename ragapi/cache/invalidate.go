package cache

import (
	"context"
	"slices"

	"github.com/google/uuid"
)

// Scope is what to invalidate by hand. Fields that are not set invalidate nothing.
type Scope struct {
	Everything bool
	Searches   bool     // all of them
	Words      []string // the searches that have any of them, as Pattern returns them
	Document   uuid.UUID
	User       string // everything that is kept for this user
}

// Invalidate makes the answers of a scope be read anew: by every process, from when it returns. Unlike what happens by
// itself, it fails when Redis or the database cannot be asked.
func (c *Cache) Invalidate(ctx context.Context, s Scope) error {
	by, err := c.changes.Mark(ctx)
	if err != nil {
		return err
	}
	raised := marks{}
	if s.Everything {
		raised[everything] = by
	}
	if s.Document != uuid.Nil {
		raised[documentMark(s.Document.String())] = by
		raised[pages] = by
	}
	if s.User != "" {
		raised[userMark(s.User)] = by
	}
	words := s.Words
	if s.Searches {
		words = append(slices.Clone(words), anything)
	}
	if err := c.tell(ctx, raised); err != nil || len(words) == 0 {
		return err
	}
	return c.addPatterns(ctx, words, by)
}
