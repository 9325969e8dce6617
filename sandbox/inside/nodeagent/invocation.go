package nodeagent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/env"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/image"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/logs"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/process"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/status"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/volume"
)

const (
	nonRootUser        = 65532   // of an image that must not run as root and names no user: "nonroot" of distroless images
	terminationBytes   = 4 << 10 // of a termination message, the API's limit
	terminationLogTail = 2 << 10 // bytes of the log that stand in for one
)

// invocation is everything that a container's process is started with.
type invocation struct {
	spec process.Spec
	uid  int64
	gid  int64
}

// notReadyError says why a container cannot be started yet, with the reason its status shows.
type notReadyError struct {
	reason string
	err    error
}

func (e *notReadyError) Error() string { return e.err.Error() }
func (e *notReadyError) Unwrap() error { return e.err }

// invocation waits until the container can be started; false: the pod is to end first.
func (c *container) invocation(ctx context.Context) (invocation, bool) {
	shown := ""
	for {
		in, err := c.prepareInvocation(ctx)
		if err == nil {
			return in, !c.ending(ctx)
		}
		reason := reasonConfig
		var notReady *notReadyError
		if errors.As(err, &notReady) {
			reason = notReady.reason
		}
		if reason == reasonImagePull && shown != "" {
			reason = reasonImageBackOff
		}
		if shown != reason+err.Error() {
			shown = reason + err.Error()
			c.pod.event(corev1.EventTypeWarning, "Failed", "Error: "+reason+": "+err.Error())
		}
		c.set(func() {
			if c.State.Terminated != nil {
				c.Last = c.State
			}
			c.State = status.Waiting(reason, err.Error())
		})
		if !c.wait(ctx, retryEvery) {
			return invocation{}, false
		}
	}
}

func (c *container) prepareInvocation(ctx context.Context) (invocation, error) {
	spec, object := c.spec()
	img, ok := c.pod.image(spec.Image)
	if !ok {
		return invocation{}, &notReadyError{reasonImagePull, fmt.Errorf("image %q has no local command, want an entry in the sandbox's image table", spec.Image)}
	}
	uid, gid, err := userOf(object, spec)
	if err != nil {
		return invocation{}, err
	}
	lines, err := env.Of(ctx, c.pod.objects, c.pod.view(), spec, img, c.pod.cfg.APIService.String())
	if err != nil {
		return invocation{}, err
	}
	values := env.Map(lines)
	mounts, err := c.mounts(spec, object, img, values)
	if err != nil {
		return invocation{}, err
	}
	root := filepath.Join(c.pod.dir, "root-"+c.name)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return invocation{}, err
	}
	argv := img.Command(spec.Command, spec.Args)
	for i := range argv {
		argv[i] = env.Expand(argv[i], values)
	}
	own := process.Spec{Argv: argv, Env: lines, Dir: cmp.Or(spec.WorkingDir, img.Dir, "/"), Root: root, Base: cmp.Or(img.Root, "/"), Mounts: mounts}
	if !object.Spec.HostNetwork {
		own.Hostname = c.pod.view().Hostname()
	}
	if s := spec.SecurityContext; s != nil {
		own.ReadOnlyRoot = s.ReadOnlyRootFilesystem != nil && *s.ReadOnlyRootFilesystem
		own.NoNewPrivs = s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation
	}
	return invocation{spec: own, uid: uid, gid: gid}, nil
}

// userOf is the user and group a container runs as; what the container says goes before what the pod says.
func userOf(pod *corev1.Pod, c *corev1.Container) (uid, gid int64, err error) {
	var user, group *int64
	var nonRoot *bool
	if s := pod.Spec.SecurityContext; s != nil {
		user, group, nonRoot = s.RunAsUser, s.RunAsGroup, s.RunAsNonRoot
	}
	if s := c.SecurityContext; s != nil {
		user, group, nonRoot = override(user, s.RunAsUser), override(group, s.RunAsGroup), override(nonRoot, s.RunAsNonRoot)
	}
	mustNotBeRoot := nonRoot != nil && *nonRoot
	switch {
	case user == nil && mustNotBeRoot:
		uid, gid = nonRootUser, nonRootUser
	case user != nil:
		uid = *user
	}
	if group != nil {
		gid = *group
	}
	if mustNotBeRoot && uid == 0 {
		return 0, 0, fmt.Errorf("container %s has runAsNonRoot and runAsUser 0, want another user", c.Name)
	}
	return uid, gid, nil
}

func override[T any](general, special *T) *T {
	if special != nil {
		return special
	}
	return general
}

