package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ragscale/ragscale/ragapi/admission"
)

// exchange is a request and its answer. Handlers fill the answer in; it is sent when they have done, and take no place any more.
type exchange struct {
	http.ResponseWriter
	query  *parameters // of the request; nil until they are read
	body   body        // of the request
	whole  bool        // the body was read
	status int         // of the answer; 0 while there is none
	answer []byte
	room   admission.Hold // that the answer takes
}

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) { x.status = status }

// answerJSON answers with a body, which belongs to the answer from now on.
func (x *exchange) answerJSON(status int, body []byte) {
	x.Header().Set("Content-Type", mediaJSON)
	x.status, x.answer = status, body
}

// expect waits until there is room for an answer of some bytes, before it is read.
func (x *exchange) expect(ctx context.Context, bytes int) error {
	return x.room.Grow(ctx, answerFactor*int64(bytes))
}

const (
	// answerPiece is what a client must take at its pace.
	answerPiece = 64 << 10
	// unreadGrace is how long an answer waits for a body that nobody reads, so that the connection can be used again.
	unreadGrace = 500 * time.Millisecond
)

// errNotTaken means that a client did not take its answer.
var errNotTaken = errors.New("the client took its answer too slowly while others needed the memory")

// send gives the client its answer, at its pace. Whoever takes one slowest is cut off where others need the memory.
func (x *exchange) send(r *http.Request) error {
	if x.status == 0 {
		return nil
	}
	control := http.NewResponseController(x.ResponseWriter)
	if r.ContentLength != 0 && !x.whole {
		if err := setDeadline(control.SetReadDeadline, time.Now().Add(unreadGrace)); err != nil {
			return err
		}
	}
	x.room.Take(int64(len(x.answer)) + answerOverhead)
	if len(x.answer) > 0 {
		x.Header().Set("Content-Length", strconv.Itoa(len(x.answer)))
	}
	going := pace{began: time.Now()}
	x.ResponseWriter.WriteHeader(x.status)
	for piece := range slices.Chunk(x.answer, answerPiece) {
		if !x.room.Await(going.due(), x) {
			return errNotTaken
		}
		if err := setDeadline(control.SetWriteDeadline, going.due()); err != nil {
			return err
		}
		if x.room.Gone() { // before its deadline was set
			return errNotTaken
		}
		n, err := x.Write(piece)
		if going.moved += int64(n); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
	return nil
}

// CutOff implements admission.Client.
func (x *exchange) CutOff() {
	// Where it cannot be set there is no connection to wait for.
	_ = http.NewResponseController(x.ResponseWriter).SetWriteDeadline(past)
}
