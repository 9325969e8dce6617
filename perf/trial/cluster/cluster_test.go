package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/trial"
	"github.com/ragscale/ragscale/perf/trial/cluster"
)

const api = "agentic-rag-api"

// own is the stack's Deployment of the API.
func own() *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: api, Namespace: "rag"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": api}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/name": api}, Annotations: map[string]string{"ragscale.io/config-digest": "d"}},
				Spec: corev1.PodSpec{ServiceAccountName: "agentic-rag", Containers: []corev1.Container{{
					Name: api, Image: "x/agentic-rag-api:1", Args: []string{"serve"},
					Env:       []corev1.EnvVar{{Name: "GOMEMLIMIT", Value: "1"}, {Name: "LOG_LEVEL", Value: "info"}},
					Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"memory": resource.MustParse("1Gi")}},
					Ports:     []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "metrics", ContainerPort: 9090}},
					Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 20}}},
				}}},
			},
		},
	}
}

func scenario() *batchv1.CronJob {
	return &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Name: "normal", Namespace: "loadtest"},
		Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			InitContainers: []corev1.Container{{Name: "results"}},
			Containers:     []corev1.Container{{Name: "k6", Image: "grafana/k6:2.3.0", Command: []string{"/bin/sh", "/opt/loadtest/run.sh"}}},
		}}}}},
	}
}

// answer of a block.
const answer = `{"metrics":{
	"faults":{"values":{"passes":10,"fails":190}},
	"faults{phase:counted}":{"values":{"passes":5,"fails":95}},
	"http_req_duration{phase:counted,expected_response:true,objective:response}":{"values":{"count":80,"med":4,"p(95)":20}},
	"http_req_duration{phase:counted,expected_response:true,objective:complex-search}":{"values":{"count":15,"med":9,"p(95)":30}}}}`

// world is a cluster whose pods are ready at once, and what was asked of it.
type world struct {
	*cluster.Stage
	clients  *fake.Clientset
	commands []string
	cpu      float64
	answer   string
	fails    error
	crash    bool // pods of arms do
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{answer: answer, clients: fake.NewClientset(own(), scenario(),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "k6-scripts", Namespace: "loadtest"}, Data: map[string]string{"trial.js": "//"}})}
	w.clients.PrependReactor("create", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		switch object := action.(clienttesting.CreateAction).GetObject().(type) {
		case *appsv1.Deployment:
			w.pods(t, object)
		case *corev1.Service:
			object.Spec.ClusterIP = "10.96.0." + fmt.Sprint(len(object.Name))
		case *corev1.Pod:
			object.Status.Phase = corev1.PodRunning
		}
		return false, nil, nil
	})
	// The tracker knows no collections, and a Deployment's pods go with it.
	w.clients.PrependReactor("delete-collection", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		w.deleteAll(t, action.(clienttesting.DeleteCollectionAction).GetListRestrictions().Labels)
		return true, nil, nil
	})
	w.Stage = &cluster.Stage{
		Clients: w.clients, Namespace: "rag", Deployment: api, LoadNamespace: "loadtest", Scenario: "normal", Users: 7, Replicas: 2, Every: time.Millisecond,
		Note: func(string, ...any) {},
		Resolve: func(side trial.Side, arm trial.Arm) (cluster.Change, error) {
			if arm.Settings["bad"] != "" {
				return cluster.Change{}, errors.New("bad is no key")
			}
			return cluster.Change{Env: arm.Settings, Unset: []string{"LOG_LEVEL"}, Limits: map[string]string{"cpu": "1", "memory": ""}}, nil
		},
		Exec: func(_ context.Context, namespace, pod, container string, command []string) ([]byte, error) {
			w.commands = append(w.commands, strings.Join(append([]string{namespace, pod, container}, command...), " "))
			return []byte(w.answer), w.fails
		},
		Metrics: func(_ context.Context, _, _ string, port int32) ([]byte, error) {
			w.cpu += 0.19
			return fmt.Appendf(nil, "# TYPE\nprocess_cpu_seconds_total %v\nport %d\n", w.cpu, port), nil
		},
	}
	return w
}

// pods of a Deployment appear with it.
func (w *world) pods(t *testing.T, d *appsv1.Deployment) {
	for i := range *d.Spec.Replicas {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", d.Name, i), Namespace: d.Namespace, Labels: d.Spec.Template.Labels}, Spec: d.Spec.Template.Spec}
		if w.crash {
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "it ended with 1"}}}}
		}
		if err := w.clients.Tracker().Add(pod); err != nil {
			t.Error(err)
		}
	}
	if !w.crash {
		d.Status.ReadyReplicas = *d.Spec.Replicas
	}
}

