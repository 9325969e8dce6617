package server

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// mediaType is what a body says it is. Texts are UTF-8 and not compressed; any other is refused rather than guessed.
func mediaType(r *http.Request) (kind string, params map[string]string, err error) {
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
	return kind, params, foreignCharset(params)
}

// foreignCharset is the problem of a media type in another charset, or nil.
func foreignCharset(params map[string]string) error {
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return unsupportedMedia.because("want charset=utf-8, which may be left out")
	}
	return nil
}

// bodyGrace is how long a body may come as slowly as it likes.
var bodyGrace = 10 * time.Second

// bodyRate is in bytes/s from then on, on average since it began.
const bodyRate = 100_000

// pacedBody reads the body of a request until that falls behind its pace, so that none holds memory for as long as it likes.
type pacedBody struct {
	body    io.Reader
	control *http.ResponseController
	began   time.Time
	read    int64
}

func (p *pacedBody) Read(b []byte) (int, error) {
	within := min(bodyGrace+time.Duration(p.read)*time.Second/bodyRate, readTimeout)
	if err := p.deadline(p.began.Add(within)); err != nil {
		return 0, err
	}
	n, err := p.body.Read(b)
	p.read += int64(n)
	return n, err
}

// deadline sets one on the connection, where there is a connection: a request that was made by hand has none.
func (p *pacedBody) deadline(t time.Time) error {
	if err := p.control.SetReadDeadline(t); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// withinPace gives read the body of r, of at most limit bytes. Once that has been read its deadline ends with it, which
// would else cut off the request.
func withinPace(w http.ResponseWriter, r *http.Request, limit int64, read func(body io.Reader) error) error {
	if r.ContentLength > limit {
		return &http.MaxBytesError{Limit: limit}
	}
	paced := &pacedBody{body: r.Body, control: http.NewResponseController(w), began: time.Now()}
	if err := read(http.MaxBytesReader(w, io.NopCloser(paced), limit)); err != nil {
		return err
	}
	return bodyError(paced.deadline(time.Now().Add(readTimeout)))
}

// readBody reads a body whole.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (raw []byte, err error) {
	err = withinPace(w, r, limit, func(body io.Reader) (err error) {
		if r.ContentLength < 0 {
			raw, err = io.ReadAll(body)
			return bodyError(err)
		}
		raw = make([]byte, r.ContentLength)
		_, err = io.ReadFull(body, raw)
		return bodyError(err)
	})
	return raw, err
}

// bodyError keeps the error of a body over the limit, and turns any other into a problem.
func bodyError(err error) error {
	var large *http.MaxBytesError
	var network net.Error
	switch {
	case err == nil, errors.As(err, &large):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tooSlow.because("want " + bytesText(bodyRate) + " a second at least")
	case errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return invalid([]Fault{{Parameter: "body", Detail: "ends early"}})
	}
	return invalid([]Fault{{Parameter: "body", Detail: "could not be read: " + cut(err.Error(), 2*maxQuoted)}})
}
