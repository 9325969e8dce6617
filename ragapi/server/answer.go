package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
)

// timeTag is the ETag of what changes no more than once in a microsecond.
func timeTag(updated time.Time) string { return `"` + strconv.FormatInt(updated.UnixMicro(), 36) + `"` }

// writeTagged answers body, which ends a line, or 304 to a client that has it. Its error is a Problem: the client wants another.
func writeTagged(w *exchange, r *http.Request, tag string, body []byte) error {
	if !ifMatch(r, tag) {
		return conditionFailed
	}
	w.Header().Set("ETag", tag)
	if noneMatch(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.answerJSON(http.StatusOK, body)
	return nil
}

// hashTag is the ETag of what has no other.
func hashTag(body []byte) string {
	return string(append(strconv.AppendUint([]byte{'"'}, xxhash.Sum64(body), 36), '"'))
}

// writeTaggedJSON answers v, or 304 to a client that has it. An empty tag is made of the answer.
func writeTaggedJSON(w *exchange, r *http.Request, tag string, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	if tag == "" {
		tag = hashTag(body)
	}
	return writeTagged(w, r, tag, body)
}

func writeJSON(w *exchange, status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	w.answerJSON(status, body)
	return nil
}

// encode returns v as JSON that ends a line. Nobody takes an answer for HTML, whose signs are left as they are.
func encode(v any) ([]byte, error) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return body.Bytes(), nil
}
