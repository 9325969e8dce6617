package nodeagent

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/image"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/process"
)

// scripted is a runtime without processes: a container ends as the test says, or at SIGTERM.
type scripted struct {
	mu      sync.Mutex
	started []process.StartSpec
	procs   []*scriptedProcess
	exits   map[string]int // program -> exit code of a container that ends at once
}

type scriptedProcess struct {
	once sync.Once
	done chan struct{}
	exit process.Exit
}

func (p *scriptedProcess) end(e process.Exit) {
	p.once.Do(func() { p.exit = e; close(p.done) })
}
func (p *scriptedProcess) PID() int              { return 1 << 30 }
func (p *scriptedProcess) Done() <-chan struct{} { return p.done }
func (p *scriptedProcess) Exit() process.Exit    { return p.exit }
func (p *scriptedProcess) Signal(s syscall.Signal) error {
	p.end(process.Exit{Code: 128 + int(s), Signal: int(s)})
	return nil
}

type noNetwork struct{}

func (noNetwork) Close() error { return nil }

func (r *scripted) NewNetwork(netip.Addr) (process.Network, error) { return noNetwork{}, nil }
func (r *scripted) Start(_ process.Network, s process.StartSpec) (process.Process, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &scriptedProcess{done: make(chan struct{})}
	r.started, r.procs = append(r.started, s), append(r.procs, p)
	if code, ok := r.exits[s.Spec.Argv[0]]; ok {
		p.end(process.Exit{Code: code})
	}
	return p, nil
}
func (r *scripted) Exec(context.Context, process.Process, process.Command) (int, error) {
	return 0, nil
}
func (r *scripted) Dial(ctx context.Context, _ process.Network, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}
func (r *scripted) MountMemory(string, int64) error { return nil }
func (r *scripted) Unmount(string) error            { return nil }
func (r *scripted) Listen(netip.AddrPort) (net.Listener, error) {
	return net.Listen("tcp", "127.0.0.1:0")
}
func (r *scripted) Unlisten(netip.Addr) error { return nil }

func (r *scripted) running() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, p := range r.procs {
		if !isClosed(p.done) {
			n++
		}
	}
	return n
}

type bed struct {
	t      *testing.T
	agent  *Agent
	client *fake.Clientset
	rt     *scripted
	cancel context.CancelFunc
	ended  chan error
}

// newBed runs an agent of one node n1 against a fake API server.
func newBed(t *testing.T, exits map[string]int, pods ...*corev1.Pod) *bed {
	t.Helper()
	dir := t.TempDir()
	certificate(t, dir)
	b := &bed{t: t, client: fake.NewSimpleClientset(), rt: &scripted{exits: exits}, ended: make(chan error, 1)}
	for _, p := range pods {
		b.create(p)
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	cfg := Config{Dir: dir, Self: "/none", CAFile: file("c.crt"), CertFile: file("c.crt"), KeyFile: file("c.key"), BackoffBase: time.Millisecond, BackoffLimit: time.Millisecond,
		Images: image.Table{"run:1": {Entrypoint: []string{"/run"}}, "well:1": {Entrypoint: []string{"/well"}}, "badly:1": {Entrypoint: []string{"/badly"}}}}
	cfg.setDefaults()
	b.agent = newAgent(cfg, b.client, b.rt)
	var ctx context.Context
	ctx, b.cancel = context.WithCancel(context.Background())
	go func() { b.ended <- b.agent.Run(ctx) }()
	t.Cleanup(func() { b.stop() })
	b.setNodes(Node{Name: "n1", CPUMilli: 2000, MemoryBytes: 1 << 30, MaxPods: 10})
	return b
}

func (b *bed) setNodes(nodes ...Node) {
	b.t.Helper()
	if err := b.agent.SetNodes(b.t.Context(), nodes); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) stop() {
	b.cancel()
	select {
	case err := <-b.ended:
		if err != nil {
			b.t.Error(err)
		}
		b.ended <- nil
	case <-time.After(20 * time.Second):
		b.t.Fatal("Run did not return after its context ended")
	}
}

func (b *bed) create(p *corev1.Pod) {
	b.t.Helper()
	if _, err := b.client.CoreV1().Pods(p.Namespace).Create(b.t.Context(), p, metav1.CreateOptions{}); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for a state of the pod; the wait is bounded, and its length is nowhere asserted.
func (b *bed) until(name, what string, ok func(*corev1.Pod) bool) *corev1.Pod {
	b.t.Helper()
	var last *corev1.Pod
	for range 1000 {
		p, err := b.client.CoreV1().Pods("rag").Get(b.t.Context(), name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			p, err = nil, nil
		}
		if err != nil {
			b.t.Fatal(err)
		}
		if last = p; ok(p) {
			return p
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatalf("pod %s is %+v, want it %s", name, last, what)
	return nil
}

func phaseIs(phase corev1.PodPhase) func(*corev1.Pod) bool {
	return func(p *corev1.Pod) bool { return p != nil && p.Status.Phase == phase }
}

func boundPod(name, image string, policy corev1.RestartPolicy) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "rag", UID: types.UID("uid-" + name)},
		Spec: corev1.PodSpec{NodeName: "n1", RestartPolicy: policy, Containers: []corev1.Container{{Name: "c", Image: image}}}}
}

func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"c.crt": {Type: "CERTIFICATE", Bytes: der}, "c.key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func condition(st corev1.PodStatus, kind corev1.PodConditionType) corev1.PodCondition {
	for _, c := range st.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return corev1.PodCondition{}
}

