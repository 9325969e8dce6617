package nodeagent

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// probeOutput is how much of a probe's answer or a command's output goes into an event, in bytes.
const probeOutput = 1 << 10

// probeClient follows no redirects and checks no certificates, as the kubelet's does: it asks whether the pod answers.
var probeClient = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// attend runs a started container's postStart hook and probes until ctx ends.
func (c *container) attend(ctx context.Context, proc process) {
	spec, _ := c.spec()
	if hook := spec.Lifecycle; hook != nil && hook.PostStart != nil {
		if err := c.hook(ctx, proc, hook.PostStart); err != nil && ctx.Err() == nil {
			c.pod.event(corev1.EventTypeWarning, "FailedPostStartHook", "PostStartHook failed: "+err.Error())
			c.terminate(ctx, proc, c.pod.grace(), c.pod.hurry)
			return
		}
	}
	if p := spec.StartupProbe; p != nil && !c.untilFirst(ctx, proc, p) {
		return
	}
	c.set(func() {
		c.containerSnapshot.started = true
		c.ready = spec.ReadinessProbe == nil && !isClosed(c.stopped)
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
	changed := c.ready != ok
	c.ready = ok
	c.pod.mu.Unlock()
	if changed {
		c.pod.markChanged()
	}
}

// untilFirst repeats a startup probe until it succeeds; a container that fails it is restarted.
func (c *container) untilFirst(ctx context.Context, proc process, p *corev1.Probe) bool {
	started := false
	c.repeat(ctx, proc, p, "Startup", func(ok bool) bool {
		if started = ok; !ok {
			c.restart(ctx, proc, "startup", p)
		}
		return false
	})
	return started
}

func (c *container) restart(ctx context.Context, proc process, probe string, p *corev1.Probe) {
	if isClosed(c.stopped) {
		return // it is ending already
	}
	grace := c.pod.grace()
	if s := p.TerminationGracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
	c.pod.event(corev1.EventTypeNormal, "Killing", fmt.Sprintf("Container %s failed %s probe, will be restarted", c.name, probe))
	c.setReady(false)
	c.terminate(ctx, proc, grace, c.pod.hurry)
}

// repeat probes once per period and calls verdict when a threshold is reached, until that returns false or ctx ends.
func (c *container) repeat(ctx context.Context, proc process, p *corev1.Probe, name string, verdict func(ok bool) bool) {
	if !sleep(ctx, time.Duration(p.InitialDelaySeconds)*time.Second) {
		return
	}
	var count thresholds
	for {
		err := c.probe(ctx, proc, p)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			c.pod.event(corev1.EventTypeWarning, "Unhealthy", fmt.Sprintf("%s probe failed: %v", name, err))
		}
		if ok, reached := count.add(err == nil, p); reached && !verdict(ok) {
			return
		}
		if !sleep(ctx, time.Duration(max(p.PeriodSeconds, 1))*time.Second) {
			return
		}
	}
}

// thresholds counts results of one kind in a row.
type thresholds struct {
	ok    bool
	count int32
}

// add counts a result; reached says whether there are now enough of its kind.
func (t *thresholds) add(ok bool, p *corev1.Probe) (verdict, reached bool) {
	if t.ok != ok {
		t.count = 0
	}
	t.ok = ok
	t.count++
	want := max(p.FailureThreshold, 1)
	if ok {
		want = max(p.SuccessThreshold, 1)
	}
	return ok, t.count >= want
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

func (c *container) probe(ctx context.Context, proc process, p *corev1.Probe) error {
	limit := time.Duration(max(p.TimeoutSeconds, 1)) * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
	defer cancel()
	if p.GRPC == nil {
		return c.act(ctx, proc, p.Exec, p.HTTPGet, p.TCPSocket)
	}
	service := ""
	if p.GRPC.Service != nil {
		service = *p.GRPC.Service
	}
	return probeGRPC(ctx, net.JoinHostPort(c.pod.view().podIP, strconv.Itoa(int(p.GRPC.Port))), service)
}

// hook runs a lifecycle hook.
func (c *container) hook(ctx context.Context, proc process, h *corev1.LifecycleHandler) error {
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
	return c.act(ctx, proc, h.Exec, h.HTTPGet, h.TCPSocket)
}

// act does what a probe or hook wants done.
func (c *container) act(ctx context.Context, proc process, e *corev1.ExecAction, h *corev1.HTTPGetAction, t *corev1.TCPSocketAction) error {
	spec, _ := c.spec()
	ip := c.pod.view().podIP
	switch {
	case e != nil:
		return c.execProbe(ctx, proc, e.Command)
	case h != nil:
		port, err := portNumber(spec, h.Port)
		if err != nil {
			return err
		}
		return probeHTTP(ctx, h, net.JoinHostPort(firstSet(h.Host, ip), port))
	case t != nil:
		port, err := portNumber(spec, t.Port)
		if err != nil {
			return err
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(firstSet(t.Host, ip), port))
		if err != nil {
			return err
		}
		return conn.Close()
	}
	return errors.New("names no action, want exec, httpGet, tcpSocket or grpc")
}

func (c *container) execProbe(ctx context.Context, proc process, argv []string) error {
	c.pod.mu.Lock()
	s := execSpec{argv: argv, env: c.env, dir: c.workDir}
	c.pod.mu.Unlock()
	var out bytes.Buffer
	s.stdout, s.stderr = &out, &out
	exit, err := c.pod.agent.runtime.Exec(ctx, proc, s)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	if exit != 0 {
		text := out.Bytes()
		return fmt.Errorf("command exited with %d: %s", exit, text[:min(len(text), probeOutput)])
	}
	return nil
}

func probeHTTP(ctx context.Context, h *corev1.HTTPGetAction, address string) error {
	target, err := url.Parse(h.Path)
	if err != nil {
		return err
	}
	target.Scheme, target.Host = strings.ToLower(firstSet(string(h.Scheme), "http")), address
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "kube-probe/1.37")
	req.Header.Set("Accept", "*/*")
	for _, header := range h.HTTPHeaders {
		req.Header.Add(header.Name, header.Value)
		if strings.EqualFold(header.Name, "Host") {
			req.Host = header.Value
		}
	}
	resp, err := probeClient.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, probeOutput))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", resp.StatusCode)
	}
	return nil
}

func probeGRPC(ctx context.Context, address, service string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	resp, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
	if err = errors.Join(err, conn.Close()); err != nil {
		return err
	}
	if resp.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("health status is %s, want SERVING", resp.Status)
	}
	return nil
}

// portNumber resolves a port's name.
func portNumber(c *corev1.Container, p intstr.IntOrString) (string, error) {
	if p.Type == intstr.Int {
		return strconv.Itoa(p.IntValue()), nil
	}
	for _, port := range c.Ports {
		if port.Name == p.StrVal {
			return strconv.Itoa(int(port.ContainerPort)), nil
		}
	}
	return "", fmt.Errorf("port %q is not one of container %s's", p.StrVal, c.Name)
}
