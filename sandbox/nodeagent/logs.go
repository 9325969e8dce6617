package nodeagent

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
)

const (
	logCap     = 10 << 20 // bytes of a container's log before it is rotated; one older file is kept
	logLine    = 16 << 10 // bytes; a longer line is stored in parts
	logPoll    = 100 * time.Millisecond
	logTime    = "2006-01-02T15:04:05.000000000Z07:00"
	logOld     = ".old"
	partOfLine = "P" // the line goes on in the next entry
	endOfLine  = "F"
)

// logFile stores a container's output in the CRI form: time, stream, P or F, text.
type logFile struct {
	path string
	cap  int64
	mu   sync.Mutex
	f    *os.File
	size int64
}

func newLogFile(path string) (*logFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	return &logFile{path: path, cap: logCap, f: f}, nil
}

// copy stores everything that r yields, line by line, until its end.
func (l *logFile) copy(stream string, r io.Reader) error {
	lines := bufio.NewReaderSize(r, logLine)
	for {
		text, err := lines.ReadSlice('\n')
		if len(text) > 0 {
			tag := partOfLine
			if !errors.Is(err, bufio.ErrBufferFull) {
				tag, text = endOfLine, bytes.TrimSuffix(text, []byte("\n"))
			}
			if err := l.entry(stream, tag, text); err != nil {
				return err
			}
		}
		switch {
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed):
			return nil
		default:
			return err
		}
	}
}

func (l *logFile) entry(stream, tag string, text []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > l.cap {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	n, err := fmt.Fprintf(l.f, "%s %s %s %s\n", time.Now().UTC().Format(logTime), stream, tag, text)
	l.size += int64(n)
	return err
}

func (l *logFile) rotate() error {
	if err := os.Rename(l.path, l.path+logOld); err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	old := l.f
	l.f, l.size = f, 0
	return old.Close()
}

func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Close()
}

// entry of a log as read back.
type logEntry struct {
	at   string
	tag  string
	text []byte
}

func parseEntry(line []byte) (logEntry, bool) {
	f := bytes.SplitN(bytes.TrimSuffix(line, []byte("\n")), []byte(" "), 4)
	if len(f) < 4 {
		return logEntry{}, false
	}
	return logEntry{at: string(f[0]), tag: string(f[2]), text: f[3]}, true
}

// readLog writes a log's lines to w as the options want them. With Follow it goes on until over is closed and
// everything is read, or ctx ends.
func readLog(ctx context.Context, w io.Writer, path string, o api.ContainerLogOpts, over <-chan struct{}) error {
	printer := &logPrinter{w: w, o: o, since: o.SinceTime, left: -1, fresh: true}
	if o.SinceSeconds > 0 {
		printer.since = time.Now().Add(-time.Duration(o.SinceSeconds) * time.Second)
	}
	if o.LimitBytes > 0 {
		printer.left = o.LimitBytes
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { f.Close() }()
	skip := 0
	if o.Tail > 0 {
		total, err := countLines(path+logOld, path)
		if err != nil {
			return err
		}
		skip = max(total-o.Tail, 0)
	}
	if old, err := os.Open(path + logOld); err == nil {
		_, err = printer.copy(old, &skip)
		old.Close()
		if err != nil {
			return err
		}
	}
	for {
		ended := isClosed(over)
		more, err := printer.copy(f, &skip)
		if err != nil || printer.left == 0 || (!more && (!o.Follow || ended)) {
			return err
		}
		if next, ok := rotated(f, path); ok {
			f.Close()
			f = next
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-over:
		case <-time.After(logPoll):
		}
	}
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

// logPrinter writes log entries as kubectl logs shows them.
type logPrinter struct {
	w       io.Writer
	o       api.ContainerLogOpts
	since   time.Time
	left    int // bytes to go, -1 without limit
	fresh   bool
	partial []byte
}

// copy prints the entries from f's position to its end; more says whether there were any. The first *skip lines are left out.
func (p *logPrinter) copy(f io.Reader, skip *int) (more bool, err error) {
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
		if *skip > 0 {
			if e.tag == endOfLine {
				*skip--
			}
			continue
		}
		if err := p.print(e); err != nil || p.left == 0 {
			return more, err
		}
	}
}

func (p *logPrinter) print(e logEntry) error {
	if !p.since.IsZero() {
		if at, err := time.Parse(time.RFC3339Nano, e.at); err == nil && at.Before(p.since) {
			return nil
		}
	}
	var out []byte
	if p.o.Timestamps && p.fresh {
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

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// logText is the plain text of stored entries; a cut first line is left out.
func logText(b []byte) string {
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
