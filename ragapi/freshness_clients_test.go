package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"
)

// client asks and changes, one request after the other. Its answers are held against the truth.
type client struct {
	*world
	random *rand.Rand
	number int
	made   int // of names
}

const (
	groups  = 5
	mostDoc = 30 // documents at once: one page lists them all
	// certainly is when a request that got no answer has been done or never will be.
	certainly = 13 * time.Second
)

// call asks p, and says when.
func (c *client) call(p *party, method, path, body string) (status int, answer string, asked interval) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	asked.from = time.Now()
	status, answer = request(ctx, method, p.http+path, body)
	asked.to = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	route, _, _ := strings.Cut(path[len("/v1/"):], "/")
	route, _, _ = strings.Cut(route, "?")
	c.answers[fmt.Sprintf("%s %s %d", method, route, status)]++
	return status, answer, asked
}

// hold fails the test if wrong finds something, again after a moment in which processes' logs have come.
func (c *client) hold(p *party, what, answer string, asked interval, wrong func() string) {
	look := func() string {
		c.mu.Lock()
		defer c.mu.Unlock()
		return wrong()
	}
	if look() == "" {
		return
	}
	time.Sleep(500 * time.Millisecond)
	if found := look(); found != "" {
		c.fail("%s of %s from %.3f to %.3f: %s\nanswer: %.2000s", what, p.name, asked.from.Sub(c.begun).Seconds(), asked.to.Sub(c.begun).Seconds(), found, answer)
	}
}

// fail says what is wrong, once, and what befell the world before.
func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.Failed() {
		last := w.befallen[max(0, len(w.befallen)-40):]
		w.Errorf(format+"\nbefore:\n%s", append(args, strings.Join(last, "\n"))...)
	}
}

// odd fails the test for an answer that no fault of the world explains.
func (c *client) odd(p *party, what string, status int, answer string) {
	if status != 0 && status != http.StatusServiceUnavailable {
		c.fail("%s of %s is answered with %d: %s", what, p.name, status, answer)
	}
}

// run asks until the world ends.
func (c *client) run() {
	for {
		select {
		case <-c.stopped:
			return
		case <-time.After(time.Duration(c.random.IntN(25)) * time.Millisecond):
		}
		c.step()
	}
}

func (c *client) step() {
	p := c.any(c.random)
	switch n := c.random.IntN(100); {
	case n < 7:
		c.upload(p)
	case n < 14:
		c.replace(p)
	case n < 20:
		c.remove(p)
	case n < 22:
		c.retry(p)
	case n < 24:
		c.invalidate(p)
	case n < 38:
		c.read(p)
	case n < 46:
		c.list(p)
	case n < 54:
		c.chunks(p)
	case n < 76:
		c.search(p)
	default:
		c.talk(p)
	}
}

// write makes the next text of a document.
func (c *client) write() (t *text, encoded string) {
	c.made++
	word := fmt.Sprintf("w%dq%dq%dz", os.Getpid(), c.number, c.made)
	group := func() string { return fmt.Sprintf("grp%dz", c.random.IntN(groups)) }
	t = &text{title: "Lighthouse " + word, body: fmt.Sprintf("The keeper of %s trims %s and %s at dusk.", word, group(), group()), kind: string(rune('a' + c.random.IntN(2)))}
	raw, err := json.Marshal(map[string]any{"title": t.title, "text": t.body, "metadata": map[string]string{"kind": t.kind}})
	if err != nil {
		c.Error(err)
	}
	return t, string(raw)
}

// acknowledge notes that p has acknowledged f.
func (f *fact) acknowledge(p *party, asked interval) {
	f.known, f.by = asked.to, p
}

func (c *client) upload(p *party) {
	c.mu.Lock()
	live := 0
	for _, d := range c.docs {
		if d.gone == nil {
			live++
		}
	}
	c.mu.Unlock()
	if live >= mostDoc {
		return
	}
	t, body := c.write()
	status, answer, asked := c.call(p, http.MethodPost, "/v1/documents", body)
	if status != http.StatusAccepted {
		c.odd(p, "an upload", status, answer) // it may be there: nobody knows its id
		return
	}
	t.asked = asked.from
	t.acknowledge(p, asked)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.docs = append(c.docs, &doc{id: idIn(answer), texts: []*text{t}})
}

