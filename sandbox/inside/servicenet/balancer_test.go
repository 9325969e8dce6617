package servicenet

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ragscale/ragscale/sandbox/control"
)

var testGroup = control.TargetGroup{Name: "api", Port: 80, Algorithm: roundRobin, DeregistrationDelay: 30 * time.Second, HealthPath: "/healthz",
	HealthInterval: 15 * time.Second, HealthTimeout: 5 * time.Second, HealthyThreshold: 3, UnhealthyThreshold: 2}

func TestHealthFollowsTheThresholds(t *testing.T) {
	for name, c := range map[string]struct{ checks, want string }{
		"new, first check passes":        {"+", "healthy"},
		"new, first check fails":         {"-", "initial"},
		"new, fails up to the threshold": {"--", "unhealthy"},
		"new, fails once, then passes":   {"-+", "healthy"},
		"healthy, one failure":           {"+-", "healthy"},
		"healthy, failures not in a row": {"+-+-", "healthy"},
		"healthy, two failures":          {"+--", "unhealthy"},
		"unhealthy, two passes":          {"--++", "unhealthy"},
		"unhealthy, three passes":        {"--+++", "healthy"},
		"unhealthy, passes interrupted":  {"--++-++", "unhealthy"},
	} {
		t.Run(name, func(t *testing.T) {
			h := health{state: initial}
			for _, check := range c.checks {
				h.observe(check == '+', 3, 2)
			}
			if string(h.state) != c.want {
				t.Errorf("%s after %s, want %s", h.state, c.checks, c.want)
			}
		})
	}
}

func TestTargetsAreCheckedAtOnceAndThenInEachInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(testGroup, slog.New(slog.DiscardHandler), func() {})
		m := newMember(g, target{addr: netip.MustParseAddrPort("10.77.1.1:80")})
		begin := time.Now()
		var at []time.Duration
		go m.check(func(context.Context) error { at = append(at, time.Since(begin)); return nil })
		time.Sleep(31 * time.Second)
		m.stopChecks()
		synctest.Wait()
		if d := cmp.Diff([]time.Duration{0, 15 * time.Second, 30 * time.Second}, at); d != "" {
			t.Error(d)
		}
	})
}

// groupOf is a group with members in the given states, addressed 10.77.1.1 and so on.
func groupOf(algorithm string, states ...healthState) *group {
	spec := testGroup
	spec.Algorithm = algorithm
	g := newGroup(spec, slog.New(slog.DiscardHandler), func() {})
	for i, s := range states {
		m := newMember(g, target{addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 77, 1, byte(i + 1)}), 80)})
		m.health.state = s
		g.members[m.target.addr] = m
	}
	g.route()
	return g
}

func picks(g *group, n int) []string {
	var out []string
	for range n {
		if m := g.pick(); m != nil {
			out = append(out, m.target.addr.Addr().String())
		}
	}
	slices.Sort(out)
	return out
}

func TestRoundRobinTakesHealthyTargetsInTurn(t *testing.T) {
	got := picks(groupOf(roundRobin, healthy, unhealthy, healthy, initial), 4)
	if d := cmp.Diff([]string{"10.77.1.1", "10.77.1.1", "10.77.1.3", "10.77.1.3"}, got); d != "" {
		t.Error(d)
	}
}

func TestTheTargetWithTheFewestRequestsIsTaken(t *testing.T) {
	g := groupOf(leastOutstanding, healthy, healthy, healthy)
	for _, m := range g.members {
		if m.target.addr.Addr().String() != "10.77.1.2" {
			m.outstanding.Store(5)
		}
	}
	if d := cmp.Diff([]string{"10.77.1.2", "10.77.1.2"}, picks(g, 2)); d != "" {
		t.Error(d)
	}
}

func TestEqualTargetsShareRequests(t *testing.T) {
	got := picks(groupOf(leastOutstanding, healthy, healthy), 4)
	if d := cmp.Diff([]string{"10.77.1.1", "10.77.1.1", "10.77.1.2", "10.77.1.2"}, got); d != "" {
		t.Error(d)
	}
}

