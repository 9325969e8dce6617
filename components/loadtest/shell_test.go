package loadtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stub puts a program on PATH that writes its arguments, one a line, to a file.
func stub(t *testing.T, program string) (file string) {
	t.Helper()
	dir := t.TempDir()
	file = filepath.Join(dir, "arguments")
	text := "#!/bin/sh\nfor a in \"$@\"; do echo \"$a\"; done >" + file + "\n"
	if err := os.WriteFile(filepath.Join(dir, program), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return file
}

// script copies a script to a folder of its own. It is read here, so that the test cache knows of it.
func script(t *testing.T, name string) (path string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func arguments(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

func TestEachGeneratorRunsItsSegment(t *testing.T) {
	for generators, want := range map[int][][2]string{
		1: {{"0/1:1/1", "0,1"}},
		2: {{"0/2:1/2", "0,1/2,1"}, {"1/2:2/2", "0,1/2,1"}},
		4: {{"0/4:1/4", "0,1/4,2/4,3/4,1"}, {"1/4:2/4", "0,1/4,2/4,3/4,1"}, {"2/4:3/4", "0,1/4,2/4,3/4,1"}, {"3/4:4/4", "0,1/4,2/4,3/4,1"}},
	} {
		for index, segment := range want {
			file := stub(t, "k6")
			stub(t, "getent")
			path := script(t, "run.sh")
			cmd := exec.CommandContext(t.Context(), "/bin/sh", path)
			cmd.Env = append(os.Environ(), "GENERATORS="+strconv.Itoa(generators), "JOB_COMPLETION_INDEX="+strconv.Itoa(index),
				"JOB_NAME=peak-7", "PEERS=generators", "GATHER_SECONDS=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			all := []string{
				"run", "--no-usage-report", "--no-color", "--quiet", "--new-machine-readable-summary=false", "--address=localhost:6565",
				"--execution-segment=" + segment[0], "--execution-segment-sequence=" + segment[1], filepath.Join(filepath.Dir(path), "main.js"),
			}
			if diff := cmp.Diff(all, arguments(t, file)); diff != "" {
				t.Errorf("generator %d of %d (-want +got):\n%s", index, generators, diff)
			}
		}
	}
}

// gathers runs generator 1 of 3, where a peer is there once getent was asked for it so often (0: never), and returns what
// getent was asked and whether k6 was run.
func gathers(t *testing.T, asked int) (names []string, out string, began bool) {
	t.Helper()
	dir, file := t.TempDir(), stub(t, "k6")
	text := `echo "$2" >>` + dir + `/names; [ ` + strconv.Itoa(asked) + ` -gt 0 ] && [ "$(grep -c "^$2$" ` + dir + `/names)" -ge ` + strconv.Itoa(asked) + " ]\n"
	if err := os.WriteFile(filepath.Join(dir, "getent"), []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sleep"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", script(t, "run.sh"))
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "GENERATORS=3", "JOB_COMPLETION_INDEX=1", "JOB_NAME=peak-7", "PEERS=generators", "GATHER_SECONDS=5")
	printed, err := cmd.CombinedOutput()
	_, missing := os.Stat(file)
	if began = missing == nil; began != (err == nil) {
		t.Errorf("k6 run: %t, ended with %v", began, err)
	}
	return arguments(t, filepath.Join(dir, "names")), string(printed), began
}

func TestLoadBeginsWhenAllGeneratorsAreThere(t *testing.T) {
	names, out, began := gathers(t, 3)
	first, last := "peak-7-0.generators", "peak-7-2.generators"
	if diff := cmp.Diff([]string{first, first, first, last, last, last}, names); diff != "" || !began {
		t.Errorf("k6 run: %t: %s (-want +got):\n%s", began, out, diff)
	}
}

func TestGeneratorThatDoesNotComeIsNamed(t *testing.T) {
	_, out, began := gathers(t, 0)
	if want := "generator 1 of 3 is not there after 5 s, want all of them before load begins\n"; began || out != want {
		t.Errorf("k6 run: %t, says %q, want %q", began, out, want)
	}
}

// uploads runs the upload until it is told to stop, as Kubernetes does when k6 has ended.
func uploads(t *testing.T, results string) (out string, ended error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", script(t, "upload.sh"))
	cmd.Env = append(os.Environ(), "RESULTS_FOLDER="+results, "RESULTS_BUCKET=b", "RESULTS_PREFIX=results", "SCENARIO=peak", "JOB_NAME=peak-7", "JOB_COMPLETION_INDEX=1")
	log := filepath.Join(t.TempDir(), "log")
	file, err := os.Create(log) // a file, since a pipe would be waited for until the last pause is over
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waits(t, cmd.Process.Pid)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended = cmd.Wait()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), ended
}

// waits returns once the shell has its child, whose end it waits for.
func waits(t *testing.T, pid int) {
	t.Helper()
	children := filepath.Join("/proc", strconv.Itoa(pid), "task", strconv.Itoa(pid), "children")
	for t.Context().Err() == nil {
		if b, err := os.ReadFile(children); err == nil && len(b) > 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestResultsAreUploadedWhenK6HasEnded(t *testing.T) {
	file := stub(t, "aws")
	results := t.TempDir()
	if err := os.WriteFile(filepath.Join(results, "summary.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := uploads(t, results); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := []string{"s3", "cp", "--recursive", "--only-show-errors", results, "s3://b/results/peak/peak-7/generator-1/"}
	if diff := cmp.Diff(want, arguments(t, file)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRunWithoutASummarySaysSo(t *testing.T) {
	file := stub(t, "aws")
	out, err := uploads(t, t.TempDir())
	if err == nil || !strings.Contains(out, "k6 ended without a summary") {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("something is uploaded")
	}
}