func idIn(answer string) string {
	_, rest, _ := strings.Cut(answer, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// change sends what changes d to p, for f, and unlocks d when it is known what came of it.
func (c *client) change(d *doc, f *fact, p *party, method, path, body string, done func(status int) bool) {
	c.mu.Lock()
	f.asked = time.Now()
	c.mu.Unlock()
	status, answer, asked := c.call(p, method, path, body)
	if done(status) {
		c.mu.Lock()
		f.acknowledge(p, asked)
		c.mu.Unlock()
		d.Unlock()
		return
	}
	c.odd(p, method+" "+path, status, answer)
	c.finding.Go(func() { c.find(d, f) })
}

// find asks the primary what came of a change that got no answer.
func (c *client) find(d *doc, f *fact) {
	defer d.Unlock()
	select {
	case <-c.stopped:
		return
	case <-time.After(certainly):
	}
	asked := time.Now()
	var titles []string
	if err := c.primary.QueryRow(context.Background(), `SELECT array(SELECT title FROM documents WHERE id = $1)`, d.id).Scan(&titles); err != nil {
		c.Error(err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	done := len(titles) == 0 // if it was to go
	if f != d.gone {
		done = len(titles) == 1 && titles[0] == d.texts[len(d.texts)-1].title
	}
	if f.known = asked; !done {
		f.known, f.void = time.Time{}, true
	}
	if f == d.gone && !done {
		d.gone = nil
	}
}

func (c *client) replace(p *party) {
	d := c.own()
	if d == nil {
		return
	}
	t, body := c.write()
	c.mu.Lock()
	t.asked = time.Now()
	d.texts = append(d.texts, t)
	c.mu.Unlock()
	c.change(d, &t.fact, p, http.MethodPut, "/v1/documents/"+d.id, body, func(status int) bool { return status == http.StatusAccepted })
}

func (c *client) remove(p *party) {
	d := c.own()
	if d == nil {
		return
	}
	c.mu.Lock()
	d.gone = &fact{asked: time.Now()}
	c.mu.Unlock()
	c.change(d, d.gone, p, http.MethodDelete, "/v1/documents/"+d.id, "", func(status int) bool { return status == http.StatusNoContent })
}

// retry has a document fail, as a worker would say, and tried again.
func (c *client) retry(p *party) {
	d := c.own()
	if d == nil {
		return
	}
	c.mu.Lock()
	d.retried = nil
	c.mu.Unlock()
	failed, err := c.failing(d.id)
	if err != nil {
		c.Error(err)
	}
	if !failed {
		d.Unlock()
		return
	}
	f := &fact{}
	c.change(d, f, p, http.MethodPost, "/v1/documents/"+d.id+"/retry", "", func(status int) bool { return status == http.StatusAccepted })
	c.mu.Lock()
	defer c.mu.Unlock()
	if !f.known.IsZero() {
		d.retried = f
	}
}

// invalidate asks for what a person may ask for. All, or every search, would hide what was not invalidated by itself: half of the
// courses go without, the others seldom ask for it.
func (c *client) invalidate(p *party) {
	d := c.pick()
	if d == nil {
		return
	}
	scopes := []string{fmt.Sprintf(`{"search":"grp%d*"}`, c.random.IntN(groups)), `{"user":"u0"}`, `{"document":"` + d.id + `"}`}
	if c.sweeps && c.random.IntN(10) == 0 {
		scopes = []string{`{"all":true}`, `{"search":"*"}`}
	}
	scope := scopes[c.random.IntN(len(scopes))]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if status, answer := request(ctx, http.MethodPost, p.admin+"/v1/cache/invalidations", scope); status != http.StatusNoContent {
		c.odd(p, "the invalidation of "+scope, status, answer)
	}
}
