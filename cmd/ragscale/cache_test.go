package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/virtual-kubelet/virtual-kubelet/node/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragscale/ragscale/infra/platform"
)

// cacheCluster stands for the cluster of stack prod: an API server whose pods all lead to one admin port.
type cacheCluster struct {
	pods      []corev1.Pod
	admin     http.HandlerFunc
	forwarded []string // pod:port
}

func apiPod(name string, ready corev1.ConditionStatus) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: platform.Namespace, Name: name},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{
			{Name: "http", ContainerPort: 8080}, {Name: "metrics", ContainerPort: 9090},
		}}}},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}},
	}
}

func (c *cacheCluster) serve(t *testing.T) {
	t.Helper()
	admin := httptest.NewServer(c.admin)
	t.Cleanup(admin.Close)
	routes := http.NewServeMux()
	routes.HandleFunc("GET /api/v1/namespaces/agentic-rag/pods", func(w http.ResponseWriter, r *http.Request) {
		if selector := r.URL.Query().Get("labelSelector"); selector != "app.kubernetes.io/name=agentic-rag-api" {
			t.Errorf("label selector is %q", selector)
		}
		w.Header().Set("Content-Type", "application/json")
		list := corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: c.pods}
		if err := json.NewEncoder(w).Encode(list); err != nil {
			t.Error(err)
		}
	})
	routes.HandleFunc("POST /api/v1/namespaces/agentic-rag/pods/{pod}/portforward", func(w http.ResponseWriter, r *http.Request) {
		pod := r.PathValue("pod")
		api.HandlePortForward(func(_ context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
			c.forwarded = append(c.forwarded, fmt.Sprintf("%s:%d", pod, port))
			return join(stream, strings.TrimPrefix(admin.URL, "http://"))
		})(w, r)
	})
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	pulumiSays(t, map[string]string{"stack output kubeconfig --stack prod --show-secrets": fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c",
		"clusters":[{"name":"c","cluster":{"server":%q}}],"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],"users":[{"name":"u"}]}`, server.URL)})
}

// join copies both ways until the side at addr has answered all.
func join(stream io.ReadWriteCloser, addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	go func() {
		if _, err := io.Copy(conn, stream); err == nil {
			conn.(*net.TCPConn).CloseWrite() //nolint:errcheck // the other side may be gone
		}
	}()
	_, err = io.Copy(stream, conn)
	return err
}

func TestAnInvalidationReachesAPodThatIsReady(t *testing.T) {
	ending := apiPod("ending", corev1.ConditionTrue)
	ending.DeletionTimestamp, ending.Finalizers = &metav1.Time{Time: metav1.Now().Time}, []string{"example.com/held"}
	for args, want := range map[string]string{
		"--all":                `{"all":true}`,
		"--search lighthouse*": `{"search":"lighthouse*"}`,
		"--user ada":           `{"user":"ada"}`,
		"--document 0199aaaa-0000-7000-8000-000000000000": `{"document":"0199aaaa-0000-7000-8000-000000000000"}`,
	} {
		t.Run(args, func(t *testing.T) {
			var asked []string
			c := cacheCluster{
				pods: []corev1.Pod{apiPod("starting", corev1.ConditionFalse), ending, apiPod("serving", corev1.ConditionTrue)},
				admin: func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					asked = append(asked, fmt.Sprintf("%s %s %s %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"), body))
					w.WriteHeader(http.StatusNoContent)
				},
			}
			c.serve(t)
			out, errs, code := ragscale(t, append([]string{"cache", "invalidate", "--stack", "prod"}, strings.Fields(args)...)...)
			if code != 0 || out != "invalidated\n" || errs != "" {
				t.Errorf("code %d, output %q, notes %q", code, out, errs)
			}
			if want := []string{"POST /v1/cache/invalidations application/json " + want}; !slices.Equal(asked, want) || !slices.Equal(c.forwarded, []string{"serving:9090"}) {
				t.Errorf("%v was asked %v, want serving:9090 and %v", c.forwarded, asked, want)
			}
		})
	}
}

func TestAnInvalidationThatTheAPIRefusesShowsItsReasons(t *testing.T) {
	for name, c := range map[string]struct {
		status       int
		kind, answer string
		want         string
	}{
		"a selection of nothing": {http.StatusBadRequest, "application/problem+json",
			`{"title":"The request is not valid","status":400,"detail":"see errors","errors":[{"pointer":"/search","detail":"has no word, want one"},{"pointer":"","detail":"is odd"}]}`,
			"ragscale: pod a: The request is not valid: see errors\nsearch has no word, want one\nis odd\n"},
		"a cache that is away": {http.StatusServiceUnavailable, "application/problem+json; charset=utf-8", `{"title":"The cache does not answer","detail":"try again"}`,
			"ragscale: pod a: The cache does not answer: try again\n"},
		"an API without a cache": {http.StatusNotFound, "text/plain", "404 page not found",
			"ragscale: pod a: POST /v1/cache/invalidations: 404 Not Found, want an API that has a cache and this version's paths\n"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := cacheCluster{pods: []corev1.Pod{apiPod("a", corev1.ConditionTrue)}, admin: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				if _, err := io.WriteString(w, c.answer); err != nil {
					t.Error(err)
				}
			}}
			cluster.serve(t)
			if out, errs, code := ragscale(t, "cache", "invalidate", "--stack", "prod", "--search", "+++"); code != exitFailed || out != "" || errs != c.want {
				t.Errorf("code %d, output %q, notes %q, want %q", code, out, errs, c.want)
			}
		})
	}
}

func TestAnInvalidationWithoutAPodOrASelectionSaysSo(t *testing.T) {
	cluster := cacheCluster{pods: []corev1.Pod{apiPod("starting", corev1.ConditionFalse)}}
	cluster.serve(t)
	enterProject(t)
	for args, want := range map[string]string{
		"--all --stack prod":                      "1 pods of the API are there and none is ready, want one",
		"--all --stack local":                     "there is no cluster yet: `make up` makes one",
		"--all --stack staging":                   `stack is "staging", want one of: dev, local, prod`,
		"--stack prod":                            "selections are 0, want one of --search, --document, --user and --all",
		"--stack prod --user ada --search lights": "selections are 2, want one of --search, --document, --user and --all",
	} {
		if out, errs, code := ragscaleHere(append([]string{"cache", "invalidate"}, strings.Fields(args)...)...); code != exitFailed || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: code %d, output %q, notes %q, want %q", args, code, out, errs, want)
		}
	}
}
