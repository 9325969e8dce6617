package servicenet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func ref[T any](v T) *T { return &v }

func serviceObject(name, clusterIP string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "rag", Name: name},
		Spec:       corev1.ServiceSpec{ClusterIP: clusterIP, Ports: []corev1.ServicePort{{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP}}},
	}
}

type endpointCase struct {
	ip, hostname string
	notReady     bool
	terminating  bool
	pod          string
}

func sliceObject(members ...endpointCase) []*discoveryv1.EndpointSlice {
	es := &discoveryv1.EndpointSlice{Ports: []discoveryv1.EndpointPort{{Name: ref("http"), Port: ref(int32(8080))}}}
	for _, m := range members {
		e := discoveryv1.Endpoint{Addresses: []string{m.ip}, Conditions: discoveryv1.EndpointConditions{Ready: ref(!m.notReady), Terminating: ref(m.terminating)}}
		if m.hostname != "" {
			e.Hostname = ref(m.hostname)
		}
		if m.pod != "" {
			e.TargetRef = &corev1.ObjectReference{Kind: "Pod", Namespace: "rag", Name: m.pod}
		}
		es.Endpoints = append(es.Endpoints, e)
	}
	return []*discoveryv1.EndpointSlice{es}
}

func testCluster() *snapshot {
	external := serviceObject("outside", "")
	external.Spec.Type, external.Spec.ExternalName = corev1.ServiceTypeExternalName, "db.example.rds.amazonaws.com"
	portless, peers := serviceObject("generators", "None"), sliceObject(endpointCase{ip: "10.77.1.7", hostname: "smoke-1-0"})
	portless.Spec.Ports, peers[0].Ports = nil, nil
	return newSnapshot([]*corev1.Service{serviceObject("api", "10.96.0.20"), serviceObject("chroma", "None"), external, portless},
		map[objectName][]*discoveryv1.EndpointSlice{{"rag", "generators"}: peers, {"rag", "chroma"}: sliceObject(
			endpointCase{ip: "10.77.1.1", hostname: "chroma-0"}, endpointCase{ip: "10.77.1.2", hostname: "chroma-1"}, endpointCase{ip: "10.77.1.3", notReady: true})}, nil, nil)
}

func testNames() *Names {
	n := newNames()
	n.Set("db.example.rds.amazonaws.com", netip.MustParseAddr("10.78.0.1"))
	return n
}

func ask(t *testing.T, name string, kind dnsmessage.Type, names *Names, s *snapshot) string {
	t.Helper()
	q := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	raw, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var reply dnsmessage.Message
	if err := reply.Unpack(answer(raw, 0, names, s)); err != nil {
		t.Fatal(err)
	}
	if reply.ID != 7 || !reply.Response {
		t.Errorf("header %v", reply.Header)
	}
	out := []string{strings.TrimPrefix(reply.RCode.String(), "RCode")}
	if reply.Truncated {
		out = append(out, "truncated")
	}
	for _, r := range reply.Answers {
		switch b := r.Body.(type) {
		case *dnsmessage.AResource:
			out = append(out, netip.AddrFrom4(b.A).String())
		case *dnsmessage.CNAMEResource:
			out = append(out, b.CNAME.String())
		case *dnsmessage.SRVResource:
			out = append(out, fmt.Sprintf("%s:%d", b.Target, b.Port))
		}
	}
	return strings.Join(out, " ")
}

