package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// shown is a document as the API shows it.
type shown struct{ ID, Title, Status string }

// pick returns a document; nil for none. Those are looked at most that have changed lately, or by a process that died since.
func (c *client) pick() *doc {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.docs) == 0 {
		return nil
	}
	some := c.docs[max(0, len(c.docs)-2*mostDoc):] // some are gone
	switch c.random.IntN(6) {
	case 0, 1:
		some = c.docs // long ago
	case 2:
		if left := c.left(); len(left) > 0 {
			some = left
		}
	}
	return some[c.random.IntN(len(some))]
}

// left are documents whose last change nobody can tell of any more but the database. Under the lock.
func (w *world) left() (left []*doc) {
	for _, d := range w.docs {
		last := &d.texts[len(d.texts)-1].fact
		if d.gone != nil {
			last = d.gone
		}
		if last.by != nil && !last.by.died.IsZero() && !last.told() {
			left = append(left, d)
		}
	}
	return left
}

// own returns a document that nobody else changes, until it is unlocked; nil for none.
func (c *client) own() *doc {
	d := c.pick()
	if d == nil || !d.TryLock() {
		return nil
	}
	if d.gone != nil {
		d.Unlock()
		return nil
	}
	return d
}

func (c *client) read(p *party) {
	d := c.pick()
	if d == nil {
		return
	}
	status, answer, asked := c.call(p, http.MethodGet, "/v1/documents/"+d.id, "")
	var got shown
	switch status {
	case http.StatusNotFound:
	case http.StatusOK:
		if err := json.Unmarshal([]byte(answer), &got); err != nil || got.ID != d.id {
			c.fail("document %s is answered with %s (%v)", d.id, answer, err)
		}
	default:
		c.odd(p, "a document", status, answer)
		return
	}
	c.hold(p, "GET of a document", answer, asked, func() string {
		if status == http.StatusNotFound {
			return c.absence(d, p, asked, true)
		}
		return c.presence(d, got.Title, got.Status, p, asked)
	})
}

// list reads all documents, or those that are pending: what is in the list of one status must not be gone either.
func (c *client) list(p *party) {
	path, all := "/v1/documents?limit=100", true
	if c.random.IntN(3) == 0 {
		path, all = path+"&status="+[]string{"pending", "ready", "failed"}[c.random.IntN(3)], false
	}
	status, answer, asked := c.call(p, http.MethodGet, path, "")
	if status != http.StatusOK {
		c.odd(p, "a list", status, answer)
		return
	}
	var page struct {
		Documents []shown
		Next      string
	}
	if err := json.Unmarshal([]byte(answer), &page); err != nil || page.Next != "" {
		c.fail("a list of all is answered with %s (%v)", answer, err)
	}
	c.hold(p, "GET "+path, answer, asked, func() string {
		for _, d := range c.docs {
			i := slices.IndexFunc(page.Documents, func(s shown) bool { return s.ID == d.id })
			var wrong string
			switch {
			case i >= 0:
				wrong = c.presence(d, page.Documents[i].Title, page.Documents[i].Status, p, asked)
			case all:
				wrong = c.absence(d, p, asked, false)
			}
			if wrong != "" {
				return wrong
			}
		}
		return ""
	})
}

func (c *client) chunks(p *party) {
	d := c.pick()
	if d == nil {
		return
	}
	status, answer, asked := c.call(p, http.MethodGet, "/v1/documents/"+d.id+"/chunks", "")
	if status != http.StatusOK && status != http.StatusNotFound {
		c.odd(p, "chunks", status, answer)
		return
	}
	var page struct{ Chunks []struct{ Content string } }
	if err := json.Unmarshal([]byte(answer), &page); err != nil || len(page.Chunks) > 1 {
		c.fail("chunks are answered with %s (%v)", answer, err)
	}
	c.hold(p, "GET of chunks", answer, asked, func() string {
		if status == http.StatusNotFound {
			return c.absence(d, p, asked, true)
		}
		if len(page.Chunks) == 0 {
			if t := d.settled(asked); t != nil && c.searchable(t, query{}, asked) {
				return fmt.Sprintf("%s has no chunks, and was ready at %.3f", d.id, t.ready.Sub(c.begun).Seconds())
			}
			return ""
		}
		i := slices.IndexFunc(d.texts, func(t *text) bool { return t.body == page.Chunks[0].Content })
		if i < 0 {
			return "this is no text of " + d.id
		}
		return c.presence(d, d.texts[i].title, "", p, asked)
	})
}

func (c *client) search(p *party) {
	q := query{mode: []string{"simple", "complex"}[c.random.IntN(2)], want: fmt.Sprintf("grp%dz", c.random.IntN(groups))}
	q.words = q.want
	switch c.random.IntN(6) {
	case 0:
		c.made++
		q.words, q.never = fmt.Sprintf("%s -never%dq%d", q.want, c.number, c.made), true
	case 1:
		q.without = fmt.Sprintf("grp%dz", c.random.IntN(groups))
		q.words += " -" + q.without
	case 2:
		q.kind = "a"
	}
	values := url.Values{"q": {q.words}, "mode": {q.mode}, "limit": {"50"}, "content": {"full"}}
	if q.kind != "" {
		values.Set("metadata.kind", q.kind)
	}
	status, answer, asked := c.call(p, http.MethodGet, "/v1/search?"+values.Encode(), "")
	if status != http.StatusOK {
		c.odd(p, "a search", status, answer)
		return
	}
	var found struct{ Hits []hit }
	if err := json.Unmarshal([]byte(answer), &found); err != nil {
		c.fail("a search is answered with %s: %v", answer, err)
	}
	c.hold(p, "the search for "+values.Encode(), answer, asked, func() string { return c.searched(q, found.Hits, p, asked) })
}