func (w *world) deleteAll(t *testing.T, selector labels.Selector) {
	for _, namespace := range []string{"rag", "loadtest"} {
		for kind, version := range map[string]schema.GroupVersion{"Deployment": appsv1.SchemeGroupVersion, "Pod": corev1.SchemeGroupVersion} {
			resource := version.WithResource(strings.ToLower(kind) + "s")
			list, err := w.clients.Tracker().List(resource, version.WithKind(kind), namespace)
			if err != nil {
				t.Error(err)
			}
			objects, err := meta.ExtractList(list)
			if err != nil {
				t.Error(err)
			}
			for _, object := range objects {
				of, err := meta.Accessor(object)
				if err != nil {
					t.Error(err)
				} else if selector.Matches(labels.Set(of.GetLabels())) {
					if err := w.clients.Tracker().Delete(resource, namespace, of.GetName()); err != nil {
						t.Error(err)
					}
				}
			}
		}
	}
}

// names of a kind of objects in a namespace.
func (w *world) names(t *testing.T, namespace string, version schema.GroupVersion, kind string) (names []string) {
	t.Helper()
	list, err := w.clients.Tracker().List(version.WithResource(strings.ToLower(kind)+"s"), version.WithKind(kind), namespace)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := meta.ExtractList(list)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		of, err := meta.Accessor(object)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, of.GetName())
	}
	return names
}

// everything in the cluster by name.
func (w *world) everything(t *testing.T) (names []string) {
	for _, namespace := range []string{"rag", "loadtest"} {
		names = append(names, w.names(t, namespace, appsv1.SchemeGroupVersion, "Deployment")...)
		names = append(names, w.names(t, namespace, corev1.SchemeGroupVersion, "Service")...)
		names = append(names, w.names(t, namespace, corev1.SchemeGroupVersion, "Pod")...)
	}
	return names
}

func arms() map[trial.Side]trial.Arm {
	return map[trial.Side]trial.Arm{trial.A: {}, trial.B: {Settings: map[string]string{"GOGC": "10", "GOMEMLIMIT": "2"}}}
}