func TestAGroupWithUnhealthyTargetsOnlyFailsOpen(t *testing.T) {
	if got := picks(groupOf(roundRobin, unhealthy, initial), 2); !cmp.Equal(got, []string{"10.77.1.1", "10.77.1.1"}) {
		t.Error(got)
	}
}

func TestNewTargetsTakeNoRequestsBeforeTheirFirstCheck(t *testing.T) {
	if got := picks(groupOf(roundRobin, initial), 2); got != nil {
		t.Error(got)
	}
}

func TestOnlyReadyPodsAreTargets(t *testing.T) {
	gated := func(name string, containersReady corev1.ConditionStatus) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "rag", Name: name},
			Spec:   corev1.PodSpec{ReadinessGates: []corev1.PodReadinessGate{{ConditionType: gatePrefix + "api"}}},
			Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.ContainersReady, Status: containersReady}}}}
	}
	s := newSnapshot([]*corev1.Service{serviceObject("api", "10.96.0.20")},
		map[objectName][]*discoveryv1.EndpointSlice{{"rag", "api"}: sliceObject(
			endpointCase{ip: "10.77.1.1"}, endpointCase{ip: "10.77.1.2", notReady: true}, endpointCase{ip: "10.77.1.3", terminating: true},
			endpointCase{ip: "10.77.1.4", notReady: true, pod: "waits"}, endpointCase{ip: "10.77.1.5", notReady: true, pod: "starts"})},
		[]*corev1.Pod{gated("waits", corev1.ConditionTrue), gated("starts", corev1.ConditionFalse)},
		[]binding{{objectName{"rag", "api"}, "arn", objectName{"rag", "api"}, intstr.FromString("http")}, {objectName{"rag", "gone"}, "other", objectName{"rag", "none"}, intstr.FromInt32(80)}})
	got := map[string][]string{}
	for arn, list := range s.targets() {
		got[arn] = []string{}
		for _, t := range list {
			got[arn] = append(got[arn], t.addr.String())
		}
	}
	if d := cmp.Diff(map[string][]string{"arn": {"10.77.1.1:8080", "10.77.1.4:8080"}, "other": {}}, got); d != "" {
		t.Error(d)
	}
}

func TestReadinessGatesFollowTheTargetsHealth(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "rag", Name: "p"},
		Spec: corev1.PodSpec{ReadinessGates: []corev1.PodReadinessGate{{ConditionType: gatePrefix + "api"}, {ConditionType: "someone.else"}}}}
	s := newSnapshot(nil, nil, []*corev1.Pod{pod}, []binding{{objectName: objectName{"rag", "api"}, targetGroup: "arn"}})
	for state, want := range map[healthState]string{initial: "False Target.initial", healthy: "True Healthy", unhealthy: "False Target.unhealthy"} {
		changes := gateChanges(s, func(string, objectName) (healthState, bool) { return state, true })
		if len(changes) != 1 || string(changes[0].condition.Status)+" "+changes[0].condition.Reason != want {
			t.Errorf("%s: %+v, want %s", state, changes, want)
		}
	}
	pod.Status.Conditions = []corev1.PodCondition{{Type: gatePrefix + "api", Status: corev1.ConditionTrue}}
	if changes := gateChanges(s, func(string, objectName) (healthState, bool) { return healthy, true }); len(changes) > 0 {
		t.Errorf("written again: %+v", changes)
	}
}

