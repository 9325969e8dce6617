package server

import (
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/ragscale/ragscale/ragapi/admission"
)

// body is that of a request, read whole.
type body struct {
	kind   string // its media type
	params map[string]string
	raw    []byte
}

// mediaType is what a body says it is. Texts are UTF-8 and not compressed; any other is refused rather than guessed.
func (c *content) mediaType(r *http.Request) (kind string, params map[string]string, err error) {
	for _, coding := range r.Header.Values("Content-Encoding") {
		if coding != "" && !strings.EqualFold(strings.TrimSpace(coding), "identity") {
			return "", nil, unsupportedMedia.because("want no Content-Encoding")
		}
	}
	if len(r.Header.Values("Content-Type")) > 1 {
		return "", nil, unsupportedMedia.because("want one Content-Type")
	}
	kind, params, err = mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return "", nil, unsupportedMedia.because("want a Content-Type")
	}
	if _, other := c.others[kind]; !other && kind != mediaJSON {
		return "", nil, unsupportedMedia.because("want " + c.kinds())
	}
	return kind, params, foreignCharset(params)
}

// foreignCharset is the problem of a media type in another charset, or nil.
func foreignCharset(params map[string]string) error {
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return unsupportedMedia.because("want charset=utf-8, which may be left out")
	}
	return nil
}

// take returns the body, which belongs to the caller.
func (b *body) take() []byte {
	raw := b.raw
	b.raw = nil
	return raw
}

// withBody reads the body of a request, and then answers it. Until the body is there it takes no place of those at work; its
// memory grows as it comes.
func (m *rooms) withBody(c *content, h handler) handler {
	return func(x *exchange, r *http.Request) (err error) {
		if x.body.kind, x.body.params, err = c.mediaType(r); err != nil {
			return err
		}
		in := &incoming{
			rooms: m, priority: admission.Of(r.Context()), header: x.Header(),
			control: http.NewResponseController(x.ResponseWriter), pace: pace{began: time.Now()},
		}
		defer in.leave()
		if x.body.raw, err = in.read(x.ResponseWriter, r, c.most); err != nil {
			return bodyError(err)
		}
		x.whole = true
		return h(x, r)
	}
}

// incoming is a body that is being read, until that falls behind its pace or others need its room.
type incoming struct {
	rooms    *rooms
	priority admission.Priority
	header   http.Header // of the answer
	control  *http.ResponseController
	body     io.Reader
	pace     pace

	small, large admission.Hold
	holds        *admission.Hold // one of the two
}

// read returns a body of at most most bytes.
func (in *incoming) read(w http.ResponseWriter, r *http.Request, most int64) (raw []byte, err error) {
	if r.ContentLength > most {
		return nil, &http.MaxBytesError{Limit: most}
	}
	in.body = http.MaxBytesReader(w, r.Body, most)
	size, factor := int64(firstPiece), int64(2)
	if r.ContentLength >= 0 {
		most, factor = r.ContentLength, 4
	} else {
		most++ // tells that there is more
	}
	for size = min(size, most); ; size = larger(size, factor, most) {
		if err := in.reserve(r.Context(), size); err != nil {
			return nil, err
		}
		raw = append(make([]byte, 0, size), raw...)
		var ended bool
		if raw, ended, err = in.fill(raw); err != nil {
			return nil, err
		}
		if ended || int64(len(raw)) == r.ContentLength {
			return raw, in.finish(int64(len(raw)), r.ContentLength)
		}
	}
}

// firstPiece is what a body gets room for before any of it has come.
const firstPiece = 4 << 10

// larger is the next size of what a body is read into. The last step is a long one, so that little is copied.
func larger(size, factor, most int64) int64 {
	if size *= factor; 2*size > most {
		return most
	}
	return size
}

// reserve takes room for a body of size bytes.
func (in *incoming) reserve(ctx context.Context, size int64) error {
	switch {
	case size > smallBody && in.holds != &in.large:
		in.holds = &in.large
		in.holds.Enter(in.rooms.large)
	case in.holds == nil: // while it holds nothing it cannot be cut off
		in.holds = &in.small
		in.holds.Enter(in.rooms.small)
		return in.grown(in.holds.Grow(ctx, cost(size)))
	}
	if !in.holds.Await(in.pace.due(), in) {
		return in.cutOff()
	}
	if err := in.grown(in.holds.Grow(ctx, cost(size))); err != nil {
		return err
	}
	if in.holds == &in.large {
		in.small.Leave()
	}
	return nil
}

// grown is what comes of an attempt to hold more.
func (in *incoming) grown(err error) error {
	if in.holds.Gone() {
		return in.cutOff()
	}
	if err != nil {
		in.header.Set("Connection", "close")
	}
	return err
}

// fill reads until raw has no more room, or the body has ended.
func (in *incoming) fill(raw []byte) (_ []byte, ended bool, err error) {
	for len(raw) < cap(raw) {
		n, err := in.readPiece(raw[len(raw):cap(raw)])
		raw = raw[:len(raw)+n]
		if errors.Is(err, io.EOF) {
			return raw, true, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
	return raw, false, nil
}

func (in *incoming) readPiece(piece []byte) (int, error) {
	if !in.holds.Await(in.pace.due(), in) {
		return 0, in.cutOff()
	}
	if err := setDeadline(in.control.SetReadDeadline, in.pace.due()); err != nil {
		return 0, err
	}
	if in.holds.Gone() { // before its deadline was set
		return 0, in.cutOff()
	}
	n, err := in.body.Read(piece)
	in.pace.moved += int64(n)
	if err != nil && in.holds.Gone() {
		return 0, in.cutOff()
	}
	return n, err
}

// CutOff implements admission.Client.
func (in *incoming) CutOff() {
	_ = in.control.SetReadDeadline(past) // where it cannot be set there is no connection to wait for
}

// cutOff is why a body is not read on that is too slow while others need its room.
func (in *incoming) cutOff() error {
	in.header.Set("Connection", "close")
	return &admission.Overloaded{Reason: admission.Memory, Priority: in.priority}
}

// finish keeps the room of a whole body for as long as it is worked on. The deadline ends with the reading: it would else cut off
// the request.
func (in *incoming) finish(size, declared int64) error {
	switch {
	case size < declared:
		return io.ErrUnexpectedEOF
	case !in.holds.Work():
		return in.cutOff()
	}
	return setDeadline(in.control.SetReadDeadline, time.Now().Add(readTimeout))
}

func (in *incoming) leave() {
	in.small.Leave()
	in.large.Leave()
}

// bodyError keeps the error of a body over the limit, and turns any other into a problem.
func bodyError(err error) error {
	var large *http.MaxBytesError
	var network net.Error
	var over *admission.Overloaded
	switch {
	case err == nil, errors.As(err, &large), errors.As(err, &over), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, net.ErrClosed): // by this process
		return unavailable.because("the process ends, send it again")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tooSlow.because("want " + bytesText(paceRate) + " a second at least")
	case errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return invalid([]Fault{{Parameter: "body", Detail: "ends early"}})
	}
	return invalid([]Fault{{Parameter: "body", Detail: "could not be read: " + cut(err.Error(), 2*maxQuoted)}})
}