func TestNamesResolveAsInACluster(t *testing.T) {
	a, srv := dnsmessage.TypeA, dnsmessage.TypeSRV
	for _, c := range []struct {
		name string
		kind dnsmessage.Type
		want string
	}{
		{"api.rag.svc.cluster.local.", a, "Success 10.96.0.20"},
		{"API.Rag.svc.cluster.local.", a, "Success 10.96.0.20"},
		{"api.rag.svc.cluster.local.", dnsmessage.TypeAAAA, "Success"},
		{"api.other.svc.cluster.local.", a, "NameError"},
		{"api.rag.svc.cluster.local.rag.svc.cluster.local.", a, "NameError"},
		{"chroma.rag.svc.cluster.local.", a, "Success 10.77.1.1 10.77.1.2"},
		{"chroma-1.chroma.rag.svc.cluster.local.", a, "Success 10.77.1.2"},
		{"chroma-9.chroma.rag.svc.cluster.local.", a, "NameError"},
		{"smoke-1-0.generators.rag.svc.cluster.local.", a, "Success 10.77.1.7"},
		{"generators.rag.svc.cluster.local.", a, "Success 10.77.1.7"},
		{"10-77-1-2.chroma.rag.svc.cluster.local.", a, "Success 10.77.1.2"},
		{"10-77-1-9.rag.pod.cluster.local.", a, "Success 10.77.1.9"},
		{"_http._tcp.api.rag.svc.cluster.local.", srv, "Success api.rag.svc.cluster.local.:80"},
		{"_http._tcp.chroma.rag.svc.cluster.local.", srv, "Success chroma-0.chroma.rag.svc.cluster.local.:8080 chroma-1.chroma.rag.svc.cluster.local.:8080"},
		{"_grpc._tcp.api.rag.svc.cluster.local.", srv, "NameError"},
		{"outside.rag.svc.cluster.local.", a, "Success db.example.rds.amazonaws.com. 10.78.0.1"},
		{"db.example.rds.amazonaws.com.", a, "Success 10.78.0.1"},
		{"example.com.", a, "NameError"},
		{"cluster.local.", a, "NameError"},
	} {
		t.Run(c.name+" "+c.kind.String(), func(t *testing.T) {
			if got := ask(t, c.name, c.kind, testNames(), testCluster()); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestMatchedNamesGiveWayToThoseThatAreSet(t *testing.T) {
	names := testNames()
	names.Match(func(host string) bool { return strings.HasSuffix(host, ".amazonaws.com") }, netip.MustParseAddr("10.78.0.2"))
	for host, want := range map[string]string{"db.example.rds.amazonaws.com": "10.78.0.1", "S3.amazonaws.com.": "10.78.0.2", "example.com": ""} {
		addrs, ok := names.lookup(canonical(host))
		if ok != (want != "") || ok && addrs[0].String() != want {
			t.Errorf("%s: %v, want %q", host, addrs, want)
		}
	}
}

func TestADeletedNameDoesNotExist(t *testing.T) {
	n := testNames()
	n.Delete("DB.example.rds.amazonaws.com.")
	if got := ask(t, "db.example.rds.amazonaws.com.", dnsmessage.TypeA, n, &snapshot{}); got != "NameError" {
		t.Error(got)
	}
}

func TestAnswersThatDoNotFitAreTruncatedOverUDP(t *testing.T) {
	var many []endpointCase
	for i := range 100 {
		many = append(many, endpointCase{ip: fmt.Sprintf("10.77.2.%d", i)})
	}
	s := newSnapshot([]*corev1.Service{serviceObject("many", "None")}, map[objectName][]*discoveryv1.EndpointSlice{{"rag", "many"}: sliceObject(many...)}, nil, nil)
	if got := ask(t, "many.rag.svc.cluster.local.", dnsmessage.TypeA, newNames(), s); got != "Success truncated" {
		t.Error(got)
	}
}

func TestNonsenseIsNotAnswered(t *testing.T) {
	for _, q := range [][]byte{nil, {1, 2, 3}, make([]byte, 12)} {
		if got := answer(q, 0, newNames(), &snapshot{}); got != nil {
			t.Errorf("%v got %v", q, got)
		}
	}
}

func TestTheResolverAnswersOverUDPAndTCP(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	n, err := New(Config{DNS: at})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	n.Names().Set("db.test", netip.MustParseAddr("10.78.0.9"))
	for _, network := range []string{"udp", "tcp"} {
		r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, at.String())
		}}
		got, err := r.LookupHost(t.Context(), "db.test.")
		if err != nil || !cmp.Equal(got, []string{"10.78.0.9"}) {
			t.Errorf("%s: %v, %v", network, got, err)
		}
	}
}