// balanced starts a load balancer with one target, backend, on a loopback port and returns its URL.
func balanced(t *testing.T, spec control.TargetGroup, backend http.Handler) (*Network, string, netip.AddrPort) {
	t.Helper()
	server := httptest.NewServer(backend)
	t.Cleanup(server.Close)
	n, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() }) //nolint:errcheck // test over
	port := freePort(t)
	for _, err := range []error{
		n.SetLoadBalancer("lb", control.LoadBalancer{Name: "lb"}, ownLoopback),
		n.SetTargetGroup("tg", spec),
		n.SetListener("l", control.Listener{LoadBalancerARN: "lb", Port: port, Protocol: "HTTP", TargetGroupARN: "tg"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return n, "http://" + netip.AddrPortFrom(ownLoopback, uint16(port)).String(), netip.MustParseAddrPort(server.Listener.Addr().String())
}

// ownLoopback is an address at which nothing but this package's tests listens, so that a port that is free stays free.
var ownLoopback = netip.MustParseAddr("127.0.83.1")

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", netip.AddrPortFrom(ownLoopback, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestALoadBalancerIsReachedByItsNameAsLongAsItIsThere(t *testing.T) {
	const name = "api-1234567891.eu-central-1.elb.amazonaws.com"
	n, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() }) //nolint:errcheck // test over
	if err := n.SetLoadBalancer("lb", control.LoadBalancer{Name: "api", Hostname: name}, ownLoopback); err != nil {
		t.Fatal(err)
	}
	if got, want := ask(t, name+".", dnsmessage.TypeA, n.Names(), &snapshot{}), "Success "+ownLoopback.String(); got != want {
		t.Errorf("%s: %s, want %s", name, got, want)
	}
	n.Delete("lb")
	if got := ask(t, name+".", dnsmessage.TypeA, n.Names(), &snapshot{}); got != "NameError" {
		t.Errorf("%s: %s after it was deleted", name, got)
	}
}

// register makes addr a healthy target and waits until it takes requests.
func register(t *testing.T, n *Network, addr netip.AddrPort) {
	t.Helper()
	changed := make(chan struct{}, 10)
	stop := n.balancer.onHealth(func() { changed <- struct{}{} })
	defer stop()
	n.balancer.setTargets(map[string][]target{"tg": {{addr: addr}}})
	select {
	case <-changed:
	case <-t.Context().Done():
		t.Fatal("the target's health did not change")
	}
}

func get(t *testing.T, url string, header ...string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

func TestRequestsArriveWithTheHeadersOfALoadBalancer(t *testing.T) {
	n, url, backend := balanced(t, testGroup, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Join([]string{r.Host, r.URL.RequestURI(), r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Forwarded-Port")}, "|")) //nolint:errcheck // the reader tells
	}))
	register(t, n, backend)
	_, got := get(t, url+"/v1/search?q=a;b", "X-Forwarded-For", "203.0.113.9")
	host := strings.TrimPrefix(url, "http://")
	if want := host + "|/v1/search?q=a;b|203.0.113.9, 127.0.0.1|http|" + strings.Split(host, ":")[1]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTracesAreBegunAndContinued(t *testing.T) {
	id := `1-[0-9a-f]{8}-[0-9a-f]{24}`
	for given, want := range map[string]string{"": "^Root=" + id + "$", "Root=1-a-b": "^Self=" + id + ";Root=1-a-b$", "tenant=7": "^Root=" + id + ";tenant=7$"} {
		if got := traceID(given, time.Now()); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%q becomes %q, want %s", given, got, want)
		}
	}
}

func TestWithoutTargetsTheAnswerIs503(t *testing.T) {
	n, url, _ := balanced(t, testGroup, http.NotFoundHandler())
	if status, body := get(t, url); status != 503 || !strings.Contains(body, "503 Service Temporarily Unavailable") {
		t.Errorf("%d %s", status, body)
	}
	if s := n.TargetGroups()["tg"]; s.Requests != 1 || s.ELB["503"] != 1 {
		t.Errorf("%+v", s)
	}
}

func TestATargetThatHangsUpIsA502(t *testing.T) {
	n, url, backend := balanced(t, testGroup, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != testGroup.HealthPath {
			panic(http.ErrAbortHandler)
		}
	}))
	register(t, n, backend)
	if status, _ := get(t, url); status != 502 {
		t.Errorf("status %d", status)
	}
}

