package tests

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gruntwork-io/terratest/modules/retry"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const vectorNamespace = "vectorstore"

// replicaFollows: the declared replica streams what the primary writes.
func replicaFollows(t *testing.T, where target) {
	status := where.(*sandboxTarget).status(t)
	ids := map[string]bool{}
	for _, db := range status.Databases {
		ids[db.ID] = true
	}
	replicas := 0
	for _, db := range status.Databases {
		if !db.Healthy {
			t.Errorf("database %s is not healthy: %+v", db.ID, db)
		}
		if db.Source == "" {
			continue
		}
		if replicas++; !ids[db.Source] {
			t.Errorf("replica %s follows %s, which is not there", db.ID, db.Source)
		}
	}
	if replicas != 1 {
		t.Errorf("%d replicas, want the 1 that stack local declares: %+v", replicas, status.Databases)
	}
}

// readsGoToTheReplica: searches that no cache holds take a connection of the read-only pool, and PgBouncer is between.
func readsGoToTheReplica(t *testing.T, where target) {
	cs, api := clients(t, where), where.apiURL(t)
	const searches = 20
	before := sum(t, cs, "ragapi_db_pool_acquires_total", `pool="replica"`)
	for i := range searches {
		search(t, api, fmt.Sprintf("replica%d%d", i, time.Now().UnixNano()))
	}
	if after := sum(t, cs, "ragapi_db_pool_acquires_total", `pool="replica"`); after < before+searches {
		t.Errorf("the read-only pools gave %v connections for %d searches, want one each at least", after-before, searches)
	}
	if degraded := sum(t, cs, "ragapi_degraded_total", `missing="replica"`); degraded > 0 {
		t.Errorf("%v reads fell back to the primary, want none", degraded)
	}
	config, err := cs.CoreV1().ConfigMaps(namespace).Get(t.Context(), "pgbouncer", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if ini := config.Data["pgbouncer.ini"]; !strings.Contains(ini, "_ro") || !strings.Contains(ini, "-replica-1") {
		t.Errorf("pgbouncer.ini leads no read-only database to the replica:\n%s", ini)
	}
}

// answersComeFromTheCache: the second of two searches is answered from Redis, and a document that arrives is found all the
// same.
func answersComeFromTheCache(t *testing.T, where target) {
	cs, api := clients(t, where), where.apiURL(t)
	word := fmt.Sprintf("cache%d", time.Now().UnixNano())
	before := sum(t, cs, "ragapi_cache_requests_total", `kind="search"`, `result="hit"`)
	for range 10 {
		if ids := search(t, api, word); len(ids) > 0 {
			t.Fatalf("a search for %s finds %v before it was written", word, ids)
		}
	}
	if hits := sum(t, cs, "ragapi_cache_requests_total", `kind="search"`, `result="hit"`) - before; hits < 5 {
		t.Errorf("%v of 10 equal searches came from the cache, want 5 at least", hits)
	}
	id := post(t, api, "Cached", "An answer that was cached: "+word)
	retry.DoWithRetryContext(t, t.Context(), "the cached answer gives way", 60, time.Second, func() (string, error) {
		if ids := search(t, api, word); len(ids) != 1 || ids[0] != id {
			return "", fmt.Errorf("a search for %s finds %v, want %s", word, ids, id)
		}
		return "", nil
	})
}

// verticalAutoscalerRecommends: the recommender reads the pods' real use.
func verticalAutoscalerRecommends(t *testing.T, where target) {
	cs := clients(t, where)
	path := "/apis/autoscaling.k8s.io/v1/namespaces/" + namespace + "/verticalpodautoscalers/" + deployment
	retry.DoWithRetryContext(t, t.Context(), "a recommendation", 120, time.Second, func() (string, error) {
		raw, err := cs.CoreV1().RESTClient().Get().AbsPath(path).DoRaw(t.Context())
		if err != nil {
			return "", err
		}
		var vpa struct {
			Status struct {
				Recommendation struct {
					ContainerRecommendations []struct{ Target map[string]string }
				}
			}
		}
		if err := json.Unmarshal(raw, &vpa); err != nil {
			return "", err
		}
		all := vpa.Status.Recommendation.ContainerRecommendations
		if len(all) == 0 || all[0].Target["cpu"] == "" || all[0].Target["memory"] == "" {
			return "", fmt.Errorf("%s recommends %v, want CPU and memory", deployment, all)
		}
		return "", nil
	})
}

// upkeepAndSnapshotsRun: runs made from the declared CronJobs succeed.
func upkeepAndSnapshotsRun(t *testing.T, where target) {
	cs := clients(t, where)
	for name, in := range map[string]string{"agentic-rag-upkeep": namespace, "chroma-snapshot": vectorNamespace} {
		succeededRun(t, cs, in, name)
	}
}

// succeededRun makes a run from a CronJob, as `kubectl create job --from` does it, and waits until it has succeeded. The
// run goes with the CronJob, else its pod would hold the volume.
func succeededRun(t *testing.T, cs *kubernetes.Clientset, in, name string) *batchv1.Job {
	t.Helper()
	cron, err := cs.BatchV1().CronJobs(in).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	owner := *metav1.NewControllerRef(cron, batchv1.SchemeGroupVersion.WithKind("CronJob"))
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-by-hand-", OwnerReferences: []metav1.OwnerReference{owner}},
		Spec:       cron.Spec.JobTemplate.Spec,
	}
	if job, err = cs.BatchV1().Jobs(in).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	retry.DoWithRetryContext(t, t.Context(), name+" succeeds", 90, time.Second, func() (string, error) {
		now, err := cs.BatchV1().Jobs(in).Get(t.Context(), job.Name, metav1.GetOptions{})
		if err == nil && now.Status.Succeeded == 0 {
			err = fmt.Errorf("%s: %d succeeded, %d failed, %d run", name, now.Status.Succeeded, now.Status.Failed, now.Status.Active)
		}
		return "", err
	})
	return job
}

// settledPods are the API's, once none starts or stops: their counters can then be compared.
func settledPods(t *testing.T, cs *kubernetes.Clientset) []corev1.Pod {
	t.Helper()
	var pods *corev1.PodList
	retry.DoWithRetryContext(t, t.Context(), "the API's pods are settled", 60, time.Second, func() (string, error) {
		var err error
		pods, err = cs.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + deployment})
		if err != nil || len(pods.Items) == 0 {
			return "", fmt.Errorf("no pods of %s: %w", deployment, err)
		}
		for _, pod := range pods.Items {
			if pod.DeletionTimestamp != nil || !slices.ContainsFunc(pod.Status.Conditions, isReady) {
				return "", fmt.Errorf("pod %s starts or stops", pod.Name)
			}
		}
		return "", nil
	})
	return pods.Items
}

func isReady(c corev1.PodCondition) bool {
	return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
}

// sum adds the samples of a metric that have all these labels, over every API pod.
func sum(t *testing.T, cs *kubernetes.Clientset, metric string, labels ...string) float64 {
	t.Helper()
	total := 0.0
	for _, pod := range settledPods(t, cs) {
		raw, err := cs.CoreV1().Pods(namespace).ProxyGet("http", pod.Name, "9090", "/metrics", nil).DoRaw(t.Context())
		if err != nil {
			t.Fatalf("metrics of %s: %v", pod.Name, err)
		}
		for line := range strings.Lines(string(raw)) {
			of, value, found := strings.Cut(strings.TrimSpace(line), "} ")
			if !found || !strings.HasPrefix(of, metric+"{") || !hasAll(of, labels) {
				continue
			}
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			total += n
		}
	}
	return total
}

func hasAll(text string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}
