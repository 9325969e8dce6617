// Package statemetrics plays kube-state-metrics, which cannot be had as a Go module, in pods of its image: what Kubernetes'
// objects say, as metrics, as far as the project's rules and dashboards ask for them.
//
// Owns: the metrics of Deployments, HorizontalPodAutoscalers and Pods, and gauges of custom resources as configured. Does not
// own: who may list them: the pod's service account, as there.
//
// Names and labels are those of https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics ; read 2026-11-24.
package statemetrics

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// Role is the argument with which the sandbox's binary is this program.
const Role = "kube-state-metrics"

// listLimit bounds all that one scrape asks of the API server: Prometheus waits for 10 s.
const listLimit = 8 * time.Second

// Main runs until it is told to end. Its flags are among kube-state-metrics' own.
func Main(args []string) error {
	flags := flag.NewFlagSet(Role, flag.ContinueOnError)
	port := flags.Int("port", 8080, "port of the metrics")
	resources := flags.String("resources", strings.Join(slices.Sorted(kinds()), ","), "kinds, separated by commas")
	custom := flags.String("custom-resource-state-config-file", "", "what custom resources tell")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	c, err := newCollector(config, strings.Split(*resources, ","), *custom)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	if err := registry.Register(c); err != nil {
		return err
	}
	return Serve(*port, registry)
}

// Serve answers /metrics with what there is, and questions after its health, until the process is told to end.
func Serve(port int, registry prometheus.Gatherer) error {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	for _, path := range []string{"/healthz", "/livez", "/readyz", "/health-check"} {
		mux.HandleFunc(path, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusOK) })
	}
	server := &http.Server{Addr: fmt.Sprintf(":%d", port), Handler: mux, ReadHeaderTimeout: listLimit}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// collector asks the API server anew for each scrape: its answers come from memory.
type collector struct {
	client    kubernetes.Interface
	dynamic   dynamic.Interface
	resources []string
	custom    []customResource
}

func newCollector(config *rest.Config, resources []string, customFile string) (*collector, error) {
	c := &collector{resources: resources}
	var err error
	if c.client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	if c.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, err
	}
	for _, r := range resources {
		if _, known := lists[r]; !known {
			return nil, fmt.Errorf("--resources: %q, want some of %v", r, slices.Sorted(kinds()))
		}
	}
	if customFile == "" {
		return c, nil
	}
	text, err := os.ReadFile(customFile)
	if err != nil {
		return nil, err
	}
	var file customFileForm
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", customFile, err)
	}
	c.custom = file.Spec.Resources
	return c, nil
}

// Describe implements prometheus.Collector: what there is depends on the objects.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector. A kind that cannot be listed is an error of the whole scrape.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), listLimit)
	defer cancel()
	emit := sink(out)
	for _, r := range c.resources {
		if err := lists[r](ctx, c.client, emit); err != nil {
			emit.fault(r, err)
		}
	}
	for _, r := range c.custom {
		if err := r.list(ctx, c.dynamic, emit); err != nil {
			emit.fault(r.GVK.Kind, err)
		}
	}
}

// sink takes metrics.
type sink chan<- prometheus.Metric

// gauge sends a gauge whose labels come in pairs of name and value.
func (s sink) gauge(name string, value float64, labels ...string) {
	s.send(prometheus.GaugeValue, name, value, labels)
}

// counter sends a counter likewise.
func (s sink) counter(name string, value float64, labels ...string) {
	s.send(prometheus.CounterValue, name, value, labels)
}

func (s sink) send(kind prometheus.ValueType, name string, value float64, pairs []string) {
	labels := prometheus.Labels{}
	for pair := range slices.Chunk(pairs, 2) {
		labels[pair[0]] = pair[1]
	}
	s <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, name, nil, labels), kind, value)
}

func (s sink) fault(of string, err error) {
	s <- prometheus.NewInvalidMetric(prometheus.NewDesc("kube_state_metrics_list", "list", nil, nil), fmt.Errorf("%s: %w", of, err))
}