func TestATargetThatIsTooSlowIsA504(t *testing.T) {
	release := make(chan struct{})
	n, url, backend := balanced(t, testGroup, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != testGroup.HealthPath {
			<-release
		}
	}))
	defer close(release)
	register(t, n, backend)
	for _, m := range n.balancer.groups["tg"].members {
		m.transport.ResponseHeaderTimeout, m.conns.patience = 10*time.Millisecond, 10*time.Millisecond
	}
	if status, _ := get(t, url); status != 504 {
		t.Errorf("status %d", status)
	}
}

func TestRequestsInFlightOutliveTheirTargetsRegistration(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	n, url, backend := balanced(t, testGroup, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != testGroup.HealthPath {
			close(arrived)
			<-release
			io.WriteString(w, "done") //nolint:errcheck // the reader tells
		}
	}))
	register(t, n, backend)
	answer := make(chan string)
	go func() { _, body := get(t, url); answer <- body }()
	<-arrived
	n.balancer.setTargets(nil)
	if status, _ := get(t, url); status != 503 {
		t.Errorf("a new request got %d, want 503", status)
	}
	if s := n.TargetGroups()["tg"]; s.Targets["draining"] != 1 {
		t.Errorf("targets %v", s.Targets)
	}
	close(release)
	if got := <-answer; got != "done" {
		t.Errorf("the request in flight got %q", got)
	}
}

func TestRequestsThatOutlastTheDelayAreCut(t *testing.T) {
	spec := testGroup
	spec.DeregistrationDelay = 0
	arrived, release := make(chan struct{}), make(chan struct{})
	n, url, backend := balanced(t, spec, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != testGroup.HealthPath {
			close(arrived)
			<-release
		}
	}))
	defer close(release)
	register(t, n, backend)
	answer := make(chan int)
	go func() { status, _ := get(t, url); answer <- status }()
	<-arrived
	n.balancer.setTargets(nil)
	if got := <-answer; got != 502 {
		t.Errorf("status %d, want 502", got)
	}
}

func TestUploadsAreStreamed(t *testing.T) {
	first := make(chan string)
	n, url, backend := balanced(t, testGroup, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			b := make([]byte, 5)
			_, err := io.ReadFull(r.Body, b)
			first <- string(b)
			_, rest := io.Copy(io.Discard, r.Body)
			if err := errors.Join(err, rest); err != nil {
				t.Error(err)
			}
		}
	}))
	register(t, n, backend)
	read, write := io.Pipe()
	done := make(chan error)
	go func() {
		res, err := http.Post(url, "text/plain", read)
		if err == nil {
			err = res.Body.Close()
		}
		done <- err
	}()
	if _, err := io.WriteString(write, "hello"); err != nil {
		t.Fatal(err)
	}
	if got := <-first; got != "hello" { // before the body's end
		t.Errorf("target read %q", got)
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAnswersAreCounted(t *testing.T) {
	n, url, backend := balanced(t, testGroup, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/missing" {
			w.WriteHeader(404)
		}
	}))
	register(t, n, backend)
	get(t, url+"/")
	get(t, url+"/missing")
	s := n.TargetGroups()["tg"]
	var total uint64
	for _, c := range s.Latency.Counts {
		total += c
	}
	if s.Requests != 2 || s.Target["2xx"] != 1 || s.Target["4xx"] != 1 || total != 2 || s.Targets["healthy"] != 1 {
		t.Errorf("%+v", s)
	}
}

