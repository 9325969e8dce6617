// Command vuln runs govulncheck over the project's modules, and holds what it finds against known.txt: each entry there
// has a reason. What is not there fails, and so does an entry that nothing finds any more.
//
// Owns: which packages are looked at and how closely, the list of what is known. Does not own: the database and the
// search (golang.org/x/vuln).
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"

	"golang.org/x/vuln/scan"
)

// looks are where to look. The API is what strangers reach: there, what is called counts. Of the rest, what is linked:
// to follow every call through the SDKs takes more memory than a machine has.
var looks = []struct{ dir, level, packages string }{
	{".", "package", "./..."},
	{".", "symbol", "./ragapi"},
	{"sandbox/controlplane", "package", "."},
}

//go:embed known.txt
var knownText string

func main() {
	db := flag.String("db", "https://vuln.go.dev", "the vulnerability `database`: https:// or file://")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *db, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vuln:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, db string, out io.Writer) error {
	found := map[string]finding{}
	for _, l := range looks {
		var said bytes.Buffer
		cmd := scan.Command(ctx, "-C", l.dir, "-db", db, "-scan", l.level, "-format", "json", l.packages)
		cmd.Stdout = &said
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("%s in %s: %w", l.packages, l.dir, err)
		}
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("%s in %s: %w", l.packages, l.dir, err)
		}
		if err := collect(&said, found); err != nil {
			return fmt.Errorf("%s in %s: %w", l.packages, l.dir, err)
		}
	}
	return judge(found, known(knownText), out)
}

// finding is a fault of a dependency that is linked. JSON is govulncheck's own.
type finding struct {
	OSV   string `json:"osv"`
	Fixed string `json:"fixed_version"`
	Trace []struct {
		Module  string `json:"module"`
		Version string `json:"version"`
		Package string `json:"package"`
	} `json:"trace"`
}

func (f finding) String() string {
	fixed := "not fixed yet"
	if f.Fixed != "" {
		fixed = "fixed in " + f.Fixed
	}
	return fmt.Sprintf("%s: %s %s, %s: https://pkg.go.dev/vuln/%s", f.OSV, f.Trace[0].Module, f.Trace[0].Version,
		fixed, f.OSV)
}

// collect reads messages and keeps what is about a package that is linked, once by its id.
func collect(messages io.Reader, found map[string]finding) error {
	decoder := json.NewDecoder(messages)
	for {
		var message struct {
			Finding *finding `json:"finding"`
		}
		switch err := decoder.Decode(&message); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if f := message.Finding; f != nil && len(f.Trace) > 0 && f.Trace[0].Package != "" {
			found[f.OSV] = *f
		}
	}
}

// known is the list of what is known, with its reasons, by id.
func known(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if id, reason, found := strings.Cut(strings.TrimSpace(line), " "); found && !strings.HasPrefix(id, "#") {
			all[id] = reason
		}
	}
	return all
}

// judge writes what is found and not known, and what is known and not found; either is an error.
func judge(found map[string]finding, known map[string]string, out io.Writer) error {
	faults := 0
	for _, id := range slices.Sorted(maps.Keys(found)) {
		if known[id] == "" {
			faults++
			fmt.Fprintln(out, found[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		if _, still := found[id]; !still {
			faults++
			fmt.Fprintf(out, "%s is in tools/vuln/known.txt and not found: take it out\n", id)
		}
	}
	if faults > 0 {
		return fmt.Errorf("%d faults, want what is found raised, or listed in tools/vuln/known.txt with a reason", faults)
	}
	fmt.Fprintf(out, "nothing but the %d that are known\n", len(known))
	return nil
}
