package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/host/namespace"
)

func sandboxCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "sandbox", Short: "The machine under the stack: start, stop, look"}
	root.AddCommand(
		&cobra.Command{
			Use: "prepare", Short: "Fetch the engines (PostgreSQL, Valkey, Chroma); part of start", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				p, err := openProject()
				if err != nil {
					return err
				}
				return p.prepare(cmd.Context(), c)
			},
		},
		&cobra.Command{
			Use: "start", Short: "Start the sandbox; what was declared in it comes back with its data", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				p, err := openProject()
				if err != nil {
					return err
				}
				return p.startSandbox(cmd.Context(), c)
			},
		},
		&cobra.Command{
			Use: "stop", Short: "Stop every process; what is declared and its data stay", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				p, err := openProject()
				if err != nil {
					return err
				}
				if err := namespace.Stop(cmd.Context(), p.layout); err != nil {
					return err
				}
				fmt.Fprintln(c.out, "the sandbox is stopped: no process of it is left")
				return nil
			},
		},
		&cobra.Command{
			Use: "status", Short: "Show the sandbox's processes (exit code 3 when it does not run)", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				p, err := openProject()
				if err != nil {
					return err
				}
				st, err := control.NewClient(p.layout.Socket()).Status(cmd.Context())
				if err != nil {
					fmt.Fprintln(c.out, err)
					return errUnhealthy
				}
				fmt.Fprintf(c.out, "pid %d since %s at %s, cluster %q, %d databases\n", st.PID, st.StartedAt.Format("15:04:05"),
					st.HostIP, st.Cluster, len(st.Databases))
				for _, pr := range st.Processes {
					fmt.Fprintf(c.out, "  %-28s %-10s %5d MiB  %d restarts\n", pr.Name, pr.State, pr.RSSBytes>>20, pr.Restarts)
				}
				return nil
			},
		},
	)
	return root
}

func kubeconfigCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print a kubeconfig for kubectl: `ragscale kubeconfig > k && kubectl --kubeconfig k get pods -A`",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			b, err := os.ReadFile(p.layout.Kubeconfig())
			if err != nil {
				return fmt.Errorf("there is no cluster yet: `make up` makes one (%w)", err)
			}
			_, err = c.out.Write(b)
			return err
		},
	}
}
