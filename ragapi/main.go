// Command ragapi is the reference RAG API: the workload that the platform serves. docs/api.md is its contract.
//
// Owns: the commands, wiring, and what a signal does. Does not own: what any part does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	// The authorities of the public web, for where the system has none: the image is this program and little else.
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/ragscale/ragscale/ragapi/config"
	"github.com/ragscale/ragscale/ragapi/metrics"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = "dev"

const usage = `Usage: ragapi COMMAND

Commands:
  serve     answer requests on HTTP_ADDR, metrics and probes on ADMIN_ADDR
  worker    process uploaded documents; metrics and probes on ADMIN_ADDR
  migrate   bring the database to the schema that this build wants, then end
  upkeep    make and drop partitions of the query log, delete expired sessions, then end
  report    inspect the database and print what it finds, a JSON object a line, then end
  ca-bundle --to FILE   copy the certificates that the database's must descend from, then end
  version   print the version

Everything else comes from the environment; docs/api.md lists the variables.
`

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}

// commands run until the soft context ends, then finish what they have begun until the hard one does.
var commands = map[string]func(p *process) error{"serve": serve, "worker": work, "migrate": migrate, "upkeep": upkeep, "report": report}

func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	switch {
	case len(args) == 1 && args[0] == "version":
		return say(stdout, exitFine, build().Version+" "+build().Revision+"\n")
	case len(args) == 3 && args[0] == "ca-bundle" && args[1] == "--to":
		return bundle(lookup, args[2], stderr)
	case len(args) != 1 || commands[args[0]] == nil:
		return say(stderr, exitUsage, misused(args)+usage)
	}
	cfg, err := config.Load(lookup)
	if err != nil {
		return say(stderr, exitUsage, "ragapi: the environment is not valid:\n"+err.Error()+"\n")
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: cfg.LogLevel})).With("pod", cfg.PodName, "command", args[0])
	soft, hard, stop := signals(ctx, log)
	defer stop()
	profileContention()
	p := &process{cfg: cfg, log: log, out: stdout, soft: soft, hard: hard, metrics: metrics.New(build())}
	if err := commands[args[0]](p); err != nil && !errors.Is(err, errStopped) {
		log.Error("ended", "error", err.Error())
		return exitFailed
	}
	log.Info("ended")
	return exitFine
}

// misused says which words are no command; nothing where there are none.
func misused(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return fmt.Sprintf("ragapi: %q is no command\n\n", strings.Join(args, " "))
}

const (
	// blockedFor is the time blocked, in ns, of which one event is sampled on average: channels and locks alike.
	blockedFor = int(time.Millisecond)
	// contended is how many events of contention make a sample of the mutex profile.
	contended = 100
)

// profileContention gives the block and mutex profiles a rate: without one they are empty. At these, both cost some
// nanoseconds where something waits, and nothing elsewhere.
func profileContention() {
	runtime.SetBlockProfileRate(blockedFor)
	runtime.SetMutexProfileFraction(contended)
}

// say writes text and returns code. Where not even that can be written, the exit code has to do.
func say(to io.Writer, code int, text string) int {
	if _, err := io.WriteString(to, text); err != nil {
		return exitFailed
	}
	return code
}

func build() metrics.Build {
	b := metrics.Build{Version: version, Revision: "unknown"}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value
			}
		}
	}
	return b
}
