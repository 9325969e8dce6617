package generators

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

const namespace = "loadtest"

// peakCronJob is a suspended scenario of two generators.
func peakCronJob() *batchv1.CronJob {
	two, deadline := int32(2), int64(1590)
	suspended := true
	return &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Name: "peak", Namespace: namespace, UID: "u-1"},
		Spec: batchv1.CronJobSpec{Suspend: &suspended, JobTemplate: batchv1.JobTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"ragscale.io/scenario": "peak"}},
			Spec: batchv1.JobSpec{Completions: &two, ActiveDeadlineSeconds: &deadline, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				Containers: []corev1.Container{{Name: k6Container, Env: []corev1.EnvVar{{Name: "ALLOW_PRODUCTION", Value: "false"}}}},
			}}},
		}},
	}
}

// heard is what a listener was told.
type heard struct{ lines, notes []string }

func (l *heard) Said(generator, line string) { l.lines = append(l.lines, generator+": "+line) }
func (l *heard) Noted(note string)           { l.notes = append(l.notes, note) }
func (l *heard) Progressed(Progress)         {}

// peakCluster declares the scenario peak. Jobs that are made of it end as ended says.
func peakCluster(t *testing.T, ended func(job *batchv1.Job) []corev1.Pod) (Cluster, *fake.Clientset) {
	t.Helper()
	clients := fake.NewClientset(peakCronJob())
	clients.PrependReactor("create", "jobs", func(action clienttesting.Action) (bool, runtime.Object, error) {
		job := action.(clienttesting.CreateAction).GetObject().(*batchv1.Job)
		job.CreationTimestamp = metav1.Now()
		for _, pod := range ended(job) {
			if err := clients.Tracker().Add(&pod); err != nil {
				t.Error(err)
			}
		}
		return false, nil, nil
	})
	return Cluster{Clients: clients, Namespace: namespace, Every: time.Millisecond}, clients
}

func none(*batchv1.Job) []corev1.Pod { return nil }

func started(t *testing.T, c Cluster) *Run {
	t.Helper()
	r, err := c.Start(t.Context(), "peak", Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// generatorPods are over, with these exit codes of k6, and the sidecar's.
func generatorPods(job *batchv1.Job, uploaded int32, codes ...int32) []corev1.Pod {
	var pods []corev1.Pod
	over := func(name string, code int32) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error"}}}
	}
	for i, code := range codes {
		pods = append(pods, corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprintf("%s-%d", job.Name, i), Namespace: namespace,
				Labels: map[string]string{batchv1.JobNameLabel: job.Name}, Annotations: map[string]string{batchv1.JobCompletionIndexAnnotation: fmt.Sprint(i)},
			},
			Status: corev1.PodStatus{
				InitContainerStatuses: []corev1.ContainerStatus{over(resultsContainer, uploaded)},
				ContainerStatuses:     []corev1.ContainerStatus{over(k6Container, code)},
				Phase:                 corev1.PodSucceeded,
			},
		})
	}
	return pods
}

func condition(job *batchv1.Job, typ batchv1.JobConditionType, reason, message string) {
	job.Status.Conditions = []batchv1.JobCondition{{Type: typ, Status: corev1.ConditionTrue, Reason: reason, Message: message}}
}

func TestARunIsAJobOfItsScenario(t *testing.T) {
	for _, allow := range []bool{false, true} {
		c, _ := peakCluster(t, none)
		r, err := c.Start(t.Context(), "peak", Options{AllowProduction: allow, Revision: "4f1c-dirty", Images: "api@sha256:01"})
		if err != nil {
			t.Fatal(err)
		}
		owner := r.job.OwnerReferences[0]
		if !strings.HasPrefix(r.Name, "peak-20") || owner.Name != "peak" || owner.UID != "u-1" || !*owner.Controller || r.job.Labels["ragscale.io/scenario"] != "peak" {
			t.Errorf("%s of %+v, labels %v", r.Name, owner, r.job.Labels)
		}
		env := r.job.Spec.Template.Spec.Containers[0].Env
		if len(env) != 3 || env[0].Value != fmt.Sprint(allow) || env[1] != (corev1.EnvVar{Name: "REVISION", Value: "4f1c-dirty"}) ||
			env[2] != (corev1.EnvVar{Name: "IMAGE_DIGESTS", Value: "api@sha256:01"}) {
			t.Errorf("allowed %t: environment %v", allow, env)
		}
		if r.Generators != 2 || r.Longest != 1590*time.Second {
			t.Errorf("generators %d, at most %s", r.Generators, r.Longest)
		}
	}
}

