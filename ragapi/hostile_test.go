package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragscale/ragscale/ragapi/pgtest"
)

const (
	fullSize = 10 << 20 // MAX_UPLOAD_BYTES
	// envHostile is how long hostile uploads go on.
	envHostile     = "RAGAPI_TEST_HOSTILE"
	defaultHostile = 4 * time.Second
	// envPod is the memory of an API pod in MiB, by default as in dev; the runtime is told nine tenths of it, as the platform tells it.
	envPod     = "RAGAPI_TEST_POD_MIB"
	defaultPod = 512
)

// body is one that is uploaded again and again.
type body struct {
	path, kind string
	content    []byte
	chunked    bool // without a Content-Length
}

// filled returns before, as many of each(0), each(1), … as fit, and after: the largest upload.
func filled(before, after string, each func(i int) string) []byte {
	var b bytes.Buffer
	b.Grow(fullSize)
	b.WriteString(before)
	for i := 0; ; i++ {
		next := each(i)
		if b.Len()+len(next)+len(after) > fullSize {
			break
		}
		b.WriteString(next)
	}
	b.WriteString(after)
	return b.Bytes()
}

func always(s string) func(int) string { return func(int) string { return s } }

func member(i int) string { return `"` + strconv.Itoa(i) + `":1,` }

// hostile are bodies that would take many times their size, if they were read as they come, and honest ones as large.
func hostile() map[string]body {
	const docs, asJSON, asForm = "/v1/documents", "application/json", "multipart/form-data; boundary=b"
	head := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n"
	return map[string]body{
		"members":             {path: docs, kind: asJSON, content: filled(`{`, `"z":1}`, member)},
		"members of a member": {path: docs, kind: asJSON, content: filled(`{"x":{`, `"z":1}}`, member)},
		"metadata":            {path: docs, kind: asJSON, content: filled(`{"title":"t","text":"t","metadata":{`, `"z":1}}`, member)},
		"the same metadata":   {path: docs, kind: asJSON, content: filled(`{"title":"t","text":"t","metadata":{`, `"z":1}}`, always(`"a":1,`))},
		"long numbers":        {path: docs, kind: asJSON, content: filled(`{"title":"t","text":"t","metadata":{"a":[`, `0]}}`, always(`1e-16383,`))},
		"arrays in arrays":    {path: docs, kind: asJSON, content: filled(`{"metadata":`, ``, always(`[`))},
		"objects in objects":  {path: docs, kind: asJSON, content: filled(`{"metadata":`, ``, always(`{"a":`))},
		"a long name":         {path: docs, kind: asJSON, content: filled(`{"`, `":1}`, always(`\u0000`))},
		"marks":               {path: docs, kind: asJSON, content: filled(`{"title":"t","text":"`, `"}`, always("\ue000"))},
		"escapes":             {path: docs, kind: asJSON, content: filled(`{"title":"t","text":"`, `"}`, always(`\n`))},
		"decomposed":          {path: docs, kind: asJSON, content: filled(`{"title":"t","text":"`, `"}`, always("e\u0301 "))},
		"one that grows":      {path: docs + "?title=t", kind: "text/plain", content: filled("", "", always("\U0001d160"))},
		"accents on accents":  {path: docs + "?title=t", kind: "text/plain", content: filled("", "", always("\u0301"))},
		"an honest text":      {path: docs + "?title=t", kind: "text/plain", content: filled("", "", always("The keeper trims the lamp. "))},
		"of unknown length":   {path: docs + "?title=t", kind: "text/plain", content: filled("", "", always("The keeper trims the lamp. ")), chunked: true},
		"an honest form":      {path: docs, kind: asForm, content: filled(head+"\r\n", "\r\n--b--\r\n", always("The keeper trims the lamp. "))},
		"parts": {path: docs, kind: asForm, content: filled("", "--b--\r\n", func(i int) string {
			return "--b\r\nContent-Disposition: form-data; name=" + strconv.Itoa(i) + "\r\n\r\n\r\n"
		})},
		"the head of a part": {path: docs, kind: asForm, content: filled(head, "\r\nt\r\n--b--\r\n", func(i int) string { return strconv.Itoa(i) + ": a\r\n" })},
		"a session":          {path: "/v1/sessions", kind: asJSON, content: filled(`{`, `"z":1}`, member)[:90_000]},
	}
}

// reply is the answer to an upload; its status is 0 when the connection was closed under it.
type reply struct {
	status      int
	retry, body string
}

// upload sends b.
func (b body) upload(ctx context.Context, api *running) reply {
	var content io.Reader = bytes.NewReader(b.content)
	if b.chunked {
		content = io.MultiReader(content) // hides its length
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api.http+b.path, content)
	if err != nil {
		return reply{}
	}
	req.Header.Set("Content-Type", b.kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}
	}
	return reply{status: resp.StatusCode, retry: resp.Header.Get("Retry-After"), body: string(raw)}
}

