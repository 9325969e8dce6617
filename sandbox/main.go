//go:build linux

// Command ragscale-sandbox is a cloud on one machine: everything of it but the control plane's and the engines'
// programs is this one binary, in several roles.
//
// Owns: the roles. Does not own: what they do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/ragscale/ragscale/sandbox/awscli"
	"github.com/ragscale/ragscale/sandbox/host/namespace"
	"github.com/ragscale/ragscale/sandbox/inside/daemon"
	"github.com/ragscale/ragscale/sandbox/inside/debroot"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/process"
	"github.com/ragscale/ragscale/sandbox/inside/nodescaler"
	"github.com/ragscale/ragscale/sandbox/inside/statemetrics"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/plugins/aws"
	"github.com/ragscale/ragscale/sandbox/plugins/kubernetes"
)

const usage = `usage: ragscale-sandbox start|run|stop [--images FILE]
       ragscale-sandbox exec [--bind FOLDER]... PROGRAM [ARGUMENT]...

start  bring the sandbox up in the background and wait until it answers
run    the same in the foreground, until Ctrl-C
stop   end it and everything in it; what was declared is resumed by the next start
exec   run a program of the engines' root, without a sandbox

The sandbox lives in .sandbox below the current folder, or where RAGSCALE_SANDBOX_DIR says.
`

// Roles in which the sandbox runs itself.
const (
	roleInit       = "init"
	roleDaemon     = "daemon"
	roleAWS        = "pulumi-resource-aws"
	roleKubernetes = "pulumi-resource-kubernetes"
	roleCLI        = "aws" // in pods of the AWS CLI's image
)

func main() {
	role, args := filepath.Base(os.Args[0]), os.Args[1:]
	if role != roleAWS && role != roleKubernetes && role != roleCLI {
		if len(args) == 0 {
			fmt.Fprint(os.Stderr, usage)
			os.Exit(2)
		}
		role, args = args[0], args[1:]
	}
	os.Exit(play(role, args))
}

// played are programs of images that cannot be had, by role.
var played = map[string]func(args []string) error{statemetrics.Role: statemetrics.Main, nodescaler.Role: nodescaler.Main}

func play(role string, args []string) int {
	switch role {
	case roleAWS:
		return aws.Main()
	case roleKubernetes:
		return kubernetes.Main()
	case roleCLI:
		return awscli.Main(context.Background(), args, os.Stdout, os.Stderr)
	case process.Role:
		return process.Main()
	case debroot.Role:
		return debroot.Main()
	case roleInit:
		return namespace.Init(args)
	case roleDaemon:
		return exit(inside(), os.Stderr)
	case "exec":
		return exit(runProgram(args), os.Stderr)
	case "start", "run", "stop":
		return exit(outside(role, args, os.Stdout), os.Stderr)
	}
	if main := played[role]; main != nil {
		return exit(main(args), os.Stderr)
	}
	fmt.Fprintf(os.Stderr, "%q is no role of the sandbox\n%s", role, usage)
	return 2
}

func exit(err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintln(stderr, "ragscale-sandbox:", err)
	return 1
}

// outside is what a user calls on the host.
func outside(verb string, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	images := flags.String("images", "", "JSON file: image pattern to local command")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, err := here()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	switch verb {
	case "start":
		return start(ctx, l, namespace.Options{Binary: self, Images: *images}, stdout)
	case "stop":
		return stop(ctx, l, stdout)
	default:
		return namespace.Keep(ctx, l, namespace.Options{Images: *images}, roleInit, self, roleDaemon)
	}
}

func start(ctx context.Context, l layout.Layout, o namespace.Options, stdout io.Writer) error {
	if err := namespace.Start(ctx, l, o); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "the sandbox runs at %s, its files are in %s\n", l.HostIP(), l.Dir)
	return nil
}

func stop(ctx context.Context, l layout.Layout, stdout io.Writer) error {
	report, err := namespace.End(ctx, l)
	if err != nil {
		return err
	}
	if len(report.Ended) == 0 {
		fmt.Fprintln(stdout, "no sandbox runs here")
		return nil
	}
	fmt.Fprintf(stdout, "ended: %s; no process is left. What was declared is kept in %s\n", strings.Join(report.Ended, ", "), report.Kept)
	return nil
}

// inside is the namespace's main process.
func inside() error {
	l, err := layout.New("/")
	if err != nil {
		return err
	}
	offered, err := namespace.Offered()
	if err != nil {
		return err
	}
	keeper, err := strconv.Atoi(os.Getenv(namespace.EnvKeeper))
	if err != nil {
		return fmt.Errorf("%s: %w", namespace.EnvKeeper, err)
	}
	account, err := openAccount(l)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	return daemon.Run(ctx, daemon.Config{
		Layout: l, Images: os.Getenv(namespace.EnvImages), Keeper: keeper, Offered: offered,
		Account: account, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}
