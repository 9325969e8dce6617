package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/pgtest"
)

// tally counts answers, and requests that got none.
type tally struct{ answered, shed, other, lost atomic.Int64 }

// clients ask url all the time for a while, n of them. Who is shed comes again when it may.
func clients(t *testing.T, client *http.Client, url string, n int, got *tally) {
	t.Helper()
	var wg sync.WaitGroup
	end := time.Now().Add(6 * time.Second)
	for range n {
		wg.Go(func() {
			for time.Now().Before(end) {
				resp, err := client.Get(url)
				if err != nil {
					got.lost.Add(1)
					t.Log(err)
					continue
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				switch {
				case err == nil && resp.StatusCode == http.StatusOK:
					got.answered.Add(1)
				case strings.Contains(string(body), "urn:ragapi:problem:overloaded") && resp.Header.Get("Retry-After") != "":
					got.shed.Add(1)
					time.Sleep(time.Second) // as Retry-After says
				default:
					got.other.Add(1)
					t.Logf("%d: %s", resp.StatusCode, body)
				}
			}
		})
	}
	wg.Wait()
}

func TestUnderOverloadAsManyAreAnsweredAndProbesAre(t *testing.T) {
	const pool = 4 // as the tests' processes have
	db := pgtest.Database(t)
	api := start(t, "serve", db, "REQUEST_TIMEOUT=2s")
	post(t, api, upload)
	// A slow database: each page takes a tenth of a second, of which the machine's cores have next to nothing.
	for _, sql := range []string{`ALTER TABLE documents RENAME TO kept`, `CREATE VIEW documents AS SELECT kept.* FROM kept, pg_sleep(0.1)`} {
		if _, err := pgtest.Pool(t, db).Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	client := &http.Client{Transport: answered.Transport(&http.Transport{MaxIdleConnsPerHost: 75 * pool})}
	defer client.CloseIdleConnections()
	var best, got, probes tally
	clients(t, client, api.http+"/v1/documents", pool, &best)
	var wg sync.WaitGroup
	wg.Go(func() { clients(t, client, api.http+"/readyz", 1, &probes) })
	clients(t, client, api.http+"/v1/documents", 75*pool, &got)
	wg.Wait()
	t.Logf("of %d clients %d requests were answered, of %d clients %d, %d were shed", pool, best.answered.Load(), 75*pool, got.answered.Load(), got.shed.Load())
	if got.answered.Load() < best.answered.Load()*2/3 || got.shed.Load() == 0 || got.other.Load() > 0 {
		t.Errorf("answered %d, shed %d, failed %d; want two thirds of %d at least (a busy machine takes some), some, none", got.answered.Load(), got.shed.Load(), got.other.Load(), best.answered.Load())
	}
	// 300 clients connect at once: where a busy machine loses a connection, its client comes again.
	if sent := got.answered.Load() + got.shed.Load(); got.lost.Load() > sent/100 {
		t.Errorf("%d of %d requests got no answer, want one in a hundred at most", got.lost.Load(), sent)
	}
	if probes.answered.Load() == 0 || probes.shed.Load()+probes.other.Load()+probes.lost.Load() > 0 {
		t.Errorf("probes: answered %d, shed %d, failed %d, lost %d", probes.answered.Load(), probes.shed.Load(), probes.other.Load(), probes.lost.Load())
	}
}

func TestAProcessThatStartsWithoutThePrimaryServesReads(t *testing.T) {
	reads := replica(t)
	gone := reads
	gone.Port = 1
	api := start(t, "serve", gone, "DATABASE_READ_HOST="+reads.Host, "DATABASE_READ_PORT="+strconv.Itoa(int(reads.Port)))
	for _, path := range []string{"/readyz", "/v1/search?q=lamp", "/v1/documents", "/v1/dashboard"} {
		if status, answer := ask(t, http.MethodGet, api.http+path, ""); status != http.StatusOK {
			t.Errorf("%s answers %d: %s", path, status, answer)
		}
	}
	if status, answer := ask(t, http.MethodPost, api.http+"/v1/documents", upload); status != http.StatusServiceUnavailable || !strings.Contains(answer, "unavailable") {
		t.Errorf("an upload gets %d: %s", status, answer)
	}
}

// service leads connections to one of several servers, as a Kubernetes Service does.
type service struct {
	net.Listener
	to atomic.Pointer[string]
}

func newService(t *testing.T) *service {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &service{Listener: l}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.join(conn)
		}
	}()
	t.Cleanup(func() { l.Close() })
	return s
}

