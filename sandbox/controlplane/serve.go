package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/rest"
)

// serve runs the control plane until ctx ends or a component does. Start: etcd, the API server, and when that is
// ready (its RBAC bootstrap is over) the other two. Stop: the other way round.
func serve(ctx context.Context, cfg config, stdout io.Writer) (err error) {
	began := time.Now()
	rest.SetDefaultWarningHandler(rest.NoWarnings{}) // the components' own use of old APIs
	parsed, err := parse(cfg)
	if err != nil {
		return err
	}
	ready, err := readyProbe(cfg)
	if err != nil {
		return err
	}
	etcd, err := startEtcd(ctx, cfg)
	if err != nil {
		return err
	}
	defer etcd.Close()

	server := launch("kube-apiserver", parsed.runAPIServer)
	defer func() { err = errors.Join(err, server.stop()) }()
	if err := awaitReady(ctx, ready, server); err != nil {
		return ignoreCancelled(ctx, err)
	}
	managers := launch("kube-controller-manager", parsed.runControllers)
	defer func() { err = errors.Join(err, managers.stop()) }()
	scheduling := launch("kube-scheduler", parsed.runScheduler)
	defer func() { err = errors.Join(err, scheduling.stop()) }()
	fmt.Fprintf(stdout, "controlplane: ready after %.1f s\n", time.Since(began).Seconds())

	select {
	case <-ctx.Done():
		return nil
	case <-server.done:
	case <-managers.done:
	case <-scheduling.done:
	case err := <-etcd.Err():
		return fmt.Errorf("etcd: %w", err)
	}
	return errors.New("a component ended by itself")
}

func ignoreCancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// component is a running part of the control plane.
type component struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	err    error // valid after done
}

func launch(name string, run func(context.Context) error) *component {
	ctx, cancel := context.WithCancel(context.Background())
	c := &component{name: name, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		if err := run(ctx); err != nil && ctx.Err() == nil {
			c.err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	return c
}

// stop ends the component and returns the error it ended with before it was asked to.
func (c *component) stop() error {
	c.cancel()
	<-c.done
	return c.err
}

// readyProbe asks the API server whether it is ready.
func readyProbe(cfg config) (func(context.Context) bool, error) {
	pem, err := os.ReadFile(cfg.cert("ca"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", cfg.cert("ca"))
	}
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	return func(ctx context.Context) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.readyURL(), nil)
		if err != nil {
			return false
		}
		res, err := client.Do(req)
		if err != nil {
			return false
		}
		return res.Body.Close() == nil && res.StatusCode == http.StatusOK
	}, nil
}

func awaitReady(ctx context.Context, ready func(context.Context) bool, server *component) error {
	for !ready(ctx) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-server.done:
			return errors.New("kube-apiserver ended while starting")
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
