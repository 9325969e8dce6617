package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// fact is a change that somebody asked for. It holds from when it was acknowledged, and may hold from when it was asked for.
type fact struct {
	asked, known time.Time // known is zero while it is not acknowledged
	by           *party
	void         bool // it never happened
}

// told reports whether who acknowledged it had the cache meanwhile, so that it could tell it.
func (f *fact) told() bool { return f.by != nil && f.by.sure(interval{f.asked, f.known}) }

func (f *fact) firm(before time.Time) bool {
	return f != nil && !f.known.IsZero() && f.known.Before(before)
}

func (f *fact) possible(before time.Time) bool { return f != nil && !f.void && f.asked.Before(before) }

// doc is a document, whose texts follow each other: nobody replaces it while somebody does.
type doc struct {
	sync.Mutex // of who changes it
	id         string
	texts      []*text
	gone       *fact // nil while nobody wants it to go
	retried    *fact // the last time; nil for never
}

// text is one of a document's.
type text struct {
	fact
	title, body, kind string
	ready             time.Time // found so in the primary; zero for not
}

// softly is how long what became searchable may be missing in what is kept, and slack what a busy machine adds to what is
// done in the background.
const (
	softly = 10 * time.Second
	slack  = 8 * time.Second
	relay  = 2 * time.Second // until somebody has told the cache of what nobody told it
)

// excused says why an answer of p need not know of f; "" if it must.
func (w *world) excused(f *fact, p *party, asked interval, fromPrimary bool) string {
	switch {
	case f.by == p:
		return ""
	case !f.told() && !w.relayed(f.known, asked.from):
		return "the cache was not told yet"
	case !fromPrimary && !p.sure(asked) && !w.heard(f.known, asked):
		return "it had no cache, and the replica had not heard of it"
	}
	return ""
}

// relayed reports whether by then somebody had the cache for long enough to tell it of what was known.
func (w *world) relayed(known, by time.Time) bool {
	for _, p := range w.known {
		from := later(known, p.since)
		for _, d := range append(slices.Clone(p.doubts), interval{from: endOf(p.died)}) {
			if earlier(d.from, by).Sub(from) > relay+slack {
				return true
			}
			from = later(from, endOf(d.to))
		}
	}
	return false
}

// endOf is a time that may be to come.
func endOf(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now().Add(time.Hour)
	}
	return t
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// found notes what searches can find. Under the lock.
func (w *world) found(titles []string) {
	now := time.Now()
	for _, d := range w.docs {
		for _, t := range d.texts {
			if t.ready.IsZero() && slices.Contains(titles, t.title) {
				t.ready = now
			}
		}
	}
}

// firmest is the last text of d that was acknowledged by then, or -1; newest the last that may be there.
func (d *doc) firmest(before time.Time) int {
	last := -1
	for i, t := range d.texts {
		if t.firm(before) {
			last = i
		}
	}
	return last
}

func (d *doc) newest(before time.Time) int {
	last := -1
	for i, t := range d.texts {
		if t.possible(before) {
			last = i
		}
	}
	return last
}

// settled is the text of d that is there during an answer for sure, alone, and found by searches; nil for none.
func (d *doc) settled(asked interval) *text {
	last := d.firmest(asked.from)
	if last < 0 || d.newest(asked.to) != last || d.gone.possible(asked.to) || d.texts[last].ready.IsZero() {
		return nil
	}
	return d.texts[last]
}

// absence says what is wrong with an answer of p that does not know d; "" for nothing.
func (w *world) absence(d *doc, p *party, asked interval, fromPrimary bool) string {
	if !d.texts[0].firm(asked.from) || d.gone.possible(asked.to) || w.excused(&d.texts[0].fact, p, asked, fromPrimary) != "" {
		return ""
	}
	return fmt.Sprintf("%s is missing, which was uploaded %s", d.id, w.how(&d.texts[0].fact))
}

