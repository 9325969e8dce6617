package config

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ragscale/ragscale/ragapi/address"
)

// reader reads single variables and gathers their faults instead of stopping at the first.
type reader struct {
	lookup func(string) (string, bool)
	faults []error
}

func (r *reader) faultf(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

func (r *reader) text(name, fallback string) string {
	if v, ok := r.lookup(name); ok && v != "" {
		return v
	}
	return fallback
}

func (r *reader) required(name, want string) string {
	v := r.text(name, "")
	if v == "" {
		r.faultf("%s is not set, want %s", name, want)
	}
	return v
}

func (r *reader) integer(name string, fallback, low, high int) int {
	v := r.text(name, strconv.Itoa(fallback))
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		r.faultf("%s is %q, want a whole number from %d to %d", name, v, low, high)
		return fallback
	}
	return n
}

func (r *reader) duration(name string, fallback, low, high time.Duration) time.Duration {
	v := r.text(name, fallback.String())
	d, err := time.ParseDuration(v)
	if err != nil || d < low || d > high {
		r.faultf("%s is %q, want a duration such as 30s, from %v to %v", name, v, low, high)
		return fallback
	}
	return d
}

func (r *reader) oneOf(name, fallback string, allowed []string) string {
	v := r.text(name, fallback)
	if !slices.Contains(allowed, v) {
		r.faultf("%s is %q, want one of %s", name, v, strings.Join(allowed, ", "))
		return fallback
	}
	return v
}

func (r *reader) address(name, fallback string) string {
	v := r.text(name, fallback)
	_, port, err := net.SplitHostPort(v)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		r.faultf("%s is %q, want host:port with a port from 0 to 65535", name, v)
		return fallback
	}
	return v
}

func (r *reader) optionalAddress(name string) string {
	if r.text(name, "") == "" {
		return ""
	}
	return r.address(name, "")
}

func (r *reader) url(name string) string {
	v := r.text(name, "")
	if v == "" {
		return ""
	}
	u, err := url.Parse(v)
	if err == nil && u.Port() != "" {
		_, err = strconv.ParseUint(u.Port(), 10, 16)
	}
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		r.faultf("%s is %q, want a URL such as http://host:8000", name, address.Shown(v))
	}
	return strings.TrimSuffix(v, "/")
}

func (r *reader) file(name string) string {
	v := r.text(name, "")
	if v == "" {
		return ""
	}
	if info, err := os.Stat(v); err != nil || !info.Mode().IsRegular() {
		r.faultf("%s is %q, want a readable file", name, v)
	}
	return v
}

func (r *reader) level(name string, fallback slog.Level) slog.Level {
	v := r.text(name, fallback.String())
	var l slog.Level
	if err := l.UnmarshalText([]byte(v)); err != nil {
		r.faultf("%s is %q, want one of debug, info, warn, error", name, v)
		return fallback
	}
	return l
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
