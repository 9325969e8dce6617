package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// talk is a session.
type talk struct {
	id, user string
	begun    fact
	said     []*message
	gone     *fact
}

type message struct {
	fact
	content string
}

const (
	users    = 2
	mostTalk = 5  // sessions at once: few, so that they are read while they are changed
	mostSaid = 60 // messages: all are kept
)

// talk begins, continues, reads, lists or ends a session.
func (c *client) talk(p *party) {
	c.mu.Lock()
	live := slices.DeleteFunc(slices.Clone(c.talks), func(s *talk) bool { return s.gone != nil })
	var s *talk
	if len(live) > 0 {
		s = live[c.random.IntN(len(live))]
	}
	any := s
	if len(c.talks) > 0 && c.random.IntN(4) == 0 {
		any = c.talks[len(c.talks)-1-c.random.IntN(min(len(c.talks), 2*mostTalk))]
	}
	full := s != nil && len(s.said) >= mostSaid
	c.mu.Unlock()
	switch n := c.random.IntN(20); {
	case len(live) < mostTalk:
		c.begin(p)
	case full || n == 0:
		c.quit(p, s)
	case n < 6:
		c.say(p, s)
	case n < 8:
		c.listTalks(p)
	default:
		c.hear(p, any)
	}
}

func (c *client) begin(p *party) {
	s := &talk{user: fmt.Sprintf("u%d", c.random.IntN(users))}
	status, answer, asked := c.call(p, http.MethodPost, "/v1/sessions", `{"user":"`+s.user+`"}`)
	if status != http.StatusCreated {
		c.odd(p, "a session's begin", status, answer)
		return
	}
	s.id, s.begun.asked = idIn(answer), asked.from
	s.begun.acknowledge(p, asked)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.talks = append(c.talks, s)
}

func (c *client) say(p *party, s *talk) {
	c.made++
	m := &message{fact: fact{asked: time.Now()}, content: fmt.Sprintf("m%dq%d", c.number, c.made)}
	c.mu.Lock()
	s.said = append(s.said, m)
	c.mu.Unlock()
	status, answer, asked := c.call(p, http.MethodPost, "/v1/sessions/"+s.id+"/messages", `{"role":"user","content":"`+m.content+`"}`)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case status == http.StatusCreated:
		m.acknowledge(p, asked)
	case status == http.StatusNotFound && s.gone != nil:
		m.void = true
	default:
		c.finding.Go(func() { c.odd(p, "a message", status, answer) })
		c.finding.Go(func() {
			c.findIn(&m.fact, `SELECT count(*) FROM session_messages WHERE session_id = $1 AND content = $2`, s.id, m.content)
		})
	}
}

func (c *client) quit(p *party, s *talk) {
	c.mu.Lock()
	if s.gone != nil {
		c.mu.Unlock()
		return
	}
	s.gone = &fact{asked: time.Now()}
	c.mu.Unlock()
	status, answer, asked := c.call(p, http.MethodDelete, "/v1/sessions/"+s.id, "")
	if status == http.StatusNoContent {
		c.mu.Lock()
		defer c.mu.Unlock()
		s.gone.acknowledge(p, asked)
		return
	}
	c.odd(p, "a session's end", status, answer)
	c.finding.Go(func() { c.findIn(s.gone, `SELECT 1 - count(*) FROM sessions WHERE id = $1`, s.id) })
}

// findIn asks the primary what came of a change that got no answer: a statement answers 1 if it is done.
func (c *client) findIn(f *fact, sql string, args ...any) {
	select {
	case <-c.stopped:
		return
	case <-time.After(certainly):
	}
	asked, done := time.Now(), 0
	if err := c.primary.QueryRow(context.Background(), sql, args...).Scan(&done); err != nil {
		c.Error(err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.known = asked; done == 0 {
		f.known, f.void = time.Time{}, true
	}
}

// hear reads a session. Sessions are the primary's: there is no replica to be late.
func (c *client) hear(p *party, s *talk) {
	status, answer, asked := c.call(p, http.MethodGet, "/v1/sessions/"+s.id, "")
	if status != http.StatusOK && status != http.StatusNotFound {
		c.odd(p, "a session", status, answer)
		return
	}
	var got struct{ Messages []struct{ Content string } }
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		c.fail("a session is answered with %s: %v", answer, err)
	}
	c.hold(p, "GET of session "+s.id, answer, asked, func() string {
		if status == http.StatusNotFound {
			if !s.gone.possible(asked.to) {
				return "it is missing"
			}
			return ""
		}
		if s.gone.firm(asked.from) && c.excused(s.gone, p, asked, true) == "" {
			return "it was ended " + c.how(s.gone)
		}
		heard := map[string]bool{}
		for _, m := range got.Messages {
			heard[m.Content] = true
		}
		for _, m := range s.said {
			switch {
			case heard[m.content] && !m.possible(asked.to):
				return m.content + " was not said"
			case !heard[m.content] && m.firm(asked.from) && c.excused(&m.fact, p, asked, true) == "":
				return m.content + " is missing, which was said " + c.how(&m.fact)
			}
		}
		return ""
	})
}

func (c *client) listTalks(p *party) {
	user := fmt.Sprintf("u%d", c.random.IntN(users))
	status, answer, asked := c.call(p, http.MethodGet, "/v1/sessions?limit=100&user="+user, "")
	if status != http.StatusOK {
		c.odd(p, "a list of sessions", status, answer)
		return
	}
	var page struct{ Sessions []struct{ ID string } }
	if err := json.Unmarshal([]byte(answer), &page); err != nil {
		c.fail("a list of sessions is answered with %s: %v", answer, err)
	}
	c.hold(p, "GET of the sessions of "+user, answer, asked, func() string {
		for _, s := range c.talks {
			listed := slices.ContainsFunc(page.Sessions, func(l struct{ ID string }) bool { return l.ID == s.id })
			switch {
			case s.user != user:
			case listed && s.gone.firm(asked.from) && c.excused(s.gone, p, asked, true) == "":
				return s.id + " is listed, which was ended " + c.how(s.gone)
			case !listed && s.begun.firm(asked.from) && !s.gone.possible(asked.to) && c.excused(&s.begun, p, asked, true) == "":
				return s.id + " is missing, which was begun " + c.how(&s.begun)
			}
		}
		return ""
	})
}
