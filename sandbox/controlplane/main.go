// Command controlplane is a Kubernetes control plane in one process: etcd, kube-apiserver, kube-controller-manager
// and kube-scheduler from their own modules.
//
// Owns: the components' flags, their order of start and stop. Does not own: certificates and kubeconfigs (named by
// the configuration), nodes, the network.
//
//	controlplane --config control-plane.json
//
// It writes "controlplane: ready" to stdout when the API server serves and the other two run, and ends in order on
// SIGTERM or SIGINT: exit 0. Exit 1: a component ended or could not start; stderr says which and why.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // CronJob time zones, whatever the machine has

	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics on the components' /metrics
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("controlplane", flag.ContinueOnError)
	flags.SetOutput(stderr)
	path := flags.String("config", "", "JSON file, see type config")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	cfg, err := readConfig(*path)
	if err == nil {
		err = serve(ctx, cfg, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "controlplane:", err)
		return 1
	}
	return 0
}
