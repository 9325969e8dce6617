package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// A user's actions are a second apart.
const (
	thinkTime   = time.Second
	thinkFactor = 4 // times the turn of loads without pause: thinking users need time to settle
	healthUsers = 50
)

// bench is one run.
type bench struct {
	options
	addr      string
	corpus    *corpus
	documents []string // ids of the corpus
	sessions  []string // one for each of those who talk
	asked     atomic.Int64
}

func newBench(o options) (*bench, error) {
	u, err := url.Parse(o.url)
	if err != nil {
		return nil, err
	}
	addr := u.Host
	if u.Port() == "" {
		addr += ":80"
	}
	c, err := newCorpus()
	return &bench{options: o, addr: addr, corpus: c}, err
}

// loads are those of a round. Searches that no cache may answer come first, and have a limit of their own.
func (b *bench) loads() []load {
	get := func(path string) request { return request{method: http.MethodGet, path: path, want: http.StatusOK} }
	search := func(q string, limit int64) request {
		return get(fmt.Sprintf("/v1/search?q=%s&limit=%d", url.QueryEscape(q), limit))
	}
	hot := func(int, *rand.Rand) request { return search(b.corpus.vocabulary[0], 10) }
	return []load{
		{name: "uncached search, a word in 2 % of the chunks, 1 client", clients: 1, next: func(int, *rand.Rand) request {
			n := b.asked.Add(1)
			return search(b.corpus.others[n%otherWords], 11+n/otherWords%40)
		}},
		{name: "uncached search, two words in 60 %, 1 client", clients: 1, next: func(int, *rand.Rand) request {
			n := b.asked.Add(1) // what is excluded makes each a search of its own
			return search(b.corpus.pair(int(n))+" -"+b.corpus.others[n%otherWords], 10)
		}},
		{name: "healthz, 50 clients", clients: healthUsers, next: func(int, *rand.Rand) request { return get("/healthz") }},
		{name: "hot search, 1 client", clients: 1, next: hot},
		{name: "hot search, 50 clients", clients: 50, next: hot},
		{name: "searches of 5,000 words, log-uniform, 200 clients", clients: 200,
			next: func(_ int, random *rand.Rand) request {
				return search(b.corpus.logUniform(random), 10)
			}},
		{name: "unknown document, 50 clients", clients: 50, next: func(_ int, random *rand.Rand) request {
			return request{method: http.MethodGet,
				path: fmt.Sprintf("/v1/documents/01930000-0000-7000-8000-%012x", random.Int64()>>16), want: http.StatusNotFound}
		}},
		{name: "message to a session, 20 clients", clients: talkers, next: b.say},
		{name: "users with 1 s think time, 300", clients: 300, think: thinkTime, next: b.user},
		{name: "users with 1 s think time, 1,000", clients: 1000, think: thinkTime, next: b.user},
	}
}

// user acts as the load scripts' mix has it, without uploads' waiting.
func (b *bench) user(client int, random *rand.Rand) request {
	get := func(path string) request { return request{method: http.MethodGet, path: path, want: http.StatusOK} }
	switch p := random.IntN(100); {
	case p < 45:
		return get("/v1/search?limit=10&q=" + b.corpus.logUniform(random))
	case p < 60:
		return get("/v1/search?limit=10&mode=complex&q=" + b.corpus.logUniform(random) + "+" + b.corpus.logUniform(random))
	case p < 80:
		return get("/v1/documents/" + b.documents[random.IntN(len(b.documents))])
	case p < 87:
		return get("/v1/sessions/" + b.sessions[client%talkers])
	case p < 94:
		return b.say(client, random)
	case p < 99:
		return get("/v1/dashboard")
	}
	return upload("Bench upload", b.corpus.text(random.IntN(1<<30)))
}

func (b *bench) say(client int, _ *rand.Rand) request {
	return request{method: http.MethodPost, path: "/v1/sessions/" + b.sessions[client%talkers] + "/messages",
		body: `{"role":"user","content":"What keeps the lamp of a lighthouse turning?"}`, want: http.StatusCreated}
}

func (b *bench) turnOf(l load) time.Duration {
	if l.think > 0 {
		return thinkFactor * b.each
	}
	return b.each
}

// duration is that of all turns.
func (b *bench) duration() time.Duration {
	var all time.Duration
	for _, l := range b.loads() {
		all += time.Duration(b.rounds) * b.turnOf(l)
	}
	return all
}

// run stores the corpus and gives every load its turn in each round.
func (b *bench) run(ctx context.Context, progress io.Writer) ([]row, error) {
	rows, err := b.store(ctx)
	if err != nil {
		return nil, err
	}
	samples := map[string][]sample{}
	for round := range b.rounds {
		if err := b.begin(ctx); err != nil {
			return nil, err
		}
		for _, l := range b.loads() {
			fmt.Fprintf(progress, "round %d of %d: %s\n", round+1, b.rounds, l.name)
			s, err := l.turn(ctx, b.addr, b.turnOf(l))
			if err := cmp.Or(err, ctx.Err()); err != nil {
				return nil, err
			}
			samples[l.name] = append(samples[l.name], s)
		}
	}
	for _, l := range b.loads() {
		rows = append(rows, rowOf(l.name, samples[l.name]))
	}
	return rows, nil
}

// begin makes new sessions, so that none grows without end, and searches once what is then hot.
func (b *bench) begin(ctx context.Context) error {
	c := client{addr: b.addr}
	defer c.close()
	b.sessions = nil
	for i := range talkers {
		r := request{method: http.MethodPost, path: "/v1/sessions", body: fmt.Sprintf(`{"user":"bench-%d"}`, i),
			want: http.StatusCreated}
		id, err := c.made(ctx, r)
		if err != nil {
			return err
		}
		b.sessions = append(b.sessions, id)
	}
	return nil
}

// made asks for something to be made and returns its id.
func (c *client) made(ctx context.Context, r request) (string, error) {
	status, body, err := c.ask(ctx, r)
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	var made struct{ ID string }
	if status != r.want || json.Unmarshal(body, &made) != nil || made.ID == "" {
		return "", fmt.Errorf("%s %s answered %d, want %d with an id: %.200s", r.method, r.path, status, r.want, body)
	}
	return made.ID, nil
}
