package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// fakeManager records the ids that were put; ids that begin with "bad" are refused.
type fakeManager struct{ puts []string }

var errBad = errors.New("bad")

func (f *fakeManager) Put(_ context.Context, id string, _ json.RawMessage) (any, error) {
	f.puts = append(f.puts, id)
	if strings.HasPrefix(id, "bad") {
		return nil, errBad
	}
	return nil, nil
}

func (f *fakeManager) Delete(_ context.Context, id string) error {
	if strings.HasPrefix(id, "bad") {
		return errBad
	}
	return nil
}

func keepIn(dir string) (recorded, *fakeManager) {
	inner := &fakeManager{}
	return recorded{kind: "things", store: declaredStore{dir: dir}, inner: inner}, inner
}

func put(t *testing.T, m control.Manager, id string) {
	t.Helper()
	if _, err := m.Put(t.Context(), id, json.RawMessage(`{}`)); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasDeclaredIsResumed(t *testing.T) {
	dir := t.TempDir()
	before, _ := keepIn(dir)
	put(t, before, "arn:b/1")
	put(t, before, "arn:a/1")
	after, seen := keepIn(dir)
	if err := after.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"arn:a/1", "arn:b/1"}, seen.puts); diff != "" {
		t.Error(diff)
	}
}

func TestWhatWasDeletedIsNotResumed(t *testing.T) {
	m, _ := keepIn(t.TempDir())
	put(t, m, "a")
	if err := m.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if kept, err := m.store.list("things"); err != nil || len(kept) > 0 {
		t.Errorf("kept %v, %v", kept, err)
	}
}

func TestWhatFailedIsNotKept(t *testing.T) {
	m, _ := keepIn(t.TempDir())
	if _, err := m.Put(t.Context(), "bad", json.RawMessage(`{}`)); !errors.Is(err, errBad) {
		t.Fatalf("got %v", err)
	}
	if kept, err := m.store.list("things"); err != nil || len(kept) > 0 {
		t.Errorf("kept %v, %v", kept, err)
	}
}

func TestWhatCannotBeDeletedIsKept(t *testing.T) {
	m, _ := keepIn(t.TempDir())
	if err := m.store.save("things", "bad", json.RawMessage(`{}`)); err != nil {
		t.Fatal(err)
	}
	if err := m.Delete(t.Context(), "bad"); !errors.Is(err, errBad) {
		t.Fatalf("got %v", err)
	}
	if kept, err := m.store.list("things"); err != nil || len(kept) != 1 {
		t.Errorf("kept %v, %v", kept, err)
	}
}

