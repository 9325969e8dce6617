package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// peakCronJob is a suspended scenario of two generators.
func peakCronJob() *batchv1.CronJob {
	two, deadline := int32(2), int64(1590)
	suspended := true
	return &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Name: "peak", Namespace: loadNamespace, UID: "u-1"},
		Spec: batchv1.CronJobSpec{Suspend: &suspended, JobTemplate: batchv1.JobTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"ragscale.io/scenario": "peak"}},
			Spec: batchv1.JobSpec{Completions: &two, ActiveDeadlineSeconds: &deadline, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				Containers: []corev1.Container{{Name: k6Container, Env: []corev1.EnvVar{{Name: "ALLOW_PRODUCTION", Value: "false"}}}},
			}}},
		}},
	}
}

// peakRun starts a run on a cluster where Jobs end as ended says, and returns it with what it writes.
func peakRun(t *testing.T, ended func(job *batchv1.Job) []corev1.Pod) (*loadRun, *fake.Clientset, *strings.Builder, *strings.Builder) {
	t.Helper()
	clients := fake.NewClientset(peakCronJob())
	clients.PrependReactor("create", "jobs", func(action clienttesting.Action) (bool, runtime.Object, error) {
		job := action.(clienttesting.CreateAction).GetObject().(*batchv1.Job)
		for _, pod := range ended(job) {
			if err := clients.Tracker().Add(&pod); err != nil {
				t.Error(err)
			}
		}
		return false, nil, nil
	})
	var out, notes strings.Builder
	return &loadRun{console: console{out: &out, notes: &notes}, clients: clients, every: time.Millisecond, revision: "4f1c-dirty"}, clients, &out, &notes
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
				Name: fmt.Sprintf("%s-%d", job.Name, i), Namespace: loadNamespace,
				Labels: map[string]string{batchv1.JobNameLabel: job.Name}, Annotations: map[string]string{batchv1.JobCompletionIndexAnnotation: fmt.Sprint(i)},
			},
			Status: corev1.PodStatus{
				InitContainerStatuses: []corev1.ContainerStatus{over(resultsContainer, uploaded)},
				ContainerStatuses:     []corev1.ContainerStatus{over(k6Container, code)},
			},
		})
	}
	return pods
}

func condition(job *batchv1.Job, typ batchv1.JobConditionType, reason, message string) {
	job.Status.Conditions = []batchv1.JobCondition{{Type: typ, Status: corev1.ConditionTrue, Reason: reason, Message: message}}
}

func TestLoadRunIsAJobOfItsScenario(t *testing.T) {
	for _, allow := range []bool{false, true} {
		r, _, _, notes := peakRun(t, func(*batchv1.Job) []corev1.Pod { return nil })
		if err := r.start(t.Context(), "peak", allow); err != nil {
			t.Fatal(err)
		}
		owner := r.job.OwnerReferences[0]
		if !strings.HasPrefix(r.job.Name, "peak-20") || owner.Name != "peak" || owner.UID != "u-1" || !*owner.Controller || r.job.Labels["ragscale.io/scenario"] != "peak" {
			t.Errorf("%s of %+v, labels %v", r.job.Name, owner, r.job.Labels)
		}
		env := r.job.Spec.Template.Spec.Containers[0].Env
		if len(env) != 2 || env[0].Value != fmt.Sprint(allow) || env[1] != (corev1.EnvVar{Name: revisionVariable, Value: "4f1c-dirty"}) {
			t.Errorf("allowed %t: environment %v", allow, env)
		}
		if want := "generators 2, at most 26m30s"; !strings.Contains(notes.String(), want) {
			t.Errorf("notes %q, want %q", notes, want)
		}
	}
}

func TestLoadRunThatIsNotDeclared(t *testing.T) {
	r, _, _, _ := peakRun(t, nil)
	if err := r.start(t.Context(), "smoke", false); err == nil || !strings.Contains(err.Error(), "scenario smoke: ") {
		t.Error(err)
	}
}

func TestLoadRunsVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		ended func(job *batchv1.Job) []corev1.Pod
		want  error
		text  string // of the error, or of the notes
	}{
		"kept": {func(job *batchv1.Job) []corev1.Pod {
			condition(job, batchv1.JobComplete, "", "")
			return generatorPods(job, 0, 0, 0)
		}, nil, "every threshold was kept"},
		"missed": {func(job *batchv1.Job) []corev1.Pod {
			condition(job, batchv1.JobFailed, "FailedIndexes", "Job has failed indexes")
			return generatorPods(job, 0, 0, 99)
		}, errUnhealthy, "thresholds were missed by generators 1"},
		"broken": {func(job *batchv1.Job) []corev1.Pod {
			condition(job, batchv1.JobFailed, "FailedIndexes", "Job has failed indexes")
			return generatorPods(job, 0, 99, 107)
		}, nil, "FailedIndexes: Job has failed indexes; generator 1: k6 ended with code 107 Error"},
		"deadline": {func(job *batchv1.Job) []corev1.Pod {
			condition(job, batchv1.JobFailed, "DeadlineExceeded", "Job was active longer than specified deadline")
			return nil
		}, nil, "DeadlineExceeded: Job was active longer than specified deadline"},
		"not uploaded": {func(job *batchv1.Job) []corev1.Pod {
			condition(job, batchv1.JobComplete, "", "")
			return generatorPods(job, 1, 0, 0)
		}, nil, "generator 1: its result is not in the bucket"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _, _, notes := peakRun(t, c.ended)
			if err := r.start(t.Context(), "peak", false); err != nil {
				t.Fatal(err)
			}
			err := r.follow(t.Context())
			fine := name == "kept" || name == "not uploaded"
			if fine != (err == nil) || errors.Is(err, errUnhealthy) != (c.want != nil) {
				t.Errorf("verdict is %v", err)
			}
			if text := fmt.Sprint(err) + notes.String(); !strings.Contains(text, c.text) {
				t.Errorf("says %q, want %q", text, c.text)
			}
		})
	}
}

func TestLoadRunPrintsItsGeneratorsLogs(t *testing.T) {
	r, _, out, _ := peakRun(t, func(job *batchv1.Job) []corev1.Pod {
		condition(job, batchv1.JobComplete, "", "")
		return generatorPods(job, 0, 0, 0)
	})
	if err := r.start(t.Context(), "peak", false); err != nil {
		t.Fatal(err)
	}
	if err := r.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"0: fake logs\n", "1: fake logs\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("prints %q, want %q", out, want)
		}
	}
}

func TestLoadRunEndsWithAnInterrupt(t *testing.T) {
	r, clients, _, _ := peakRun(t, func(*batchv1.Job) []corev1.Pod { return nil })
	ctx, cancel := context.WithCancel(t.Context())
	if err := r.start(ctx, "peak", false); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := r.follow(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	jobs, err := clients.BatchV1().Jobs(loadNamespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(jobs.Items) != 0 {
		t.Errorf("%v, %d runs go on", err, len(jobs.Items))
	}
}

func TestLoadRunThatCannotStartEnds(t *testing.T) {
	r, clients, _, _ := peakRun(t, func(job *batchv1.Job) []corev1.Pod {
		pods := generatorPods(job, 0, 0)
		pods[0].Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}}
		return pods
	})
	if err := r.start(t.Context(), "peak", false); err != nil {
		t.Fatal(err)
	}
	if err := r.follow(t.Context()); err == nil || !strings.Contains(err.Error(), "generator 0: image : ImagePullBackOff no such image") {
		t.Error(err)
	}
	jobs, err := clients.BatchV1().Jobs(loadNamespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(jobs.Items) != 0 {
		t.Errorf("%v, %d runs go on", err, len(jobs.Items))
	}
}

func TestLoadIsRefusedBeforeAnythingIsMade(t *testing.T) {
	for want, args := range map[string][]string{
		`SCENARIO is "peek", want one of smoke, normal, peak, stress, endurance, breakpoint`: {"load", "run", "peek"},
		"stack prod serves real users, want --allow-production":                              {"load", "run", "peak", "--stack", "prod"},
	} {
		t.Run(args[2], func(t *testing.T) {
			if _, errs, code := ragscale(t, args...); code != exitFailed || !strings.Contains(errs, want) {
				t.Errorf("%v: exit code %d, %q, want %q", args, code, errs, want)
			}
		})
	}
}

func TestRevisionIsTheCheckouts(t *testing.T) {
	dir := t.TempDir()
	p := project{dir: dir}
	if got := p.revision(t.Context()); got != "" {
		t.Errorf("without a repository: %q", got)
	}
	for _, args := range [][]string{{"init", "-q"}, {"-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"}} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	if got := p.revision(t.Context()); len(got) != 12 {
		t.Errorf("%q, want twelve digits", got)
	}
}
