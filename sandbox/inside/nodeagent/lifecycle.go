package nodeagent

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/probe"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/process"
)

// attend runs a started container's postStart hook and probes until ctx ends.
func (c *container) attend(ctx context.Context, proc process.Process) {
	spec, _ := c.spec()
	if hook := spec.Lifecycle; hook != nil && hook.PostStart != nil {
		if err := c.hook(ctx, proc, hook.PostStart); err != nil && ctx.Err() == nil {
			c.pod.event(corev1.EventTypeWarning, "FailedPostStartHook", "PostStartHook failed: "+err.Error())
			c.terminate(ctx, proc, c.pod.grace(), c.pod.graceOver)
			return
		}
	}
	if p := spec.StartupProbe; p != nil && !c.untilFirst(ctx, proc, p) {
		return
	}
	c.set(func() {
		c.Started = true
		c.Ready = spec.ReadinessProbe == nil && !isClosed(c.stopped)
	})
	c.first.Do(func() { close(c.started) })
	live := make(chan struct{})
	go func() {
		defer close(live)
		if p := spec.LivenessProbe; p != nil {
			c.repeat(ctx, proc, p, "Liveness", func(ok bool) bool {
				if !ok {
					c.restart(ctx, proc, "liveness", p)
				}
				return ok
			})
		}
	}()
	if p := spec.ReadinessProbe; p != nil {
		c.repeat(ctx, proc, p, "Readiness", func(ok bool) bool {
			c.setReady(ok)
			return true
		})
	}
	<-live
}

func (c *container) setReady(ok bool) {
	ok = ok && !isClosed(c.stopped)
	c.pod.mu.Lock()
	changed := c.Ready != ok
	c.Ready = ok
	c.pod.mu.Unlock()
	if changed {
		c.pod.markChanged()
	}
}

// untilFirst repeats a startup probe until it succeeds; a container that fails it is restarted.
func (c *container) untilFirst(ctx context.Context, proc process.Process, p *corev1.Probe) bool {
	started := false
	c.repeat(ctx, proc, p, "Startup", func(ok bool) bool {
		if started = ok; !ok {
			c.restart(ctx, proc, "startup", p)
		}
		return false
	})
	return started
}

func (c *container) restart(ctx context.Context, proc process.Process, kind string, p *corev1.Probe) {
	if isClosed(c.stopped) {
		return // it is ending already
	}
	grace := c.pod.grace()
	if s := p.TerminationGracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
	c.pod.event(corev1.EventTypeNormal, "Killing", fmt.Sprintf("Container %s failed %s probe, will be restarted", c.name, kind))
	c.setReady(false)
	c.terminate(ctx, proc, grace, c.pod.graceOver)
}

// repeat probes once per period and calls verdict when a threshold is reached, until that returns false or ctx ends.
func (c *container) repeat(ctx context.Context, proc process.Process, p *corev1.Probe, name string, verdict func(ok bool) bool) {
	if !sleep(ctx, time.Duration(p.InitialDelaySeconds)*time.Second) {
		return
	}
	var count probe.Thresholds
	for {
		err := c.probe(ctx, proc, p)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			c.pod.event(corev1.EventTypeWarning, "Unhealthy", fmt.Sprintf("%s probe failed: %v", name, err))
		}
		if ok, reached := count.Add(err == nil, p); reached && !verdict(ok) {
			return
		}
		if !sleep(ctx, time.Duration(max(p.PeriodSeconds, 1))*time.Second) {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *container) probe(ctx context.Context, proc process.Process, p *corev1.Probe) error {
	limit := time.Duration(max(p.TimeoutSeconds, 1)) * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
	defer cancel()
	if p.GRPC == nil {
		return c.runHandler(ctx, proc, p.Exec, p.HTTPGet, p.TCPSocket)
	}
	service := ""
	if p.GRPC.Service != nil {
		service = *p.GRPC.Service
	}
	return probe.GRPC(ctx, net.JoinHostPort(c.pod.view().PodIP, strconv.Itoa(int(p.GRPC.Port))), service)
}

// hook runs a lifecycle hook.
func (c *container) hook(ctx context.Context, proc process.Process, h *corev1.LifecycleHandler) error {
	if h.Sleep != nil {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(h.Sleep.Seconds)*time.Second)
		defer cancel()
		select {
		case <-ctx.Done():
		case <-proc.Done():
		}
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-proc.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	return c.runHandler(ctx, proc, h.Exec, h.HTTPGet, h.TCPSocket)
}

// runHandler does what a probe or hook wants done.
func (c *container) runHandler(ctx context.Context, proc process.Process, e *corev1.ExecAction, h *corev1.HTTPGetAction, t *corev1.TCPSocketAction) error {
	spec, _ := c.spec()
	ip := c.pod.view().PodIP
	switch {
	case e != nil:
		return c.execProbe(ctx, proc, e.Command)
	case h != nil:
		port, err := probe.Port(spec, h.Port)
		if err != nil {
			return err
		}
		return probe.HTTP(ctx, h, net.JoinHostPort(cmp.Or(h.Host, ip), port))
	case t != nil:
		port, err := probe.Port(spec, t.Port)
		if err != nil {
			return err
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(cmp.Or(t.Host, ip), port))
		if err != nil {
			return err
		}
		return conn.Close()
	}
	return errors.New("names no action, want exec, httpGet, tcpSocket or grpc")
}

func (c *container) execProbe(ctx context.Context, proc process.Process, argv []string) error {
	c.pod.mu.Lock()
	s := process.Command{Argv: argv, Env: c.env, Dir: c.workDir}
	c.pod.mu.Unlock()
	var out bytes.Buffer
	s.Stdout, s.Stderr = &out, &out
	exit, err := c.pod.runtime.Exec(ctx, proc, s)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	if exit != 0 {
		text := out.Bytes()
		return fmt.Errorf("command exited with %d: %s", exit, text[:min(len(text), probe.MaxOutput)])
	}
	return nil
}

// terminate ends a process: its preStop hook, SIGTERM, and SIGKILL when grace is over or graceOver is closed. The process
// is dead when it returns.
func (c *container) terminate(ctx context.Context, proc process.Process, grace time.Duration, graceOver <-chan struct{}) {
	deadline := time.Now().Add(grace)
	if grace > 0 && ctx.Err() == nil {
		c.preStop(ctx, proc, deadline)
	}
	c.signal(proc, syscall.SIGTERM)
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-proc.Done():
		return
	case <-timer.C:
	case <-graceOver:
	case <-afterDone(ctx, shutdownGrace, proc.Done()):
	}
	c.signal(proc, syscall.SIGKILL)
	<-proc.Done()
}

// preStop runs the container's preStop hook, if it has one, until the deadline.
func (c *container) preStop(ctx context.Context, proc process.Process, deadline time.Time) {
	spec, _ := c.spec()
	if spec.Lifecycle == nil || spec.Lifecycle.PreStop == nil {
		return
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if err := c.hook(ctx, proc, spec.Lifecycle.PreStop); err != nil && ctx.Err() == nil && !isClosed(proc.Done()) {
		c.pod.event(corev1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed: "+err.Error())
	}
}

// afterDone is closed d after ctx has ended; it gives up when end is closed.
func afterDone(ctx context.Context, d time.Duration, end <-chan struct{}) <-chan struct{} {
	late := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-end:
			return
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			close(late)
		case <-end:
		}
	}()
	return late
}

func (c *container) signal(proc process.Process, s syscall.Signal) {
	if err := proc.Signal(s); err != nil {
		c.pod.log.Error("signal a container", "container", c.name, "error", err)
	}
}
