package nodeagent

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
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