func TestARunThatIsNotDeclaredIsNotMade(t *testing.T) {
	c, _ := peakCluster(t, none)
	if _, err := c.Start(t.Context(), "smoke", Options{}); err == nil || !strings.Contains(err.Error(), "scenario smoke: ") {
		t.Error(err)
	}
}

// jobs are those that there are.
func jobs(t *testing.T, c Cluster) []string {
	t.Helper()
	list, err := c.Clients.BatchV1().Jobs(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, job := range list.Items {
		names = append(names, job.Name)
	}
	return names
}

func TestASecondRunIsRefusedAndNamesTheFirst(t *testing.T) {
	running := func(job *batchv1.Job) []corev1.Pod {
		pods := generatorPods(job, 0, 0)
		pods[0].Status.Phase = corev1.PodRunning
		return pods
	}
	c, clients := peakCluster(t, running)
	first := started(t, c)
	refused := func(state string) {
		t.Helper()
		if _, err := c.Start(t.Context(), "peak", Options{}); err == nil || !strings.Contains(err.Error(), "run "+first.Name+" is under way since") {
			t.Errorf("%s: %v", state, err)
		}
	}
	refused("it runs")
	if err := first.remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused("its Job is gone and its generators end")
	if err := clients.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("pods"), namespace, first.Name+"-0"); err != nil {
		t.Fatal(err)
	}
	started(t, c)
}

func TestOfTwoRunsThatBeginTogetherTheLaterEnds(t *testing.T) {
	for name, c := range map[string]struct {
		ago     time.Duration
		refused bool
	}{"the other was first": {time.Minute, true}, "the other came after": {-time.Minute, false}} {
		cluster, clients := peakCluster(t, none)
		other := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "smoke-1", Namespace: namespace, CreationTimestamp: metav1.NewTime(time.Now().Add(-c.ago))}}
		clients.PrependReactor("create", "jobs", func(clienttesting.Action) (bool, runtime.Object, error) {
			return false, nil, clients.Tracker().Add(other) // between the first look and the own Job
		})
		_, err := cluster.Start(t.Context(), "peak", Options{})
		if refused := err != nil && strings.Contains(err.Error(), "run smoke-1 is under way"); refused != c.refused {
			t.Errorf("%s: %v", name, err)
		}
		if left := jobs(t, cluster); (len(left) == 1) != c.refused {
			t.Errorf("%s: there are %v", name, left)
		}
	}
}

func TestHowARunEnded(t *testing.T) {
	for name, c := range map[string]struct {
		ended func(job *batchv1.Job) []corev1.Pod
		fault string // of the error
		note  string
	}{
		"kept": {func(job *batchv1.Job) []corev1.Pod {
			condition(job, batchv1.JobComplete, "", "")
			return generatorPods(job, 0, 0, 0)
		}, "", "every threshold was kept"},
		"missed": {func(job *batchv1.Job) []corev1.Pod {
			condition(job, batchv1.JobFailed, "FailedIndexes", "Job has failed indexes")
			return generatorPods(job, 0, 0, 99)
		}, "", "thresholds were missed by generators 1"},
		"broken": {func(job *batchv1.Job) []corev1.Pod {
			condition(job, batchv1.JobFailed, "FailedIndexes", "Job has failed indexes")
			return generatorPods(job, 0, 99, 107)
		}, "FailedIndexes: Job has failed indexes; generator 1: k6 ended with code 107 Error", ""},
		"deadline": {func(job *batchv1.Job) []corev1.Pod {
			condition(job, batchv1.JobFailed, "DeadlineExceeded", "Job was active longer than specified deadline")
			return nil
		}, "DeadlineExceeded: Job was active longer than specified deadline", ""},
		"not uploaded": {func(job *batchv1.Job) []corev1.Pod {
			condition(job, batchv1.JobComplete, "", "")
			return generatorPods(job, 1, 0, 0)
		}, "", "generator 1: its result is not in the bucket"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, _ := peakCluster(t, c.ended)
			var l heard
			err := started(t, cluster).Follow(t.Context(), &l)
			if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("error is %v, want %q", err, c.fault)
			}
			if notes := strings.Join(l.notes, "\n"); !strings.Contains(notes, c.note) {
				t.Errorf("notes are %q, want %q", notes, c.note)
			}
		})
	}
}

