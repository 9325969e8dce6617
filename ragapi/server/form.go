package server

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"
)

const (
	maxParts    = 8        // of a form
	maxPartHead = 16 << 10 // bytes before the content of a part
	maxBoundary = 70       // RFC 2046, 5.1.1
)

var (
	errLongHead = errors.New("the head of a part has more than " + bytesText(maxPartHead))
	errCutOff   = errors.New("the form has no end")
)

// boundedHead fails when more than left bytes are read; left is negative while there is no bound.
type boundedHead struct {
	body io.Reader
	left int
}

func (b *boundedHead) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.left < 0 {
		return n, err
	}
	if b.left -= n; b.left < 0 {
		return 0, errLongHead
	}
	return n, err
}

// readForm reads the parts of a form. Where it cannot read on, its error is a Problem with every fault until there.
func (u *upload) readForm(raw []byte, boundary string) error {
	if boundary == "" || len(boundary) > maxBoundary {
		u.faultf("Content-Type", "has a boundary of %d characters, want 1 to %d", len(boundary), maxBoundary)
		return invalid(u.faults)
	}
	bounded := &boundedHead{body: bytes.NewReader(raw)}
	form := multipart.NewReader(bounded, boundary)
	var seen []string
	for range maxParts {
		part, err := nextPart(form, bounded)
		if err != nil || part == nil {
			return err
		}
		name := part.FormName()
		if slices.Contains(seen, name) {
			u.faultf(name, "is given more than once")
			continue
		}
		seen = append(seen, name)
		if err := u.readPart(name, part, len(raw)); err != nil {
			return err
		}
	}
	if part, err := nextPart(form, bounded); err != nil || part == nil {
		return err
	}
	u.faultf("body", "has more than %d parts", maxParts)
	return invalid(u.faults)
}

// nextPart returns nil after the last part.
func nextPart(form *multipart.Reader, bounded *boundedHead) (*multipart.Part, error) {
	bounded.left = maxPartHead
	part, err := form.NextPart()
	bounded.left = -1
	switch {
	case errors.Is(err, errLongHead):
		err = errLongHead
	case errors.Is(err, io.EOF) && errors.Unwrap(err) == nil: // the form's own end
		return nil, nil
	case errors.Is(err, io.EOF):
		err = errCutOff
	}
	return part, bodyError(err)
}

func (u *upload) readPart(name string, part *multipart.Part, most int) error {
	if !slices.Contains([]string{"file", "title", "metadata"}, name) {
		u.faultf(name, "is not known, want file, title or metadata")
		return nil
	}
	if err := foreignPart(part); err != nil {
		return err
	}
	if coding := part.Header.Get("Content-Transfer-Encoding"); coding != "" && !slices.Contains([]string{"7bit", "8bit", "binary"}, strings.ToLower(coding)) {
		u.faultf(name, "is encoded as %s, want it as it is", quoted(coding))
		return nil
	}
	var content bytes.Buffer
	if name == "file" {
		content.Grow(most + bytes.MinRead) // and not one piece after the other
	}
	if _, err := content.ReadFrom(part); err != nil {
		return bodyError(err)
	}
	switch name {
	case "file":
		u.Text = shared(content.Bytes())
		if u.Title == "" {
			u.Title = part.FileName()
		}
	case "title":
		u.Title = content.String()
	case "metadata":
		u.Metadata = u.readMetadata(content.Bytes())
	}
	return nil
}

// foreignPart is the problem of a part in another charset, or nil.
func foreignPart(part *multipart.Part) error {
	kind := part.Header.Get("Content-Type")
	if kind == "" {
		return nil
	}
	_, params, err := mime.ParseMediaType(kind)
	if err == nil {
		err = foreignCharset(params)
	}
	if err != nil {
		return unsupportedMedia.because("want parts with no charset but utf-8")
	}
	return nil
}
