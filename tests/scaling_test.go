package tests

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gruntwork-io/terratest/modules/retry"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// hpaFollowsLoad: real requests raise real CPU use, which metrics-server measures and the HPA answers with replicas;
// without them it goes back to its minimum.
func hpaFollowsLoad(t *testing.T, where target) {
	cs, api := clients(t, where), where.apiURL(t)
	for i := range 20 {
		post(t, api, fmt.Sprintf("Load %d", i), "autoscaling replicas headroom saturation latency percentile throughput")
	}
	hpa := func() *autoscalingv2.HorizontalPodAutoscaler {
		h, err := cs.AutoscalingV2().HorizontalPodAutoscalers(namespace).Get(t.Context(), deployment, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	replicas := func() int32 { return hpa().Status.CurrentReplicas }
	minimum, most := *hpa().Spec.MinReplicas, hpa().Spec.MaxReplicas
	if n := replicas(); n != minimum || most <= minimum {
		t.Fatalf("%d replicas at rest, of %d to %d that are declared, want the least, and more to be declared", n, minimum, most)
	}
	stop := load(t, api, 32, 3*time.Minute)
	retry.DoWithRetryContext(t, t.Context(), "the HPA scales out", 170, time.Second, func() (string, error) {
		if n := replicas(); n != most {
			return "", fmt.Errorf("%d replicas under load, want %d", n, most)
		}
		return "", nil
	})
	if failed := stop(); failed > 0 {
		t.Errorf("%d requests failed while the API scaled, want 0", failed)
	}
	retry.DoWithRetryContext(t, t.Context(), "the HPA scales in", 420, time.Second, func() (string, error) {
		if n := replicas(); n != minimum {
			return "", fmt.Errorf("%d replicas after the load, want %d", n, minimum)
		}
		return "", nil
	})
}

// load sends searches from users in parallel until it is stopped, for at most limit. The stop returns the number of
// requests that failed.
func load(t *testing.T, api string, users int, limit time.Duration) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: users}}
	for range users {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := searchOnce(ctx, client, api); err != nil && ctx.Err() == nil {
					mu.Lock()
					failed++
					t.Log(err)
					mu.Unlock()
				}
			}
		})
	}
	return func() int { cancel(); wg.Wait(); return failed }
}

func searchOnce(ctx context.Context, client *http.Client, api string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/v1/search?q=replicas+headroom&mode=complex", nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("search answers %s", res.Status)
	}
	return nil
}