func (s *service) join(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", *s.to.Load())
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client) // either side may end it
		server.Close()
	}()
	_, _ = io.Copy(client, server) // either side may end it
}

// leadTo makes later connections lead to p.
func (s *service) leadTo(p *pgtest.Pooler) {
	address := p.Address()
	s.to.Store(&address)
}

func TestRollingPgBouncerLosesNoRequest(t *testing.T) {
	db := pgtest.Database(t)
	front, last := newService(t), pgtest.StartPooler(t, db, 4)
	front.leadTo(last)
	pooled := last.Database
	pooled.Port = uint16(front.Addr().(*net.TCPAddr).Port)
	api := start(t, "serve", pooled, "DATABASE_DIRECT_HOST="+db.Host, "DATABASE_DIRECT_PORT="+strconv.Itoa(int(db.Port)), "DATABASE_DIRECT_SSLMODE="+db.SSLMode, "DATABASE_READ_NAME="+db.Name)
	known := post(t, api, upload)
	done, stop := load(t, api, known)
	defer stop()
	for range 4 {
		next := pgtest.StartPooler(t, db, 4)
		front.leadTo(next)
		before := done.Load()
		eventually(t, "used", func() bool { return done.Load() > before+100 })
		last.Kill() // whatever leads through it is cut off
		before = done.Load()
		eventually(t, "used on", func() bool { return done.Load() > before+100 })
		last = next
	}

}

// load reads and uploads until it is stopped, and counts the requests. None may fail.
func load(t *testing.T, api *running, known string) (done *atomic.Int64, stop func()) {
	t.Helper()
	done = new(atomic.Int64)
	var stopped atomic.Bool
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := 0; !stopped.Load() && !t.Failed(); n++ {
				method, path, body, want := http.MethodGet, "/v1/search?q="+url.QueryEscape(fmt.Sprintf("lamp %d %d", i, n)), "", http.StatusOK
				switch n % 3 {
				case 1:
					path = "/v1/documents/" + known
				case 2:
					method, path, body, want = http.MethodPost, "/v1/documents", upload, http.StatusAccepted
				}
				if status, answer := request(context.Background(), method, api.http+path, body); status != want {
					t.Errorf("%s %s answers %d: %s%s", method, path, status, answer, errorsOf(api))
				}
				done.Add(1)
			}
		})
	}
	return done, func() { stopped.Store(true); wg.Wait() }
}

// errorsOf are those that a process has logged.
func errorsOf(api *running) string {
	var found strings.Builder
	for line := range strings.Lines(api.output()) {
		if strings.Contains(line, `"level":"ERROR"`) {
			found.WriteString(line)
		}
	}
	return found.String()
}

func TestAMigrationUnderLoadBreaksNoRequest(t *testing.T) {
	for name, through := range map[string]func(*testing.T, config.Database) config.Database{
		"directly":          func(_ *testing.T, db config.Database) config.Database { return db },
		"through PgBouncer": func(t *testing.T, db config.Database) config.Database { return pgtest.StartPooler(t, db, 3).Database },
	} {
		t.Run(name, func(t *testing.T) {
			db := pgtest.Database(t)
			admin := pgtest.Pool(t, db)
			api := start(t, "serve", through(t, db), "DATABASE_DIRECT_HOST="+db.Host, "DATABASE_DIRECT_PORT="+strconv.Itoa(int(db.Port)), "DATABASE_DIRECT_SSLMODE="+db.SSLMode, "DATABASE_READ_NAME="+db.Name)
			done, stop := load(t, api, post(t, api, upload))
			defer stop()
			for _, sql := range []string{
				`ALTER TABLE documents ALTER COLUMN chunk_count TYPE bigint`, `ALTER TABLE documents ADD COLUMN later text`,
				`ALTER TABLE documents ALTER COLUMN bytes TYPE numeric`, `ALTER TABLE documents ALTER COLUMN bytes TYPE bigint`,
				`ALTER TABLE documents ALTER COLUMN chunk_count TYPE integer`,
			} {
				before := done.Load()
				eventually(t, "used", func() bool { return done.Load() > before+60 })
				if _, err := admin.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			before := done.Load()
			eventually(t, "used on", func() bool { return done.Load() > before+60 })
		})
	}
}