func TestOneThatCannotBeResumedDoesNotKeepTheOthers(t *testing.T) {
	m, seen := keepIn(t.TempDir())
	for _, id := range []string{"bad", "good"} {
		if err := m.store.save("things", id, json.RawMessage(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	err := m.resume(t.Context())
	if err == nil || err.Error() != "resuming things/bad: bad" {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"bad", "good"}, seen.puts); diff != "" {
		t.Error(diff)
	}
}

func TestSourcesAreResumedBeforeTheirReplicas(t *testing.T) {
	m, seen := keepIn(t.TempDir())
	m.order = sourcesFirst
	for id, spec := range map[string]string{"a-replica": `{"sourceId":"rag"}`, "rag": `{}`, "b": `{}`} {
		if err := m.store.save("things", id, json.RawMessage(spec)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b", "rag", "a-replica"}, seen.puts); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyTheOwnerReadsWhatIsKept(t *testing.T) {
	m, _ := keepIn(t.TempDir())
	put(t, m, "a")
	info, err := os.Stat(m.store.path("things", "a"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
}

func book(t *testing.T, path, prefix, first string) *addressBook {
	t.Helper()
	b, err := openAddressBook(path, netip.MustParsePrefix(prefix), netip.MustParseAddr(first))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func take(t *testing.T, b *addressBook, key string) string {
	t.Helper()
	a, err := b.take(key)
	if err != nil {
		t.Fatal(err)
	}
	return a.String()
}

func TestAnAddressIsKeptOverARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "addresses.json")
	before := book(t, path, "10.78.0.0/16", "10.78.0.10")
	take(t, before, "a")
	want := take(t, before, "b")
	if err := before.release("a"); err != nil {
		t.Fatal(err)
	}
	after := book(t, path, "10.78.0.0/16", "10.78.0.10")
	if got := take(t, after, "b"); got != want {
		t.Errorf("b had %s and has %s", want, got)
	}
	if got := take(t, after, "c"); got != "10.78.0.10" {
		t.Errorf("c got %s, want the lowest free one, 10.78.0.10", got)
	}
}

func TestAnExhaustedPrefixIsSaid(t *testing.T) {
	b := book(t, filepath.Join(t.TempDir(), "a.json"), "10.78.0.0/31", "10.78.0.0")
	take(t, b, "a")
	take(t, b, "b")
	_, err := b.take("c")
	if err == nil || err.Error() != "no address of 10.78.0.0/31 is free for c" {
		t.Errorf("got %v", err)
	}
}

func TestNodesTakeZonesInTurnAndAreNamedAsEC2Does(t *testing.T) {
	g := &nodeGroups{
		addresses: book(t, filepath.Join(t.TempDir(), "n.json"), "10.77.0.0/24", "10.77.0.10"),
		groups: map[string]control.NodeGroup{
			"api":    {DesiredSize: 3, Zones: []string{"eu-central-1a", "eu-central-1b"}},
			"system": {DesiredSize: 1, Zones: []string{"eu-central-1a"}},
		},
	}
	all, names, err := g.expand("system")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range all {
		got = append(got, n.NodeGroup+" "+n.Zone+" "+n.Name)
	}
	want := []string{
		"api eu-central-1a ip-10-77-0-10.eu-central-1.compute.internal",
		"api eu-central-1b ip-10-77-0-11.eu-central-1.compute.internal",
		"api eu-central-1a ip-10-77-0-12.eu-central-1.compute.internal",
		"system eu-central-1a ip-10-77-0-13.eu-central-1.compute.internal",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ip-10-77-0-13.eu-central-1.compute.internal"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestASecondClusterIsRefused(t *testing.T) {
	c := &cluster{d: &daemon{webhook: &tokenWebhook{}}, name: "main"}
	_, err := c.put(t.Context(), "other", control.Cluster{})
	want := "cluster other: this sandbox holds one cluster and that is main; delete it first"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAClusterWithNodeGroupsIsNotDeleted(t *testing.T) {
	d := &daemon{groups: &nodeGroups{groups: map[string]control.NodeGroup{"api": {}}}}
	err := (&cluster{d: d, name: "main"}).remove(t.Context(), "main")
	want := "cluster main has node groups [api]: delete them first"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestANodeGroupNeedsItsCluster(t *testing.T) {
	d := &daemon{cluster: &cluster{}}
	g := &nodeGroups{d: d, groups: map[string]control.NodeGroup{}}
	_, err := g.put(t.Context(), "api", control.NodeGroup{Cluster: "main", Zones: []string{"eu-central-1a"}})
	if err == nil || err.Error() != "node group api: there is no cluster" || len(g.groups) > 0 {
		t.Errorf("got %v and groups %v", err, g.groups)
	}
}

func TestTheMetricsServersManifestIsWhole(t *testing.T) {
	d := &daemon{layout: layout.Layout{Dir: t.TempDir()}}
	if err := keep(d.layout.CA(), []byte("a certificate")); err != nil {
		t.Fatal(err)
	}
	manifest, err := d.metricsServerObjects()
	if err != nil {
		t.Fatal(err)
	}
	objects, err := decodeManifest(manifest)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, o.GetKind()+" "+o.GetName())
	}
	want := []string{
		"ClusterRole system:aggregated-metrics-reader", "ClusterRole system:metrics-server",
		"ClusterRoleBinding system:metrics-server", "ClusterRoleBinding metrics-server:system:auth-delegator",
		"RoleBinding metrics-server-auth-reader", "Service metrics-server", "EndpointSlice metrics-server",
		"APIService v1beta1.metrics.k8s.io",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