// presence says what is wrong with an answer of p that shows d under a title; "" for nothing.
func (w *world) presence(d *doc, title, status string, p *party, asked interval) string {
	if d.gone.firm(asked.from) && w.excused(d.gone, p, asked, false) == "" {
		return fmt.Sprintf("%s is shown, which was deleted %s", d.id, w.how(d.gone))
	}
	shown := slices.IndexFunc(d.texts, func(t *text) bool { return t.title == title })
	if shown < 0 || !d.texts[shown].possible(asked.to) {
		return fmt.Sprintf("%s is shown with the title %q, which nobody gave it", d.id, title)
	}
	if firm := d.firmest(asked.from); shown < firm && w.excused(&d.texts[firm].fact, p, asked, false) == "" {
		return fmt.Sprintf("%s is shown as %q, which was replaced %s", d.id, title, w.how(&d.texts[firm].fact))
	}
	if status == "failed" && d.retried.firm(asked.from) && shown <= d.firmest(asked.from) && w.excused(d.retried, p, asked, false) == "" {
		return fmt.Sprintf("%s is shown as failed, which was tried again %s", d.id, w.how(d.retried))
	}
	return ""
}

// how says when and by whom a fact was made.
func (w *world) how(f *fact) string {
	who := "by a process that did not say so"
	if f.by != nil {
		who = fmt.Sprintf("by %s, cache told %t", f.by.name, f.told())
	}
	return fmt.Sprintf("at %.3f (asked for at %.3f) %s", f.known.Sub(w.begun).Seconds(), f.asked.Sub(w.begun).Seconds(), who)
}

// query is a search, and what it finds.
type query struct {
	words, mode   string
	want, without string
	kind          string // a filter; "" for none
	never         bool   // was asked before
}

func (q query) matches(t *text) bool {
	return strings.Contains(t.body, q.want) && (q.without == "" || !strings.Contains(t.body, q.without)) && (q.kind == "" || q.kind == t.kind)
}

// hit is what a search shows of a document.
type hit struct{ DocumentID, Content, Match string }

// odd says what is wrong with a hit, whatever the time; "" for nothing: it shows a text that answers q.
func (q query) odd(d *doc, h hit) string {
	i := slices.IndexFunc(d.texts, func(t *text) bool { return t.body == h.Content })
	switch {
	case i < 0:
		return fmt.Sprintf("%s is found with %q, which is no text of it", d.id, h.Content)
	case q.without != "" && strings.Contains(h.Content, q.without):
		return fmt.Sprintf("%s is found with %q, which has what is excluded", d.id, h.Content)
	case h.Match != "similar" && !strings.Contains(h.Content, q.want):
		return fmt.Sprintf("%s is found as %s with %q, which has not what is wanted", d.id, h.Match, h.Content)
	}
	return ""
}

// searched says what is wrong with the answer of p to a search; "" for nothing.
func (w *world) searched(q query, hits []hit, p *party, asked interval) string {
	shown := map[string]bool{}
	for _, h := range hits {
		shown[h.DocumentID] = true
	}
	for _, d := range w.docs {
		for _, h := range hits {
			if h.DocumentID != d.id {
				continue
			}
			if wrong := q.odd(d, h); wrong != "" {
				return wrong
			}
		}
		settled := d.settled(asked)
		switch {
		case shown[d.id] && d.gone.firm(asked.from) && w.excused(d.gone, p, asked, false) == "":
			return fmt.Sprintf("%s is found, which was deleted %s", d.id, w.how(d.gone))
		case settled == nil:
		case shown[d.id] && len(d.texts) == 1 && q.mode == "simple" && !q.matches(settled):
			return fmt.Sprintf("%s is found, of whose only text that is no answer", d.id)
		case !shown[d.id] && q.matches(settled) && w.searchable(settled, q, asked):
			return fmt.Sprintf("%s is not found, which was ready at %.3f", d.id, settled.ready.Sub(w.begun).Seconds())
		case shown[d.id] && w.searchable(settled, query{}, asked) && !contains(hits, d.id, settled.body):
			return fmt.Sprintf("%s is found by a text that was replaced %s, and ready at %.3f", d.id, w.how(&settled.fact), settled.ready.Sub(w.begun).Seconds())
		}
	}
	return ""
}

func contains(hits []hit, id, body string) bool {
	return slices.ContainsFunc(hits, func(h hit) bool { return h.DocumentID == id && h.Content == body })
}

// searchable reports whether an answer to q must know that t is ready.
func (w *world) searchable(t *text, q query, asked interval) bool {
	if q.never {
		return t.ready.Before(asked.from) && w.heard(t.ready, asked)
	}
	kept := interval{from: asked.from.Add(-softly - slack), to: asked.to}
	return t.ready.Before(kept.from) && w.heard(t.ready, kept) && w.relayed(t.ready, kept.from)
}