// peak is the most memory that the process has held.
func (r *running) peak() int64 {
	r.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		r.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kB int64
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		r.t.Fatal(err)
	}
	return kB << 10
}

func hostileFor(t *testing.T) time.Duration {
	t.Helper()
	given := os.Getenv(envHostile)
	if given == "" {
		return defaultHostile
	}
	d, err := time.ParseDuration(given)
	if err != nil {
		t.Fatalf("%s: %v", envHostile, err)
	}
	return d
}

func podMemory(t *testing.T) int64 {
	t.Helper()
	given := os.Getenv(envPod)
	if given == "" {
		return defaultPod << 20
	}
	mib, err := strconv.ParseInt(given, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", envPod, err)
	}
	return mib << 20
}

// uploaders are more than there is memory for their bodies at once.
const uploaders = 8

func TestHostileClientsTakeNoMoreMemoryThanThereIs(t *testing.T) {
	podLimit := podMemory(t)
	api := start(t, "serve", pgtest.Database(t), "GOMEMLIMIT="+strconv.FormatInt(podLimit/10*9, 10), "MAX_UPLOAD_BYTES="+strconv.Itoa(fullSize), "LOG_LEVEL=info")
	vast := vastSession(t, api) // its messages are so large that they wait where uploads do
	bodies := hostile()
	names := slices.Sorted(maps.Keys(bodies))
	end := time.Now().Add(hostileFor(t))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	var next, accepted, unheard, shed atomic.Int64
	for range uploaders {
		all.Go(func() {
			// Each body at least once, and for as long as was asked for.
			for i := int(next.Add(1)) - 1; i < len(names) || time.Now().Before(end); i = int(next.Add(1)) - 1 {
				name := names[i%len(names)]
				switch insist(t, api, name, bodies[name], &shed) {
				case http.StatusAccepted:
					accepted.Add(1)
				case 0:
					unheard.Add(1)
				}
			}
		})
	}
	go func() { all.Wait(); cancel() }()
	clients := hostileClients(ctx, t, api, vast)
	small := smallRequests(ctx, t, api)
	all.Wait()
	clients.Wait()
	t.Logf("%d MiB at most; %d idle clients; %d bodies, %d of them accepted, %d refused before they were sent, %d shed before; %d small requests", api.peak()>>20, clients.seen.Load(), next.Load()-uploaders, accepted.Load(), unheard.Load(), shed.Load(), small)
	if api.peak() > podLimit {
		t.Errorf("the process took %d bytes, want %d at most", api.peak(), podLimit)
	}
	if accepted.Load() == 0 || small == 0 || clients.seen.Load() == 0 {
		t.Errorf("%d uploads were accepted, %d small requests answered, %d clients were idle, want some of each", accepted.Load(), small, clients.seen.Load())
	}
}

// insist sends b until there is memory for it. It may be refused before all of it was sent, which closes the connection.
func insist(t *testing.T, api *running, name string, b body, shed *atomic.Int64) (status int) {
	var last reply
	for began := time.Now(); time.Since(began) < 2*patience; {
		last = b.upload(t.Context(), api)
		if len(last.body) > 20_000 {
			t.Errorf("%s: an answer of %d bytes", name, len(last.body))
		}
		switch {
		case last.status == http.StatusServiceUnavailable && last.retry != "":
			shed.Add(1)
		case last.status == http.StatusAccepted, last.status == http.StatusBadRequest, last.status == 0:
			return last.status
		default:
			t.Errorf("%s: status %d", name, last.status)
			return last.status
		}
	}
	t.Errorf("%s: refused for %v, at last: %s", name, 2*patience, last.body)
	return 0
}

// smallRequests sends what honest clients send until ctx ends, one after the other, and wants each to succeed: where the CPU is short
// too, not always the first time. Who connects and is not read for long may be taken for one who is idle, and be cut off.
func smallRequests(ctx context.Context, t *testing.T, api *running) (done int) {
	t.Helper()
	for ctx.Err() == nil {
		for _, r := range []struct{ method, path, body string }{
			{http.MethodGet, "/v1/documents?limit=1", ""},
			{http.MethodGet, "/v1/search?q=lamp", ""},
			{http.MethodPost, "/v1/documents", upload},
			{http.MethodPost, "/v1/sessions", `{"user":"u"}`},
		} {
			status, answer := ask(t, r.method, api.http+r.path, r.body)
			for began := time.Now(); (status == http.StatusServiceUnavailable || status == 0) && time.Since(began) < patience; {
				time.Sleep(100 * time.Millisecond)
				status, answer = ask(t, r.method, api.http+r.path, r.body)
			}
			if status < 200 || status > 299 {
				t.Errorf("%s %s: status %d: %s", r.method, r.path, status, answer)
			}
			done++
		}
	}
	return done
}