// mounts are the container's mounts in the order in which later ones cover earlier ones.
func (c *container) mounts(spec *corev1.Container, object *corev1.Pod, img image.Image, variables map[string]string) ([]process.Mount, error) {
	var mounts []process.Mount
	if m, ok := process.ProgramMount(img); ok {
		mounts = append(mounts, m)
	}
	for target, source := range img.Files {
		mounts = append(mounts, process.Mount{Source: source, Target: target, ReadOnly: true})
	}
	for _, name := range []string{"hosts", "hostname", "resolv.conf"} {
		mounts = append(mounts, process.Mount{Source: filepath.Join(c.pod.dir, name), Target: "/etc/" + name})
	}
	message := c.messagePath()
	if err := os.WriteFile(message, nil, 0o666); err != nil {
		return nil, err
	}
	mounts = append(mounts, process.Mount{Source: message, Target: cmp.Or(spec.TerminationMessagePath, corev1.TerminationMessagePathDefault)})
	for _, vm := range spec.VolumeMounts {
		m, err := c.volumeMount(object, vm, variables)
		if err != nil {
			return nil, fmt.Errorf("mount %s: %w", vm.MountPath, err)
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

func (c *container) volumeMount(object *corev1.Pod, vm corev1.VolumeMount, variables map[string]string) (process.Mount, error) {
	for i := range object.Spec.Volumes {
		vol := &object.Spec.Volumes[i]
		if vol.Name != vm.Name {
			continue
		}
		// Volumes that show API objects are read-only, as the kubelet mounts them.
		m := process.Mount{Source: c.pod.volumes.Source(vol), Target: vm.MountPath, ReadOnly: vm.ReadOnly || volume.ShowsObjects(vol)}
		sub := vm.SubPath
		if vm.SubPathExpr != "" {
			sub = env.Expand(vm.SubPathExpr, variables)
		}
		if sub == "" {
			return m, nil
		}
		if !filepath.IsLocal(sub) {
			return process.Mount{}, fmt.Errorf("subPath is %q, want a path inside the volume", sub)
		}
		m.Source = filepath.Join(m.Source, sub)
		if _, err := os.Stat(m.Source); err == nil {
			return m, nil
		}
		return m, os.MkdirAll(m.Source, 0o777)
	}
	return process.Mount{}, fmt.Errorf("volume %q is not one of the pod's", vm.Name)
}

// start starts the process. output waits for the rest of what it wrote and closes the log.
func (c *container) start(in invocation, log *logs.File) (proc process.Process, output func() error, err error) {
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, outR.Close(), outW.Close())
	}
	c.pod.mu.Lock()
	net := c.pod.network
	c.pod.mu.Unlock()
	began := time.Now()
	proc, err = c.pod.runtime.Start(net, process.StartSpec{Spec: in.spec, UID: in.uid, GID: in.gid, Stdout: outW, Stderr: errW})
	err = errors.Join(err, outW.Close(), errW.Close())
	if err != nil {
		return nil, nil, errors.Join(err, outR.Close(), errR.Close())
	}
	var copies sync.WaitGroup
	faults := make(chan error, 2)
	for stream, r := range map[string]*os.File{"stdout": outR, "stderr": errR} {
		copies.Go(func() { faults <- storeOutput(log, stream, r) })
	}
	output = func() error {
		copies.Wait()
		return errors.Join(<-faults, <-faults, log.Close())
	}
	c.set(func() {
		c.process, c.env, c.workDir, c.runStart, c.logged = proc, in.spec.Env, in.spec.Dir, began, make(chan struct{})
		if c.State.Terminated != nil {
			c.Last = c.State
		}
		c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(began)}}
	})
	c.pod.event(corev1.EventTypeNormal, "Started", "Started container "+c.name)
	return proc, output, nil
}

// storeOutput copies a stream into the log. If the log cannot be written, the stream is read on: a container must not block on it.
func storeOutput(log *logs.File, stream string, r *os.File) error {
	err := log.Copy(stream, r)
	if err != nil {
		_, rest := io.Copy(io.Discard, r)
		err = errors.Join(err, rest)
	}
	return errors.Join(err, r.Close())
}

func (c *container) messagePath() string {
	return filepath.Join(c.pod.dir, "termination-"+c.name)
}

// terminationMessage is what the container left at terminationMessagePath, or the end of its log where it wants that.
func (c *container) terminationMessage(exit int) string {
	b, err := os.ReadFile(c.messagePath())
	if err != nil {
		return ""
	}
	spec, _ := c.spec()
	if len(b) > 0 || exit == 0 || spec.TerminationMessagePolicy != corev1.TerminationMessageFallbackToLogsOnError {
		return string(b[:min(len(b), terminationBytes)])
	}
	log, err := os.ReadFile(c.pod.logPath(c.name, c.Restarts))
	if err != nil {
		return ""
	}
	return logs.Text(log[max(len(log)-terminationLogTail, 0):])
}
