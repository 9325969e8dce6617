package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAFileIsReplacedWithItsMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	for content, mode := range map[string]os.FileMode{"old": 0o600, "new and longer": 0o664} {
		if err := Write(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != content || info.Mode() != mode {
			t.Errorf("it holds %q with mode %v, want %q with %v", have, info.Mode(), content, mode)
		}
	}
}

func TestWhatCannotBeReplacedStaysAndNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(path, "by-a-folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("x"), 0o600); err == nil {
		t.Fatal("a folder was replaced by a file")
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 {
		t.Errorf("there are %v, want the folder alone", left)
	}
}

func TestADeviceIsWrittenToAndStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "null")
	if err := os.Symlink(os.DevNull, path); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if link, err := os.Readlink(path); err != nil || link != os.DevNull {
		t.Errorf("it is %q, %v, want the link to %s", link, err, os.DevNull)
	}
}
