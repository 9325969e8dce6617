// Package logs stores what containers write and reads it back.
//
// Owns: the file of one run of a container in the CRI's form, its rotation, tails and following. Does not own: where the files
// lie, which run is meant.
package logs

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
	maxBytes   = 10 << 20 // bytes of a container's log before it is rotated; one older file is kept
	maxLine    = 16 << 10 // bytes; a longer line is stored in parts
	pollEvery  = 100 * time.Millisecond
	timeForm   = "2006-01-02T15:04:05.000000000Z07:00"
	oldSuffix  = ".old"
	partOfLine = "P" // the line goes on in the next entry
	endOfLine  = "F"
)

// File stores a container's output in the CRI form: time, stream, P or F, text.
type File struct {
	path string
	cap  int64
	mu   sync.Mutex
	f    *os.File
	size int64
}

// NewFile opens an empty log.
func NewFile(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	return &File{path: path, cap: maxBytes, f: f}, nil
}

// Copy stores everything that r yields, line by line, until its end.
func (l *File) Copy(stream string, r io.Reader) error {
	lines := bufio.NewReaderSize(r, maxLine)
	for {
		text, err := lines.ReadSlice('\n')
		if len(text) > 0 {
			tag := partOfLine
			if !errors.Is(err, bufio.ErrBufferFull) {
				tag, text = endOfLine, bytes.TrimSuffix(text, []byte("\n"))
			}
			if err := l.store(stream, tag, text); err != nil {
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

func (l *File) store(stream, tag string, text []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > l.cap {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	n, err := fmt.Fprintf(l.f, "%s %s %s %s\n", time.Now().UTC().Format(timeForm), stream, tag, text)
	l.size += int64(n)
	return err
}

func (l *File) rotate() error {
	if err := os.Rename(l.path, l.path+oldSuffix); err != nil {
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

// Close ends the log.
func (l *File) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Close()
}
