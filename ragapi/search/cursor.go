package search

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
)

// found is a chunk in a ranking.
type found struct {
	Piece
	Tier  int     // of its match, see tiers
	Score float64 // within its tier; in a fused ranking, which has no tiers, of the whole
}

// order compares two chunks of a ranking, the better one first. No two are equal: of chunks that rank the same, the one of
// the newer document comes first (ids of version 7 grow with time), then the earlier one in its document.
func order(a, b found) int {
	return cmp.Or(cmp.Compare(b.Tier, a.Tier), cmp.Compare(b.Score, a.Score), bytes.Compare(b.DocumentID[:], a.DocumentID[:]), cmp.Compare(a.Position, b.Position))
}

// mark is a cursor as it is written: the last chunk of a page, and a sum of the search that it is of.
type mark struct {
	Search   uint64
	Tier     int8
	Score    float64
	Document [16]byte
	Position int32
}

func (q Query) sum() uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(q.subject())) // a hash never fails
	return sum.Sum64()
}

// cursorAt returns the cursor of the page after last. A page that begins after a chunk, and not at a number, neither repeats
// nor skips others when documents come and go meanwhile.
func (q Query) cursorAt(last found) string {
	raw, err := binary.Append(nil, binary.BigEndian, mark{q.sum(), int8(last.Tier), last.Score, last.DocumentID, int32(last.Position)})
	if err != nil {
		panic(err) // the type has a fixed size
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// after returns the chunk after which q's page begins; nil for the first page.
func (q Query) after() (*found, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil {
		return nil, ErrCursor
	}
	var m mark
	if n, err := binary.Decode(raw, binary.BigEndian, &m); err != nil || n != len(raw) || m.Search != q.sum() || m.Score != m.Score {
		return nil, ErrCursor
	}
	return &found{Piece: Piece{Place: Place{m.Document, int(m.Position)}}, Tier: int(m.Tier), Score: m.Score}, nil
}