func TestFaultsOfDeclarationsAreNamed(t *testing.T) {
	n, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	bad := control.TargetGroup{Name: "api", Algorithm: "random", HealthPath: "healthz", HealthInterval: 1, HealthTimeout: 2}
	for want, err := range map[string]error{
		`algorithm is "random", want round_robin or least_outstanding_requests`: n.SetTargetGroup("tg", bad),
		`health check path is "healthz", want it to begin with /`:               n.SetTargetGroup("tg", bad),
		`listener on port 80: there is no load balancer lb`:                     n.SetListener("l", control.Listener{LoadBalancerARN: "lb", Port: 80, Protocol: "HTTP"}),
		`listener on port 443: protocol is "HTTPS", want HTTP`:                  n.SetListener("l", control.Listener{Port: 443, Protocol: "HTTPS"}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not hold %q", err, want)
		}
	}
}

func TestADeletedListenerDoesNotListen(t *testing.T) {
	n, url, _ := balanced(t, testGroup, http.NotFoundHandler())
	n.Delete("l")
	n.Delete("l")
	conn, err := net.Dial("tcp4", strings.TrimPrefix(url, "http://"))
	if err == nil {
		t.Error("still listens", conn.Close())
	}
}

func TestClusterIPsShareConnectionsAmongReadyEndpoints(t *testing.T) {
	serve := func(name string) netip.AddrPort {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, name) //nolint:errcheck // the reader tells
		}))
		t.Cleanup(s.Close)
		return netip.MustParseAddrPort(s.Listener.Addr().String())
	}
	port := freePort(t)
	s := &snapshot{services: map[objectName]*service{{"rag", "api"}: {clusterIP: ownLoopback, ports: []servicePort{{protocol: corev1.ProtocolTCP, port: int32(port),
		endpoints: []endpoint{{addr: serve("a"), ready: true}, {addr: serve("b"), ready: true}, {addr: serve("c")}}}}}}}
	ips := newClusterIPs(slog.New(slog.DiscardHandler), netip.AddrPort{})
	ips.sync(s)
	defer ips.sync(&snapshot{})
	seen := map[string]int{}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 4 {
		res, err := client.Get("http://" + netip.AddrPortFrom(ownLoopback, uint16(port)).String())
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		seen[string(raw)]++
	}
	if d := cmp.Diff(map[string]int{"a": 2, "b": 2}, seen); d != "" {
		t.Error(d)
	}
}

// Connections are those of clients and those to targets, as long as they are open.
func TestConnectionsAreCountedAsLongAsTheyAreOpen(t *testing.T) {
	n, url, backend := balanced(t, testGroup, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	register(t, n, backend)
	client := &http.Client{Transport: &http.Transport{}}
	for range 3 { // one after the other, on one connection
		res, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	if got := n.TargetGroups()["tg"].Connections; got != 2 {
		t.Errorf("%d connections, want the client's and that to the target", got)
	}
	client.CloseIdleConnections()
	for n.TargetGroups()["tg"].Connections != 1 { // the server hears of it a moment later
		select {
		case <-t.Context().Done():
			t.Fatal("the client's connection is still counted")
		case <-time.After(time.Millisecond):
		}
	}
	n.balancer.groups["tg"].close()
	if got := n.TargetGroups()["tg"].Connections; got != 0 {
		t.Errorf("%d connections, want none", got)
	}
}

func TestATargetThatTakesNoConnectionIsCounted(t *testing.T) {
	n, url, backend := balanced(t, testGroup, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	register(t, n, backend)
	before := n.TargetGroups()["tg"].Unreached
	gone := netip.AddrPortFrom(ownLoopback, uint16(freePort(t)))
	for _, m := range n.balancer.groups["tg"].members {
		m.host, m.conns.host = gone.String(), gone.String()
	}
	if status, _ := get(t, url); status != 502 {
		t.Errorf("a read: status %d", status)
	}
	res, err := http.Post(url, "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, m := range n.balancer.groups["tg"].members {
		if _, err := m.dial(ctx, "tcp4", gone.String()); err == nil {
			t.Error("a connection that nobody waits for was made")
		}
	}
	if got := n.TargetGroups()["tg"].Unreached - before; got != 2 || res.StatusCode != 502 {
		t.Errorf("status %d, %d connections are said to have failed, want 2", res.StatusCode, got)
	}
}
