// Command alertmanager is Alertmanager without its user interface and its cluster: the module in the proxy has no built
// interface, and so its own command does not compile from there.
//
// Owns: which of Alertmanager's parts run, and the flags. Does not own: what they do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/httpserver"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/common/route"
)

// options have the names of Alertmanager's own flags.
type options struct {
	config, storage, listen string
	external                *url.URL
}

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "alertmanager:", err)
		os.Exit(1)
	}
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("alertmanager", flag.ContinueOnError)
	flags.StringVar(&o.config, "config.file", "", "configuration")
	flags.StringVar(&o.storage, "storage.path", "", "folder of silences and of what was sent")
	flags.StringVar(&o.listen, "web.listen-address", "127.0.0.1:9093", "where the API answers")
	external := flags.String("web.external-url", "http://127.0.0.1:9093/", "how others reach the API; its path precedes all others")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.external, err = url.Parse(strings.TrimSuffix(*external, "/"))
	return o, err
}

func run(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	compat.InitFromFlags(log, featurecontrol.NoopFlags{})
	m, err := newManager(o, log)
	if err != nil {
		return err
	}
	defer m.close()
	if err := m.reload(); err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	return m.serve(ctx)
}

// serve answers until ctx ends: the API, health, and reloading of the configuration.
func (m *manager) serve(ctx context.Context) error {
	reloads := make(chan chan error)
	prefix := "/" + strings.Trim(m.external.Path, "/")
	router := route.New().WithPrefix(strings.TrimSuffix(prefix, "/"))
	httpserver.Register(router, reloads)
	server := &http.Server{Addr: m.listen, Handler: m.api.Register(router, prefix), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	for {
		select {
		case answer := <-reloads:
			answer <- m.reload()
		case err := <-ended:
			return err
		case <-ctx.Done():
			return server.Close()
		}
	}
}
