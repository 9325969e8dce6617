package supervise

import (
	"io"
	"os"
	"path/filepath"
)

const (
	mostLog  = 32 << 20 // bytes; a longer log is set aside when the engine starts
	mostTail = 4 << 10  // bytes of a log that an error holds
)

// OpenLog opens an engine's log for appending. offset is where the new part begins.
func OpenLog(name string) (f *os.File, offset int64, err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, 0, err
	}
	if info, err := os.Stat(name); err == nil && info.Size() > mostLog {
		if err := os.Rename(name, name+".1"); err != nil {
			return nil, 0, err
		}
	}
	if f, err = os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, 0, err
	}
	offset, err = f.Seek(0, io.SeekEnd)
	return f, offset, err
}

// Tail is what a log holds from offset on, at most its last 4 kB; an error that arises says so instead.
func Tail(name string, offset int64) []byte {
	raw, err := os.ReadFile(name)
	if err != nil {
		return []byte(err.Error())
	}
	raw = raw[min(offset, int64(len(raw))):]
	return raw[max(0, len(raw)-mostTail):]
}
