package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/ragapi/auth"
)

func limited(t *testing.T, f *fake, perSecond float64, burst int) (h http.Handler, pass func(time.Duration)) {
	t.Helper()
	limit, err := NewRateLimit(perSecond, burst, 1)
	if err != nil {
		t.Fatal(err)
	}
	now := created
	limit.now = func() time.Time { return now }
	o := optionsOf(f)
	o.RateLimit = limit
	return guardedAPI(f, o), func(d time.Duration) { now = now.Add(d) }
}

func TestEachUserHasARateLimit(t *testing.T) {
	h, pass := limited(t, &fake{}, 0.5, 3)
	statuses := func(token string, n int) (got []int) {
		for range n {
			got = append(got, as(h, token, "GET", "/v1/search?q=x", "").Code)
		}
		return got
	}
	if diff := cmp.Diff([]int{200, 200, 200, 429, 429}, statuses("ann", 5)); diff != "" {
		t.Errorf("ann (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{200, 200, 200, 429}, statuses("bob", 4)); diff != "" {
		t.Errorf("bob, after ann (-want +got):\n%s", diff)
	}
	w := as(h, "ann", "GET", "/v1/search?q=x", "")
	got := []string{w.Header().Get("Retry-After"), w.Header().Get("RateLimit-Policy"), w.Header().Get("RateLimit")}
	if diff := cmp.Diff([]string{"2", `"caller";q=3;w=6`, `"caller";r=0;t=6`}, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if !strings.Contains(w.Body.String(), problemPrefix+"rate-limited") {
		t.Errorf("problem %s", w.Body)
	}
	pass(2 * time.Second)
	if diff := cmp.Diff([]int{200, 429}, statuses("ann", 2)); diff != "" {
		t.Errorf("ann, after Retry-After (-want +got):\n%s", diff)
	}
	if w := as(h, "", "GET", "/healthz", ""); w.Code != http.StatusOK || w.Header().Get("RateLimit") != "" {
		t.Errorf("a probe: %d", w.Code)
	}
}

func TestWithoutAuthenticationAddressesAreLimited(t *testing.T) {
	for name, c := range map[string]struct {
		first, second [2]string // X-Forwarded-For, peer
		same          bool
	}{
		"a peer's ports":                {[2]string{"", "192.0.2.1:1"}, [2]string{"", "192.0.2.1:2"}, true},
		"two peers":                     {[2]string{"", "192.0.2.1:1"}, [2]string{"", "192.0.2.2:1"}, false},
		"an invented first hop":         {[2]string{"8.8.8.8, 192.0.2.1", "10.0.0.1:1"}, [2]string{"9.9.9.9, 192.0.2.1", "10.0.0.1:1"}, true},
		"two that invent the same hop":  {[2]string{"8.8.8.8, 192.0.2.1", "10.0.0.1:1"}, [2]string{"8.8.8.8,192.0.2.2", "10.0.0.1:1"}, false},
		"two clients of one balancer":   {[2]string{"192.0.2.1", "10.0.0.1:1"}, [2]string{"192.0.2.2", "10.0.0.1:1"}, false},
		"one client of two balancers":   {[2]string{"192.0.2.1", "10.0.0.1:1"}, [2]string{"192.0.2.1", "10.0.0.2:1"}, true},
		"one client's IPv6 addresses":   {[2]string{"2001:db8:1:2::1", ""}, [2]string{"[2001:db8:1:2:ffff::9]:443", ""}, true},
		"two clients' IPv6 addresses":   {[2]string{"2001:db8:1:2::1", ""}, [2]string{"2001:db8:1:3::1", ""}, false},
		"one address in two notations":  {[2]string{"::ffff:192.0.2.1", ""}, [2]string{"192.0.2.1:80", ""}, true},
		"what is no address, unlimited": {[2]string{"a", ""}, [2]string{"b", ""}, true},
	} {
		limit, err := NewRateLimit(1, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		limit.now = func() time.Time { return created }
		o := optionsOf(&fake{})
		o.RateLimit = limit
		h := checked(o)
		var last int
		for _, from := range [][2]string{c.first, c.second} {
			r := httptest.NewRequest("GET", "/v1/search?q=x", nil)
			if from[0] != "" {
				r.Header.Set("X-Forwarded-For", from[0])
			}
			r.RemoteAddr = from[1]
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			last = w.Code
		}
		if (last == http.StatusTooManyRequests) != c.same {
			t.Errorf("%s: the second request is answered with %d", name, last)
		}
	}
}

// TestTheClientIsWhomTheOutermostProxyNames, of those that are known to be there: whoever asks can say anything before.
func TestTheClientIsWhomTheOutermostProxyNames(t *testing.T) {
	for _, c := range []struct {
		hops int
		said []string
		want string
	}{
		{0, nil, "peer"},
		{0, []string{"a, b"}, "peer"},
		{1, nil, "peer"},
		{1, []string{"client"}, "client"},
		{1, []string{"invented, client"}, "client"},
		{1, []string{"invented", "client"}, "client"},
		{1, []string{"invented,"}, ""},
		{2, nil, "peer"},
		{2, []string{"straight"}, "straight"},
		{2, []string{"client, edge"}, "client"},
		{2, []string{"client , edge"}, "client"},
		{2, []string{"invented, client, edge"}, "client"},
		{2, []string{"invented, client", "edge"}, "client"},
		{2, []string{"invented", "client", "edge"}, "client"},
		{2, []string{"invented, , edge"}, ""},
		{3, []string{"invented, client, outer", "inner"}, "client"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "peer"
		for _, line := range c.said {
			r.Header.Add("X-Forwarded-For", line)
		}
		if got := clientAddress(r, c.hops); got != c.want {
			t.Errorf("%d proxies, %q: %q, want %q", c.hops, c.said, got, c.want)
		}
	}
}

// TestBehindAnEdgeClientsAreLimited and not the edge, which all of them come through.
func TestBehindAnEdgeClientsAreLimited(t *testing.T) {
	limit, err := NewRateLimit(1, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	limit.now = func() time.Time { return created }
	o := optionsOf(&fake{})
	o.RateLimit = limit
	h := checked(o)
	for _, c := range []struct {
		said string
		want int
	}{
		{"192.0.2.1, 198.51.100.1", 200}, {"192.0.2.2, 198.51.100.1", 200}, // two clients of one edge
		{"192.0.2.1, 198.51.100.2", 429},              // one client of two edges
		{"203.0.113.9, 192.0.2.2, 198.51.100.1", 429}, // who says to be another
	} {
		r := httptest.NewRequest("GET", "/v1/search?q=x", nil)
		r.Header.Set("X-Forwarded-For", c.said)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != c.want {
			t.Errorf("%s: %d, want %d", c.said, w.Code, c.want)
		}
	}
}

// TestTheLimitsMemoryIsBounded, however many invent names. Whoever asks all the time is not forgotten for them.
func TestTheLimitsMemoryIsBounded(t *testing.T) {
	limit, err := NewRateLimit(1, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	limit.now = func() time.Time { return created }
	r := httptest.NewRequest("GET", "/", nil)
	busy := auth.NewCaller("busy")
	refused := 0
	for n := range 3 * maxLimited {
		if n%1000 == 0 && limit.take(httptest.NewRecorder(), r, busy) != nil {
			refused++
		}
		if err := limit.take(httptest.NewRecorder(), r, auth.NewCaller(fmt.Sprint("u", n))); err != nil {
			t.Fatal(err)
		}
	}
	if limit.buckets.Len() != maxLimited || refused != 3*maxLimited/1000-2 {
		t.Errorf("%d callers are counted, want %d; the busy one was refused %d times", limit.buckets.Len(), maxLimited, refused)
	}
	exempt := auth.NewCaller("busy", auth.LimitsExempt)
	if err := limit.take(httptest.NewRecorder(), r, exempt); err != nil {
		t.Errorf("exempt: %v", err)
	}
}
