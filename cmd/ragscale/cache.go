package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// invalidationsPath is of the API's admin port, which nobody reaches from outside the cluster.
	invalidationsPath = "/v1/cache/invalidations"
	// invalidateWithin is how long the cluster and the API may take together; the write itself takes milliseconds.
	invalidateWithin = 30 * time.Second
	mostAnswer       = 64 << 10 // bytes
)

func cacheCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "cache", Short: "The API's cache of a stack"}
	root.AddCommand(cacheInvalidateCommand(c))
	return root
}

// selection is which answers are to be read anew.
type selection struct {
	all                    bool
	search, document, user string
}

func cacheInvalidateCommand(c console) *cobra.Command {
	var s selection
	cmd := stackCommand("invalidate", "Make what the cache holds be read anew, at once and in every pod",
		func(ctx context.Context, p project, stack string) error {
			body, err := s.body()
			if err != nil {
				return err
			}
			if _, err := p.config(stack); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(ctx, invalidateWithin)
			defer cancel()
			cluster, err := p.cluster(ctx, stack)
			if err != nil {
				return err
			}
			return c.invalidateCache(ctx, cluster, body)
		})
	cmd.Long = `Tells one ready pod of the API, which it reaches through the Kubernetes API server as kubectl port-forward does; the cache is
shared, so that every pod heeds it. What a browser or the edge keeps is theirs (ragscale cdn invalidate).`
	cmd.Flags().BoolVar(&s.all, "all", false, "everything")
	cmd.Flags().StringVar(&s.search, "search", "", "searches that a pattern selects")
	cmd.Flags().StringVar(&s.document, "document", "", "what shows the document with this id")
	cmd.Flags().StringVar(&s.user, "user", "", "what is kept for the user of this name")
	return cmd
}

// body is the request. The API itself judges what a selection means.
func (s selection) body() ([]byte, error) {
	chosen := map[string]any{}
	if s.all {
		chosen["all"] = true
	}
	for name, value := range map[string]string{"search": s.search, "document": s.document, "user": s.user} {
		if value != "" {
			chosen[name] = value
		}
	}
	if len(chosen) != 1 {
		return nil, fmt.Errorf("selections are %d, want one of --search, --document, --user and --all", len(chosen))
	}
	return json.Marshal(chosen)
}

// cluster is that of any stack: the sandbox writes stack local's kubeconfig.
func (p project) cluster(ctx context.Context, stack string) (*rest.Config, error) {
	if stack != localStack {
		return clusterOf(ctx, stack)
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", p.layout.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("there is no cluster yet: `make up` makes one (%w)", err)
	}
	return cfg, nil
}

// invalidateCache asks a ready pod of the API.
func (c console) invalidateCache(ctx context.Context, cluster *rest.Config, body []byte) error {
	clients, err := kubernetes.NewForConfig(cluster)
	if err != nil {
		return err
	}
	to, err := adminOf(ctx, clients)
	if err != nil {
		return err
	}
	address, stop, err := to.forward(ctx, cluster, clients)
	if err != nil {
		return err
	}
	defer stop()
	if err := askInvalidation(ctx, "http://"+address, body); err != nil {
		return fmt.Errorf("pod %s: %w", to.pod, err)
	}
	_, err = fmt.Fprintln(c.out, "invalidated")
	return err
}

func askInvalidation(ctx context.Context, admin string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, admin+invalidationsPath, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNoContent {
		return nil
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	return errors.Join(refusal(response, answer), err)
}

// refusal is the API's problem (RFC 9457) as an error, each of its faults on a line.
func refusal(response *http.Response, answer []byte) error {
	var problem struct {
		Title, Detail string
		Errors        []struct{ Pointer, Detail string }
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "application/problem+json") ||
		json.Unmarshal(answer, &problem) != nil {
		return fmt.Errorf("%s %s: %s, want an API that has a cache and this version's paths", http.MethodPost,
			invalidationsPath, response.Status)
	}
	lines := []string{problem.Title}
	if problem.Detail != "" {
		lines[0] += ": " + problem.Detail
	}
	for _, fault := range problem.Errors {
		lines = append(lines, strings.TrimSpace(strings.TrimPrefix(fault.Pointer, "/")+" "+fault.Detail))
	}
	return errors.New(strings.Join(lines, "\n"))
}
