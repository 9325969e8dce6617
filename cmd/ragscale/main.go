// Command ragscale brings a stack up on this machine, previews any stack without an account, and shows what runs.
//
// Owns: arguments, output, the order of steps. Does not own: the program (infra/platform), the sandbox.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

func main() {
	utilruntime.ErrorHandlers = nil // client-go would write what a connection that it forwards meets; who asks is told
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes: 0 fine, 1 an error, 3 it ran but what it looked at is not as it should be.
const (
	exitFailed    = 1
	exitUnhealthy = 3
)

// errUnhealthy ends a command whose answer is printed and is bad news.
var errUnhealthy = errors.New("not healthy")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := command(stdout, stderr)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUnhealthy):
		if other := beside(err); other != nil {
			fmt.Fprintln(stderr, "ragscale:", other)
		}
		return exitUnhealthy
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "ragscale: interrupted"+cmd.Annotations[afterInterrupt])
		return exitFailed
	}
	fmt.Fprintln(stderr, "ragscale:", err)
	return exitFailed
}

// beside is what failed beside the verdict that errUnhealthy is.
func beside(err error) error {
	all, joined := err.(interface{ Unwrap() []error })
	if !joined {
		return nil
	}
	var others []error
	for _, one := range all.Unwrap() {
		if !errors.Is(one, errUnhealthy) {
			others = append(others, one)
		} else if other := beside(one); other != nil {
			others = append(others, other)
		}
	}
	return errors.Join(others...)
}

// afterInterrupt is the annotation of a command that says what is to do when it was interrupted.
const afterInterrupt = "afterInterrupt"

// interruptible says what is to do when a command was interrupted.
func interruptible(cmd *cobra.Command, after string) *cobra.Command {
	cmd.Annotations = map[string]string{afterInterrupt: "; " + after}
	return cmd
}

// console is where a command writes: its result to out, all else to notes.
type console struct{ out, notes io.Writer }

// json writes the stable form of a result.
func (c console) json(v any) error {
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (c console) note(format string, a ...any) { fmt.Fprintf(c.notes, format+"\n", a...) }

func command(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "ragscale",
		Short:         "A RAG API's platform: run it here, preview it for AWS, see how it does",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	c := console{out: stdout, notes: stderr}
	root.AddCommand(upCommand(c), previewCommand(c), downCommand(c), refreshCommand(c), statusCommand(c), alertsCommand(c), logsCommand(c), kubeconfigCommand(c), policiesCommand(c), planCommand(c), dashboardsCommand(c), cdnCommand(c), cacheCommand(c), imageCommand(c), pendingCommand(c), loadCommand(c), profileCommand(c), diagnoseCommand(c), recommendCommand(c), dbCommand(c), envCommand(c), sandboxCommand(c))
	return root
}

// stackCommand is a command on one stack of the checkout.
func stackCommand(use, short string, act func(ctx context.Context, p project, stack string) error) *cobra.Command {
	var stack string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			return act(cmd.Context(), p, stack)
		},
	}
	cmd.Flags().StringVarP(&stack, "stack", "s", localStack, "the stack")
	return cmd
}