func TestPodBecomesReady(t *testing.T) {
	b := newBed(t, nil, boundPod("p", "run:1", corev1.RestartPolicyAlways))
	p := b.until("p", "Ready", func(p *corev1.Pod) bool {
		return condition(p.Status, corev1.PodReady).Status == corev1.ConditionTrue
	})
	if p.Status.PodIP != "10.77.1.0" || p.Status.HostIP != "10.77.0.10" {
		t.Errorf("pod is at %s on %s, want 10.77.1.0 on 10.77.0.10", p.Status.PodIP, p.Status.HostIP)
	}
}

func TestJobPodEndsInThePhaseOfItsExitCode(t *testing.T) {
	b := newBed(t, map[string]int{"/well": 0, "/badly": 3}, boundPod("w", "well:1", corev1.RestartPolicyNever), boundPod("b", "badly:1", corev1.RestartPolicyNever))
	b.until("w", "Succeeded", phaseIs(corev1.PodSucceeded))
	b.until("b", "Failed", phaseIs(corev1.PodFailed))
}

func TestCrashingContainerIsRestartedAndCounted(t *testing.T) {
	b := newBed(t, map[string]int{"/badly": 1}, boundPod("p", "badly:1", corev1.RestartPolicyAlways))
	b.until("p", "restarted three times", func(p *corev1.Pod) bool {
		return len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].RestartCount >= 3
	})
}

func TestUnknownImageWaitsUntilTheTableHasIt(t *testing.T) {
	b := newBed(t, nil, boundPod("p", "none:1", corev1.RestartPolicyAlways))
	b.until("p", "in ImagePullBackOff", func(p *corev1.Pod) bool {
		return len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].State.Waiting != nil && p.Status.ContainerStatuses[0].State.Waiting.Reason == reasonImageBackOff
	})
	b.agent.SetImages(image.Table{"none:1": {Entrypoint: []string{"/run"}}})
	b.until("p", "Running", phaseIs(corev1.PodRunning))
}

func TestDeletedPodIsGoneWithItsProcess(t *testing.T) {
	b := newBed(t, nil, boundPod("p", "run:1", corev1.RestartPolicyAlways))
	p := b.until("p", "Running", phaseIs(corev1.PodRunning))
	now, grace := metav1.Now(), int64(30)
	p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &now, &grace
	if _, err := b.client.CoreV1().Pods("rag").Update(t.Context(), p, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	b.until("p", "gone", func(p *corev1.Pod) bool { return p == nil })
	if n := b.rt.running(); n != 0 {
		t.Errorf("%d processes run, want none", n)
	}
}

func TestNoProcessRunsAfterRunHasReturned(t *testing.T) {
	b := newBed(t, nil, boundPod("p", "run:1", corev1.RestartPolicyAlways), boundPod("q", "run:1", corev1.RestartPolicyAlways))
	b.until("p", "Running", phaseIs(corev1.PodRunning))
	b.until("q", "Running", phaseIs(corev1.PodRunning))
	b.stop()
	if n := b.rt.running(); n != 0 {
		t.Errorf("%d processes run, want none", n)
	}
	if p := b.until("p", "still there", func(p *corev1.Pod) bool { return p != nil }); p.Status.Phase != corev1.PodRunning {
		t.Errorf("phase is %s after the agent ended, want it left at Running", p.Status.Phase)
	}
}

func TestResumedPodCountsARestart(t *testing.T) {
	p := boundPod("p", "run:1", corev1.RestartPolicyAlways)
	began := metav1.Now()
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &began, PodIP: "10.77.1.9",
		ContainerStatuses: []corev1.ContainerStatus{{Name: "c", RestartCount: 4, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: began}}}}}
	b := newBed(t, nil, p)
	got := b.until("p", "restarted", func(p *corev1.Pod) bool {
		return p.Status.ContainerStatuses[0].RestartCount == 5 && p.Status.ContainerStatuses[0].State.Running != nil
	})
	if reason := got.Status.ContainerStatuses[0].LastTerminationState.Terminated.Reason; reason != reasonUnknown || got.Status.PodIP != "10.77.1.9" {
		t.Errorf("last state is %s at %s, want %s at 10.77.1.9", reason, got.Status.PodIP, reasonUnknown)
	}
}

func TestUnwantedNodeIsRemoved(t *testing.T) {
	b := newBed(t, nil)
	b.setNodes(Node{Name: "n2", CPUMilli: 1000, MemoryBytes: 1, MaxPods: 1})
	nodes, err := b.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(nodes.Items) != 1 || nodes.Items[0].Name != "n2" {
		t.Errorf("nodes are %v, want n2 alone", nodes.Items)
	}
}

func TestEveryFaultOfTheNodesIsReported(t *testing.T) {
	err := validateNodes([]Node{{Name: "n1", CPUMilli: 1, MemoryBytes: 1, MaxPods: 1}, {Name: "n1", CPUMilli: 1, MemoryBytes: 1}})
	want := "nodes[1].Name is \"n1\", want a name of its own\nnodes[1] n1 has 1 CPU (milli), 1 bytes of memory and 0 pods, want more than 0 of each"
	if fmt.Sprint(err) != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
