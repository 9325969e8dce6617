package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/ragscale/ragscale/ragapi/admission"
)

const (
	// bodyFactor is how much memory a body takes while it is answered, in its own size. Three times its text at most: as it was
	// sent or as it is kept, among the statement's parameters, and in the message to the database. A text may grow by a
	// quarter while it is made normal.
	bodyFactor   = 4
	bodyOverhead = 16 << 10
	// smallBody and smaller ones have an eighth of the memory to themselves, so that large ones never keep them waiting.
	smallBody  = 64 << 10
	smallShare = 8

	// answerFactor is for an answer as it is read, as it is decoded, and as it is sent.
	answerFactor   = 3
	answerOverhead = 8 << 10
	// leastAnswers is room for some of the largest.
	leastAnswers = 8 << 20
)

// rooms are what bodies that come and answers that go may take.
type rooms struct{ small, large, answers *admission.Room }

// newRooms shares the memory of bodies between small and large ones. There is room for the largest in any case.
func newRooms(bodies, answers, largest int64) *rooms {
	small := max(bodies/smallShare, cost(smallBody))
	return &rooms{
		small: admission.NewRoom(small), large: admission.NewRoom(max(bodies-small, cost(largest))),
		answers: admission.NewRoom(max(answers, leastAnswers)),
	}
}

// cost is what a body of that many bytes takes.
func cost(body int64) int64 { return bodyFactor*body + bodyOverhead }

// paceGrace is how long what comes from a client, or goes there, may be as slow as it likes.
var paceGrace = 10 * time.Second

// paceRate is in bytes/s from then on, on average since it began.
const paceRate = 100_000

// pace is how fast a client sends a body, or takes an answer.
type pace struct {
	began time.Time
	moved int64 // bytes
}

// due is when the client is late, unless more has come by then.
func (p pace) due() time.Time {
	return p.began.Add(min(paceGrace+time.Duration(p.moved)*time.Second/paceRate, readTimeout))
}

// setDeadline sets one on the connection, where there is a connection: a request that was made by hand has none.
func setDeadline(set func(time.Time) error, t time.Time) error {
	if err := set(t); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// past is a deadline that ends a wait at once.
var past = time.Unix(1, 0)
