package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// revalidated answers are kept by browsers, not by the CDN, and asked for again each time.
const revalidated = "private, no-cache"

// timeTag is the ETag of what changes no more than once in a microsecond.
func timeTag(updated time.Time) string { return `"` + strconv.FormatInt(updated.UnixMicro(), 36) + `"` }

// writeTagged answers body, which ends a line, or 304 to a client that has it.
func writeTagged(w http.ResponseWriter, r *http.Request, tag string, body []byte) error {
	return writeKept(w, r, revalidated, tag, body)
}

// writeKept is writeTagged for what is kept otherwise.
func writeKept(w http.ResponseWriter, r *http.Request, kept, tag string, body []byte) error {
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", kept)
	if noneMatch(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeBody(w, http.StatusOK, body)
}

// hashTag is the ETag of what has no other.
func hashTag(body []byte) string {
	return string(append(strconv.AppendUint([]byte{'"'}, xxhash.Sum64(body), 36), '"'))
}

// writeTaggedJSON answers v, or 304 to a client that has it.
func writeTaggedJSON(w http.ResponseWriter, r *http.Request, tag string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return writeTagged(w, r, tag, append(body, '\n'))
}

// noneMatch reports whether an If-None-Match header covers tag, after RFC 9110, 13.1.2.
func noneMatch(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/") // weak: proxies that compress weaken tags
		if candidate == tag || candidate == "*" {
			return true
		}
	}
	return false
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return writeBody(w, status, append(body, '\n'))
}

func writeBody(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
