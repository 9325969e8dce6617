// Command bench-api measures a running API from outside: what answers cost, by the way that they come from.
//
// DATABASE_URL, where it is set, names the primary (postgres://…): only it tells when documents have their vectors.
//
// Owns: the corpus that it stores and removes, the loads, the table. Does not own: the API, objectives (`ragscale
// load`).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are what a run is to do.
type options struct {
	url       string
	database  string // the primary's URL; empty: what only it knows is not measured
	documents int
	rounds    int
	each      time.Duration // of a load in a round
	busyLimit int           // percent
	base      string        // a saved report to compare with
	json      bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err == nil {
		err = measure(ctx, o, stdout, stderr)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "bench-api:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{database: os.Getenv("DATABASE_URL")} // no flag: arguments are seen by everybody
	f := flag.NewFlagSet("bench-api", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.url, "url", "", "the API, such as http://127.0.0.1:8080")
	f.IntVar(&o.documents, "documents", 1500, "that are stored, of 3 kB each")
	f.IntVar(&o.rounds, "rounds", 3, "in which every load has its turn")
	f.DurationVar(&o.each, "each", 5*time.Second, "the time of a load in a round; four times that for users who think")
	f.IntVar(&o.busyLimit, "busy", 30, "percent of the machine's CPU that may be in use beforehand; 100: any")
	f.StringVar(&o.base, "base", "", "a report saved with -json, to print ratios to")
	f.BoolVar(&o.json, "json", false, "print the report as JSON")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var faults []error
	if u, err := url.Parse(o.url); err != nil || u.Scheme != "http" || u.Host == "" || f.NArg() > 0 {
		faults = append(faults, fmt.Errorf("-url is %q with %d more arguments, want http://host:port and none",
			o.url, f.NArg()))
	}
	if o.documents < 10 || o.rounds < 1 || o.each <= 0 {
		faults = append(faults, fmt.Errorf("-documents %d, -rounds %d, -each %s: want at least 10, 1 and some time",
			o.documents, o.rounds, o.each))
	}
	return o, errors.Join(faults...)
}

func measure(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	base, err := readReport(o.base)
	if err != nil {
		return err
	}
	used, err := busy(ctx)
	if err != nil {
		return err
	}
	if used > o.busyLimit {
		return fmt.Errorf("the machine is %d %% busy, want at most %d %%: figures would mean nothing", used, o.busyLimit)
	}
	b, err := newBench(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "%d rounds of %d loads, some %s beside the uploads of %d documents\n", o.rounds, len(b.loads()),
		b.duration(), o.documents)
	defer func() { err = errors.Join(err, b.remove(context.WithoutCancel(ctx))) }()
	if err := b.remove(ctx); err != nil { // what an ended run has left
		return err
	}
	r := report{Machine: machine(used), At: time.Now().UTC().Truncate(time.Second)}
	if r.Rows, err = b.run(ctx, stderr); err != nil {
		return err
	}
	if o.json {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return r.print(stdout, base)
}
