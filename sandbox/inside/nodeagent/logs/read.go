package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
)

// entry of a log as read back.
type entry struct {
	at   string
	tag  string
	text []byte
}

func parseEntry(line []byte) (entry, bool) {
	f := bytes.SplitN(bytes.TrimSuffix(line, []byte("\n")), []byte(" "), 4)
	if len(f) < 4 {
		return entry{}, false
	}
	return entry{at: string(f[0]), tag: string(f[2]), text: f[3]}, true
}

// Read writes a log's lines to w as the options want them. With Follow it goes on until over is closed and
// everything is read, or ctx ends.
func Read(ctx context.Context, w io.Writer, path string, o api.ContainerLogOpts, over <-chan struct{}) error {
	p, err := newPrinter(w, path, o)
	if err != nil {
		return err
	}
	if err := p.copyOld(path + oldSuffix); err != nil {
		return err
	}
	return p.copyCurrent(ctx, path, o.Follow, over)
}

// copyCurrent prints the file at path, and goes on with its successors if it is to follow.
func (p *printer) copyCurrent(ctx context.Context, path string, follow bool, over <-chan struct{}) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { f.Close() }()
	for {
		ended := false
		select {
		case <-over:
			ended = true
		default:
		}
		more, err := p.copy(f)
		if err != nil || p.left == 0 || (!more && (!follow || ended)) {
			return err
		}
		if next, ok := rotated(f, path); ok {
			f.Close()
			f = next
		} else if !awaitLines(ctx, over) {
			return nil
		}
	}
}

// awaitLines pauses until there may be more to read; false: the reader is gone.
func awaitLines(ctx context.Context, over <-chan struct{}) bool {
	select {
	case <-ctx.Done():
		return false
	case <-over:
	case <-time.After(pollEvery):
	}
	return true
}

func newPrinter(w io.Writer, path string, o api.ContainerLogOpts) (*printer, error) {
	p := &printer{w: w, timestamps: o.Timestamps, since: o.SinceTime, left: -1, fresh: true}
	if o.SinceSeconds > 0 {
		p.since = time.Now().Add(-time.Duration(o.SinceSeconds) * time.Second)
	}
	if o.LimitBytes > 0 {
		p.left = o.LimitBytes
	}
	if o.Tail > 0 {
		total, err := countLines(path+oldSuffix, path)
		if err != nil {
			return nil, err
		}
		p.skip = max(total-o.Tail, 0)
	}
	return p, nil
}

// copyOld prints the file that was rotated away, if there is one.
func (p *printer) copyOld(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = p.copy(f)
	return err
}

// rotated opens the new file if the one at path is no longer f.
func rotated(f *os.File, path string) (*os.File, bool) {
	have, err := f.Stat()
	if err != nil {
		return nil, false
	}
	now, err := os.Stat(path)
	if err != nil || os.SameFile(have, now) {
		return nil, false
	}
	next, err := os.Open(path)
	return next, err == nil
}

func countLines(paths ...string) (int, error) {
	n := 0
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
		n += strings.Count(string(b), " "+endOfLine+" ")
	}
	return n, nil
}

// printer writes log entries as kubectl logs shows them.
type printer struct {
	w          io.Writer
	timestamps bool
	since      time.Time
	skip       int  // lines to leave out first
	left       int  // bytes to go, -1 without limit
	fresh      bool // the next entry begins a line
	partial    []byte
}

// copy prints the entries from f's position to its end; more says whether there were any.
func (p *printer) copy(f io.Reader) (more bool, err error) {
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		p.partial = append(p.partial, line...)
		if err != nil {
			if errors.Is(err, io.EOF) {
				return more, nil
			}
			return more, err
		}
		more = true
		e, ok := parseEntry(p.partial)
		p.partial = nil
		if !ok {
			continue
		}
		if p.skip > 0 {
			if e.tag == endOfLine {
				p.skip--
			}
			continue
		}
		if err := p.print(e); err != nil || p.left == 0 {
			return more, err
		}
	}
}

func (p *printer) print(e entry) error {
	if !p.since.IsZero() {
		if at, err := time.Parse(time.RFC3339Nano, e.at); err == nil && at.Before(p.since) {
			return nil
		}
	}
	var out []byte
	if p.timestamps && p.fresh {
		out = append(out, e.at+" "...)
	}
	out = append(out, e.text...)
	if p.fresh = e.tag == endOfLine; p.fresh {
		out = append(out, '\n')
	}
	if p.left >= 0 {
		out = out[:min(len(out), p.left)]
		p.left -= len(out)
	}
	_, err := p.w.Write(out)
	return err
}

// Text is the plain text of stored entries; a cut first line is left out.
func Text(b []byte) string {
	var text strings.Builder
	for line := range bytes.Lines(b) {
		if e, ok := parseEntry(line); ok {
			if _, err := time.Parse(time.RFC3339Nano, e.at); err != nil {
				continue
			}
			text.Write(e.text)
			if e.tag == endOfLine {
				text.WriteByte('\n')
			}
		}
	}
	return text.String()
}
