package server

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/ragscale/ragscale/ragapi/auth"
)

// maxLimited callers are counted at once. Whoever has been quiet for the longest is forgotten, and begins anew.
const maxLimited = 50_000

// RateLimit bounds how often one caller may ask this process: a bucket each of burst requests, which fills with perSecond.
// The zero value bounds nothing.
type RateLimit struct {
	perSecond float64
	burst     int
	hops      int
	buckets   *lru.Cache[string, *rate.Limiter]
	now       func() time.Time
}

// NewRateLimit returns a limit; with perSecond 0 there is none. hops are the proxies in front that append to X-Forwarded-For whom they
// were asked by, and that nobody gets past.
func NewRateLimit(perSecond float64, burst, hops int) (*RateLimit, error) {
	buckets, err := lru.New[string, *rate.Limiter](maxLimited)
	if err != nil {
		return nil, fmt.Errorf("rate limit: %w", err)
	}
	return &RateLimit{perSecond: perSecond, burst: burst, hops: hops, buckets: buckets, now: time.Now}, nil
}

// take counts a request, or refuses it. It says in the answer's headers how much is left
// (draft-ietf-httpapi-ratelimit-headers-10).
func (l *RateLimit) take(w http.ResponseWriter, r *http.Request, caller auth.Caller) error {
	if l.perSecond == 0 || caller.Exempt() {
		return nil
	}
	now := l.now()
	bucket := l.bucket(l.limitedAs(r, caller))
	taken, left := bucket.AllowN(now, 1), bucket.TokensAt(now)
	fullIn := math.Ceil((float64(l.burst) - left) / l.perSecond)
	w.Header().Set("RateLimit-Policy", fmt.Sprintf(`"caller";q=%d;w=%.0f`, l.burst, math.Ceil(float64(l.burst)/l.perSecond)))
	w.Header().Set("RateLimit", fmt.Sprintf(`"caller";r=%.0f;t=%.0f`, math.Floor(max(left, 0)), fullIn))
	if taken {
		return nil
	}
	wait := int(math.Ceil((1 - left) / l.perSecond))
	w.Header().Set("Retry-After", strconv.Itoa(max(wait, 1)))
	return rateLimited.because("Retry-After says when the next one is answered")
}

func (l *RateLimit) bucket(caller string) *rate.Limiter {
	if known, ok := l.buckets.Get(caller); ok {
		return known
	}
	fresh := rate.NewLimiter(rate.Limit(l.perSecond), l.burst)
	if other, ok, _ := l.buckets.PeekOrAdd(caller, fresh); ok {
		return other
	}
	return fresh
}

// limitedAs is what a caller is counted by: the user of the token, or where nobody is asked the address.
func (l *RateLimit) limitedAs(r *http.Request, caller auth.Caller) string {
	if caller.Checked() {
		return "user " + caller.User
	}
	return "address " + network(clientAddress(r, l.hops))
}

// clientAddress is what the outermost of some proxies added to X-Forwarded-For: those before it are the client's own words. Where
// there are fewer, the request came to one of the inner proxies, whose word is the first. Without any it is the peer.
func clientAddress(r *http.Request, hops int) string {
	said := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	address := r.RemoteAddr
	for ; hops > 0 && said != ""; hops-- {
		last := strings.LastIndexByte(said, ',')
		address = strings.TrimSpace(said[last+1:])
		said = said[:max(last, 0)]
	}
	return address
}

// network is what one client has of addresses: one of IPv4, a /64 of IPv6. What is no address counts as one and the same.
func network(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	ip, err := netip.ParseAddr(strings.Trim(address, "[]"))
	if err != nil {
		return "unknown"
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip, 64).Masked().String()
}
