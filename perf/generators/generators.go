// Package generators makes load: a Job of a declared scenario, one run at a time, followed and ended.
//
// Owns: which run is under way, what its generators say, how it ended. Does not own: what generators do
// (components/loadtest), what their results tell (perf/load), flags and printing (cmd/ragscale).
package generators

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ragscale/ragscale/perf/load"
)

// Cluster is where scenarios are declared: a CronJob each.
type Cluster struct {
	Clients   kubernetes.Interface
	Namespace string
	Every     time.Duration // how often a run is looked at

	// Forward makes a port of a pod's loopback answer here until stop is called; nil where nobody asks for progress.
	Forward       func(ctx context.Context, pod string, port int32) (address string, stop func(), err error)
	ProgressEvery time.Duration
}

// Run is one run of a scenario: a Job.
type Run struct {
	Name       string
	Generators int
	Longest    time.Duration // after that Kubernetes ends it

	cluster Cluster
	job     *batchv1.Job
	heard   Listener

	one   sync.Mutex
	lines map[string]int  // of each generator's log, by pod: those that were handed on
	read  map[string]bool // pods whose log is being read
	logs  sync.WaitGroup
	noted string // the last note about what is waited for
}

// Options of a run.
type Options struct {
	AllowProduction bool   // load a stack that serves real users
	Revision        string // of the checkout, for the run's fingerprint; "" where it is not known
	Images          string // that run, as Cluster.Images tells them, for the same; "" where they are not known
}

// Environment variables that the scripts read.
const (
	allowVariable    = "ALLOW_PRODUCTION" // "true" loads production
	revisionVariable = "REVISION"
	imagesVariable   = "IMAGE_DIGESTS"
)

// Start makes a Job of the scenario's CronJob, which then keeps and drops it like those of its schedule. A run that is
// under way is left alone: two at once would measure each other.
func (c Cluster) Start(ctx context.Context, scenario string, o Options) (*Run, error) {
	from, err := c.Clients.BatchV1().CronJobs(c.Namespace).Get(ctx, scenario, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", scenario, err)
	}
	if err := c.free(ctx, nil); err != nil {
		return nil, err
	}
	job := jobOf(from, load.NewRun(scenario, time.Now()))
	if o.AllowProduction {
		setEnv(&job.Spec.Template.Spec, allowVariable, "true")
	}
	if o.Revision != "" {
		setEnv(&job.Spec.Template.Spec, revisionVariable, o.Revision)
	}
	if o.Images != "" {
		setEnv(&job.Spec.Template.Spec, imagesVariable, o.Images)
	}
	made, err := c.Clients.BatchV1().Jobs(c.Namespace).Create(ctx, job, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", job.Name, err)
	}
	r := c.run(made)
	if err := c.free(ctx, made); err != nil { // another began at the same moment
		return nil, errors.Join(err, r.remove(ctx))
	}
	return r, nil
}

// Find is a run by its name, or with none the one that is under way.
func (c Cluster) Find(ctx context.Context, name string) (*Run, error) {
	if name == "" {
		going, err := c.UnderWay(ctx)
		if err != nil {
			return nil, err
		}
		if len(going) == 0 {
			return nil, errors.New("no run is under way")
		}
		name = going[0].Name
	}
	job, err := c.Clients.BatchV1().Jobs(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("run %s is not there any more: it was ended, or is one of long ago", name)
	}
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", name, err)
	}
	return c.run(job), nil
}

func (c Cluster) run(job *batchv1.Job) *Run {
	r := &Run{Name: job.Name, Generators: 1, cluster: c, job: job, lines: map[string]int{}, read: map[string]bool{}}
	if n := job.Spec.Completions; n != nil {
		r.Generators = int(*n)
	}
	if s := job.Spec.ActiveDeadlineSeconds; s != nil {
		r.Longest = time.Duration(*s) * time.Second
	}
	return r
}

// Going is a run that has not ended.
type Going struct {
	Name  string
	Since time.Time
}

// UnderWay are the runs that have not ended, the oldest first. One whose Job is gone has, when its generators have.
func (c Cluster) UnderWay(ctx context.Context) ([]Going, error) {
	jobs, err := c.Clients.BatchV1().Jobs(c.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	pods, err := c.Clients.CoreV1().Pods(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: batchv1.JobNameLabel})
	if err != nil {
		return nil, err
	}
	going, known := []Going{}, map[string]bool{}
	for _, job := range jobs.Items {
		known[job.Name] = true
		if ending(&job) == nil {
			going = append(going, Going{job.Name, job.CreationTimestamp.Time})
		}
	}
	for _, pod := range pods.Items {
		if name := pod.Labels[batchv1.JobNameLabel]; !known[name] && !ended(pod) {
			known[name] = true
			going = append(going, Going{name, pod.CreationTimestamp.Time})
		}
	}
	slices.SortFunc(going, func(a, b Going) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Name, b.Name))
	})
	return going, nil
}

// free wants no other run to be under way; beside own, none that did not begin after it.
func (c Cluster) free(ctx context.Context, own *batchv1.Job) error {
	going, err := c.UnderWay(ctx)
	if err != nil {
		return err
	}
	for _, other := range going {
		if own != nil && (other.Name == own.Name || other.Since.After(own.CreationTimestamp.Time)) {
			continue
		}
		return fmt.Errorf("run %s is under way since %s: two at once would measure each other; "+
			"`ragscale load watch` shows it, `ragscale load stop` ends it", other.Name, other.Since.Local().Format(time.TimeOnly))
	}
	return nil
}

// jobOf is a Job as `kubectl create job --from` makes one.
func jobOf(from *batchv1.CronJob, name string) *batchv1.Job {
	template := from.Spec.JobTemplate.DeepCopy()
	controller := true
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: template.Labels,
			Annotations: map[string]string{"cronjob.kubernetes.io/instantiate": "manual"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "batch/v1", Kind: "CronJob", Name: from.Name, UID: from.UID, Controller: &controller,
			}},
		},
		Spec: template.Spec,
	}
}

// setEnv sets an environment variable of each container.
func setEnv(pod *corev1.PodSpec, name, value string) {
	for i := range pod.Containers {
		c := &pod.Containers[i]
		c.Env = slices.DeleteFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == name })
		c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: value})
	}
}
