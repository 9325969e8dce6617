// Package probe asks a container whether it is well, as the kubelet does.
//
// Owns: requests over HTTP and gRPC, what counts as an answer, how many in a row decide. Does not own: when it is asked, and
// what follows from the answer.
package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// MaxOutput is how much of a probe's answer or a command's output goes into an event, in bytes.
const MaxOutput = 1 << 10

// client follows no redirects and checks no certificates, as the kubelet's does: it asks whether the pod answers.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Thresholds counts results of one kind in a row.
type Thresholds struct {
	ok    bool
	count int32
}

// Add counts a result; reached says whether there are now enough of its kind.
func (t *Thresholds) Add(ok bool, p *corev1.Probe) (verdict, reached bool) {
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

// HTTP asks as a probe does.
func HTTP(ctx context.Context, h *corev1.HTTPGetAction, address string) error {
	target, err := url.Parse(h.Path)
	if err != nil {
		return err
	}
	target.Scheme, target.Host = strings.ToLower(cmp.Or(string(h.Scheme), "http")), address
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
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, MaxOutput))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", resp.StatusCode)
	}
	return nil
}

// GRPC asks the standard health service.
func GRPC(ctx context.Context, address, service string) error {
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

// Port resolves a port's name.
func Port(c *corev1.Container, p intstr.IntOrString) (string, error) {
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
