package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/api"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

// Alertmanager's own defaults.
const (
	retention        = 120 * time.Hour // of silences and of what was sent
	collectEvery     = 30 * time.Minute
	snapshotEvery    = 15 * time.Minute
	groupsCleanEvery = 30 * time.Second
)

// manager is an Alertmanager of one process.
type manager struct {
	options
	log      *slog.Logger
	began    time.Time
	registry *prometheus.Registry
	events   eventrecorder.Recorder

	alerts   *mem.Alerts
	silences *silence.Silences
	silencer *silence.Silencer
	sent     *nflog.Log
	groups   marker.GroupMarker
	pipeline *notify.PipelineBuilder
	metrics  *dispatch.DispatcherMetrics
	api      *api.API

	stop       chan struct{}
	background sync.WaitGroup

	mu         sync.Mutex // guards what a reload replaces
	inhibitor  *inhibit.Inhibitor
	dispatcher *dispatch.Dispatcher
}

func newManager(o options, log *slog.Logger) (*manager, error) {
	if err := os.MkdirAll(o.storage, 0o700); err != nil {
		return nil, err
	}
	m := &manager{
		options: o, log: log, began: time.Now(), registry: prometheus.NewRegistry(), events: eventrecorder.NopRecorder(),
		groups: marker.NewGroupMarker(), stop: make(chan struct{}),
	}
	for _, open := range []func() error{m.openLog, m.openSilences, m.openAlerts, m.openAPI} {
		if err := open(); err != nil {
			return nil, err
		}
	}
	m.pipeline = notify.NewPipelineBuilder(m.registry, featurecontrol.NoopFlags{}, m.events)
	m.metrics = dispatch.NewDispatcherMetrics(false, m.registry, featurecontrol.NoopFlags{})
	return m, nil
}

func (m *manager) openLog() (err error) {
	file := filepath.Join(m.storage, "nflog")
	m.sent, err = nflog.New(nflog.Options{SnapshotFile: file, Retention: retention, Logger: m.log, Metrics: m.registry})
	if err != nil {
		return fmt.Errorf("log of notifications: %w", err)
	}
	m.background.Go(func() { m.sent.Maintenance(snapshotEvery, file, m.stop, nil) })
	return nil
}

func (m *manager) openSilences() (err error) {
	file := filepath.Join(m.storage, "silences")
	m.silences, err = silence.New(silence.Options{
		SnapshotFile: file, Retention: retention, Logger: m.log, Metrics: m.registry, EventRecorder: m.events,
	})
	if err != nil {
		return fmt.Errorf("silences: %w", err)
	}
	m.background.Go(func() { m.silences.Maintenance(snapshotEvery, file, m.stop, nil) })
	m.silencer = silence.NewSilencer(m.silences, m.log, m.events)
	return nil
}

func (m *manager) openAlerts() (err error) {
	const unlimited = 0 // alerts of one name
	m.alerts, err = mem.NewAlerts(
		context.Background(), collectEvery, unlimited, m.silencer, m.log, m.events, m.registry, featurecontrol.NoopFlags{})
	return err
}

func (m *manager) openAPI() (err error) {
	m.api, err = api.New(api.Options{
		Alerts: m.alerts, Silences: m.silences, GroupMutedFunc: m.groups.Muted, Logger: m.log, Registry: m.registry,
		RequestDuration: prometheus.NewHistogramVec(
			prometheus.HistogramOpts{Name: "alertmanager_http_request_duration_seconds"}, []string{"handler", "method", "code"}),
		GroupFunc: m.alertGroups,
	})
	return err
}

func (m *manager) alertGroups(ctx context.Context, routes func(*dispatch.Route) bool, alerts func(*alert.Alert, time.Time) bool) (
	dispatch.AlertGroups, map[model.Fingerprint][]string, error,
) {
	m.mu.Lock()
	d := m.dispatcher
	m.mu.Unlock()
	return d.Groups(ctx, routes, alerts)
}

// reload reads the configuration and puts it in the place of the former one. One that has a fault changes nothing.
func (m *manager) reload() error {
	conf, err := config.LoadFile(m.config)
	if err != nil {
		return err
	}
	receivers, err := m.receivers(conf)
	if err != nil {
		return err
	}
	m.end()
	inhibitor := inhibit.NewInhibitor(m.alerts, conf.InhibitRules, m.log, m.events)
	noWait := func() time.Duration { return 0 }
	stage := m.pipeline.New(receivers, noWait, inhibitor, m.silencer, timeinterval.NewIntervener(intervals(conf)), m.groups, m.sent, nil)
	m.api.Update(conf, func(ctx context.Context, labels model.LabelSet) {
		inhibitor.Mutes(ctx, labels)
		m.silencer.Mutes(ctx, labels)
	})
	timeout := func(d time.Duration) time.Duration { return max(d, notify.MinTimeout) }
	dispatcher := dispatch.NewDispatcher(
		m.alerts, dispatch.NewRoute(conf.Route, nil), stage, m.groups, timeout, groupsCleanEvery, nil, m.log, m.events, m.metrics)
	// What inhibits is known before anything is sent.
	go inhibitor.Run()
	inhibitor.WaitForLoading()
	go dispatcher.Run(m.began)
	dispatcher.WaitForLoading()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inhibitor, m.dispatcher = inhibitor, dispatcher
	return nil
}

// receivers are the integrations of each receiver.
func (m *manager) receivers(conf *config.Config) (map[string][]notify.Integration, error) {
	templates, err := template.FromGlobs(conf.Templates)
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	templates.ExternalURL = m.external
	out := map[string][]notify.Integration{}
	for _, r := range conf.Receivers {
		if out[r.Name], err = receiver.BuildReceiverIntegrations(r, templates, m.log); err != nil {
			return nil, fmt.Errorf("receiver %s: %w", r.Name, err)
		}
	}
	return out, nil
}

func intervals(conf *config.Config) map[string][]timeinterval.TimeInterval {
	out := map[string][]timeinterval.TimeInterval{}
	for _, i := range conf.MuteTimeIntervals {
		out[i.Name] = i.TimeIntervals
	}
	for _, i := range conf.TimeIntervals {
		out[i.Name] = i.TimeIntervals
	}
	return out
}

// end stops what the present configuration runs.
func (m *manager) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dispatcher != nil {
		m.inhibitor.Stop()
		m.dispatcher.Stop()
	}
}

// close stops everything and keeps silences and what was sent.
func (m *manager) close() {
	m.end()
	close(m.stop)
	m.background.Wait()
	m.alerts.Close()
}
