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

// timeTag is the ETag of what changes no more than once in a microsecond.
func timeTag(updated time.Time) string { return `"` + strconv.FormatInt(updated.UnixMicro(), 36) + `"` }

// writeTagged answers body, which ends a line, or 304 to a client that has it.
func writeTagged(w http.ResponseWriter, r *http.Request, tag string, body []byte) error {
	w.Header().Set("ETag", tag)
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

// writeTaggedJSON answers v, or 304 to a client that has it. An empty tag is made of the answer.
func writeTaggedJSON(w http.ResponseWriter, r *http.Request, tag string, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	if tag == "" {
		tag = hashTag(body)
	}
	return writeTagged(w, r, tag, body)
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
	body, err := encode(v)
	if err != nil {
		return err
	}
	return writeBody(w, status, body)
}

// encode returns v as JSON that ends a line.
func encode(v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return append(body, '\n'), nil
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