func TestWhatGeneratorsSayIsHeardOnce(t *testing.T) {
	c, _ := peakCluster(t, func(job *batchv1.Job) []corev1.Pod {
		condition(job, batchv1.JobComplete, "", "")
		return generatorPods(job, 0, 0, 0)
	})
	r := started(t, c)
	var l heard
	if err := r.Follow(t.Context(), &l); err != nil {
		t.Fatal(err)
	}
	slices.Sort(l.lines)
	if diff := cmp.Diff([]string{"0: fake logs", "1: fake logs"}, l.lines); diff != "" {
		t.Error(diff)
	}
	clear(r.read) // as after a connection that was lost
	var again heard
	if err := r.Follow(t.Context(), &again); err != nil || len(again.lines) > 0 {
		t.Errorf("%v, heard again: %q", err, again.lines)
	}
}

func TestFollowingOutlivesAClusterThatDoesNotAnswer(t *testing.T) {
	c, clients := peakCluster(t, func(job *batchv1.Job) []corev1.Pod {
		condition(job, batchv1.JobComplete, "", "")
		return generatorPods(job, 0, 0, 0)
	})
	r, failures := started(t, c), 3
	clients.PrependReactor("get", "jobs", func(clienttesting.Action) (bool, runtime.Object, error) {
		failures--
		return failures >= 0, nil, apierrors.NewInternalError(errors.New("connection refused"))
	})
	var l heard
	if err := r.Follow(t.Context(), &l); err != nil || failures >= 0 {
		t.Errorf("%v, %d failures are left", err, failures)
	}
	if said := strings.Count(strings.Join(l.notes, "\n"), "the cluster does not answer"); said != 1 {
		t.Errorf("it is said %d times: %q", said, l.notes)
	}
}

func TestAnInterruptLeavesARunAloneWhichIsFoundAgain(t *testing.T) {
	c, clients := peakCluster(t, none)
	r := started(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Follow(ctx, &heard{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	for _, name := range []string{"", r.Name} {
		if again, err := c.Find(t.Context(), name); err != nil || again.Name != r.Name {
			t.Errorf("%q: %+v, %v", name, again, err)
		}
	}
	if err := clients.BatchV1().Jobs(namespace).Delete(t.Context(), r.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"": "no run is under way", r.Name: "run " + r.Name + " is not there any more"} {
		if _, err := c.Find(t.Context(), name); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
}

func TestEndingARunWaitsForItsGenerators(t *testing.T) {
	c, clients := peakCluster(t, func(job *batchv1.Job) []corev1.Pod {
		pods := generatorPods(job, 0, 0)
		pods[0].Status.Phase = corev1.PodRunning
		return pods
	})
	r, looks := started(t, c), 0
	clients.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		if looks++; looks < 3 {
			return false, nil, nil
		}
		return true, &corev1.PodList{}, nil
	})
	var l heard
	if err := r.End(t.Context(), &l); err != nil || looks < 3 {
		t.Errorf("%v after %d looks", err, looks)
	}
	if left := jobs(t, c); len(left) > 0 {
		t.Errorf("there are %v", left)
	}
	if notes := strings.Join(l.notes, "\n"); !strings.Contains(notes, "is ending: its generators finish what is in flight") {
		t.Errorf("notes are %q", notes)
	}
	if err := r.Follow(t.Context(), &l); !errors.Is(err, ErrEnded) {
		t.Errorf("who follows it is told %v", err)
	}
}

func TestARunThatCannotStartEnds(t *testing.T) {
	c, _ := peakCluster(t, func(job *batchv1.Job) []corev1.Pod {
		pods := generatorPods(job, 0, 0)
		pods[0].Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}}
		return pods
	})
	err := started(t, c).Follow(t.Context(), &heard{})
	if err == nil || !strings.Contains(err.Error(), "generator 0: image : ImagePullBackOff no such image") {
		t.Error(err)
	}
	if left := jobs(t, c); len(left) > 0 {
		t.Errorf("%v go on", left)
	}
}