func TestArmsStandBesideTheStacksOwn(t *testing.T) {
	w := newWorld(t)
	if err := w.Raise(t.Context(), arms()); err != nil {
		t.Fatal(err)
	}
	b, err := w.clients.AppsV1().Deployments("rag").Get(t.Context(), api+"-trial-b", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	spec := b.Spec.Template.Spec
	container := spec.Containers[0]
	wantEnv := []corev1.EnvVar{{Name: "GOGC", Value: "10"}, {Name: "GOMEMLIMIT", Value: "2"}}
	if diff := cmp.Diff(wantEnv, container.Env); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, has := container.Resources.Limits["memory"]; has || container.Resources.Limits.Cpu().String() != "1" || container.Image != "x/agentic-rag-api:1" || container.Lifecycle != nil || *b.Spec.Replicas != 2 {
		t.Errorf("%+v", container)
	}
	// Nothing of the stack's own selects an arm's pods.
	if l := labels.Set(b.Spec.Template.Labels); labels.SelectorFromSet(own().Spec.Selector.MatchLabels).Matches(l) {
		t.Errorf("labels are %v", l)
	}
	generator, err := w.clients.CoreV1().Pods("loadtest").Get(t.Context(), "trial-generator", metav1.GetOptions{})
	if err != nil || len(generator.Spec.InitContainers) != 0 || generator.Spec.Containers[0].Command[1] != "-c" {
		t.Errorf("%+v, %v", generator, err)
	}
	live, err := w.clients.AppsV1().Deployments("rag").Get(t.Context(), api, metav1.GetOptions{})
	if err != nil || !cmp.Equal(live.Spec, own().Spec) {
		t.Errorf("the stack's own is touched: %v", err)
	}
	if len(w.commands) != 1 || !strings.Contains(w.commands[0], "TRIAL_STEP=prepare") {
		t.Errorf("commands are %v", w.commands)
	}
}

func TestABlockIsLoadOnOneArmAndWhatItMeasured(t *testing.T) {
	w := newWorld(t)
	if err := w.Raise(t.Context(), arms()); err != nil {
		t.Fatal(err)
	}
	got, err := w.Block(t.Context(), trial.B, 10*time.Second, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	command := w.commands[1]
	for _, want := range []string{"loadtest trial-generator k6 env ", "TARGET_URL=http://10.96.0.23:8080", "TRIAL_STEP=block", "BLOCK=1", "BLOCK_SECONDS=10", "DISCARDED_SECONDS=2", "USERS=7", "/opt/loadtest/trial.js"} {
		if !strings.Contains(command, want) {
			t.Errorf("%s lacks %s", command, want)
		}
	}
	// Of two pods each used 0.38 s; 190 answers were right.
	want := []load.Figure{
		{Name: "response p50", Unit: "ms", Better: load.Lower, Value: 4, Samples: 80},
		{Name: "response p95", Unit: "ms", Better: load.Lower, Value: 20, Samples: 80},
		{Name: "complex search p50", Unit: "ms", Better: load.Lower, Value: 9, Samples: 15},
		{Name: "faults", Unit: "ratio", Better: load.Lower, Value: 0.05, Samples: 100, Events: 5},
		{Name: "throughput", Unit: "right answers/s", Better: load.Higher, Value: 95. / 8, Samples: 100},
		{Name: "CPU", Unit: "ms/right answer", Better: load.Lower, Value: 4, Samples: 190},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatABlockDoesNotMeasure(t *testing.T) {
	w := newWorld(t)
	if err := w.Raise(t.Context(), arms()); err != nil {
		t.Fatal(err)
	}
	w.answer = `{"metrics":{"faults":{"values":{"passes":7,"fails":0}},"faults{phase:counted}":{"values":{"passes":5,"fails":0}}}}`
	got, err := w.Block(t.Context(), trial.B, 10*time.Second, 0)
	if err != nil || len(got) != 2 || got[0].Value != 1 || got[1].Value != 0 {
		t.Errorf("of wrong answers alone: %+v, %v", got, err)
	}
	w.answer = "panic"
	if got, err := w.Block(t.Context(), trial.B, 10*time.Second, 0); err == nil {
		t.Errorf("of no result: %+v", got)
	}
	w.fails = errors.New("no such pod")
	if got, err := w.Block(t.Context(), trial.B, 10*time.Second, 0); !errors.Is(err, w.fails) {
		t.Errorf("of a command that fails: %+v, %v", got, err)
	}
}

func TestATrialLeavesNothing(t *testing.T) {
	w := newWorld(t)
	before := w.everything(t)
	if err := w.Raise(t.Context(), arms()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Block(t.Context(), trial.A, time.Second, 0); err != nil {
		t.Fatal(err)
	}
	if stands := w.everything(t); len(stands) != len(before)+2+2+4+1 {
		t.Errorf("there are %v", stands)
	}
	// Another trial after this one was killed.
	if err := w.Raise(t.Context(), arms()); err != nil {
		t.Fatal(err)
	}
	if err := w.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := w.everything(t); !slices.Equal(before, after) {
		t.Errorf("%v are left of %v", after, before)
	}
	if last := w.commands[len(w.commands)-1]; !strings.Contains(last, "TRIAL_STEP=sweep") {
		t.Errorf("its documents are left: %s", last)
	}
}

func TestArmsThatDoNotStart(t *testing.T) {
	w := newWorld(t)
	w.crash = true
	err := w.Raise(t.Context(), arms())
	if err == nil || !strings.Contains(err.Error(), "arm A does not start: CrashLoopBackOff it ended with 1; `kubectl -n rag logs agentic-rag-api-trial-a-0` may say more") {
		t.Errorf("error is %v", err)
	}
	w = newWorld(t)
	err = w.Raise(t.Context(), map[trial.Side]trial.Arm{trial.A: {Settings: map[string]string{"bad": "1"}}, trial.B: {Settings: map[string]string{"bad": "1"}}})
	if err == nil || strings.Count(err.Error(), "bad is no key") != 2 || len(w.everything(t)) != 1 {
		t.Errorf("error is %v, there are %v", err, w.everything(t))
	}
}

func TestAStackOfOlderScriptsIsToldSo(t *testing.T) {
	w := newWorld(t)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "k6-scripts", Namespace: "loadtest"}}
	if err := w.clients.Tracker().Update(corev1.SchemeGroupVersion.WithResource("configmaps"), config, "loadtest"); err != nil {
		t.Fatal(err)
	}
	if err := w.Raise(t.Context(), arms()); err == nil || !strings.Contains(err.Error(), "config map k6-scripts has no trial.js") {
		t.Errorf("error is %v", err)
	}
}
