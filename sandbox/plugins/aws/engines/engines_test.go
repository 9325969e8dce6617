package engines

import (
	"context"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// recorder is a sandbox that remembers what it was asked.
type recorder struct {
	puts    map[string]any // kind/id
	order   []string       // of the puts
	deletes []string
}

func (r *recorder) Put(_ context.Context, kind, id string, in, out any) error {
	r.puts[kind+"/"+id] = in
	r.order = append(r.order, kind+"/"+id)
	switch out := out.(type) {
	case *control.ClusterInfo:
		*out = control.ClusterInfo{Endpoint: "https://127.77.0.1:6443", CAPEM: "PEM"}
	case *control.DatabaseInfo:
		*out = control.DatabaseInfo{Address: in.(control.Database).Hostname, Port: 5432, EngineVersion: "17.12"}
	case *control.CacheInfo:
		*out = control.CacheInfo{Members: []string{id + "-001"}, EngineVersion: "7.2.4"}
	}
	return nil
}

func (r *recorder) Delete(_ context.Context, kind, id string) error {
	r.deletes = append(r.deletes, kind+"/"+id)
	return nil
}

type object = map[string]any

func setUp(t *testing.T) (*Engines, *recorder) {
	t.Helper()
	store, err := inventory.Open(filepath.Join(t.TempDir(), "cloud"))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{puts: map[string]any{}}
	return &Engines{Sandbox: r, Store: store}, r
}

func put(t *testing.T, e *Engines, token, id string, state object) inventory.Resource {
	t.Helper()
	m := resource.NewPropertyMapFromMap(state)
	r := inventory.Resource{Type: token, ID: id, URN: "urn:" + id, Status: inventory.Ready, Inputs: m, State: m}
	if err := e.Store.Put(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func apply(t *testing.T, e *Engines, r inventory.Resource) resource.PropertyMap {
	t.Helper()
	out, err := e.Apply(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTypesWithoutAnEngineAskNothing(t *testing.T) {
	e, sandbox := setUp(t)
	r := put(t, e, "aws:ec2/vpc:Vpc", "vpc-1", object{})
	if out := apply(t, e, r); out != nil || len(sandbox.puts) > 0 {
		t.Errorf("got %v, %v", out, sandbox.puts)
	}
}

func TestClusterAnswersEndpointAndCertificate(t *testing.T) {
	e, _ := setUp(t)
	out := apply(t, e, put(t, e, Cluster, "c", object{"name": "c", "version": "1.36"}))
	if props.Str(out, "endpoint") != "https://127.77.0.1:6443" || props.Str(out, "certificateAuthority.data") != "UEVN" {
		t.Errorf("got %v", out)
	}
}

func TestAnAccessEntryIsPartOfItsCluster(t *testing.T) {
	e, sandbox := setUp(t)
	put(t, e, Cluster, "c", object{"name": "c", "version": "1.36"})
	put(t, e, AccessEntry, "other", object{"clusterName": "another", "principalArn": "arn:o"})
	entry := put(t, e, AccessEntry, "c:arn:a", object{"clusterName": "c", "principalArn": "arn:a", "userName": "a", "kubernetesGroups": []any{"team"}})
	policy := put(t, e, AccessPolicy, "p", object{"clusterName": "c", "principalArn": "arn:a",
		"policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"})
	apply(t, e, policy)
	want := control.Cluster{Version: "1.36", AccessEntries: []control.AccessEntry{{PrincipalARN: "arn:a", Username: "a", Groups: []string{"team", "system:masters"}}}}
	if d := cmp.Diff(want, sandbox.puts["clusters/c"]); d != "" {
		t.Error(d)
	}
	if err := e.Remove(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(control.Cluster{Version: "1.36"}, sandbox.puts["clusters/c"]); d != "" {
		t.Error("after its removal:", d)
	}
}

func TestNodeGroupHasTheRoomOfItsInstanceType(t *testing.T) {
	e, sandbox := setUp(t)
	put(t, e, Subnet, "subnet-b", object{"availabilityZone": "eu-central-1b"})
	put(t, e, LaunchTemplate, "lt-1", object{"instanceType": "m7g.large"})
	apply(t, e, put(t, e, NodeGroup, "c:api", object{
		"clusterName": "c", "nodeGroupName": "api", "subnetIds": []any{"subnet-b"}, "capacityType": "SPOT", "labels": object{"pool": "api"},
		"launchTemplate": object{"id": "lt-1"}, "scalingConfig": object{"desiredSize": 2},
		"taints": []any{object{"key": "load", "value": "true", "effect": "NO_SCHEDULE"}},
	}))
	m7g, err := ec2.Lookup("m7g.large")
	if err != nil {
		t.Fatal(err)
	}
	room := m7g.Allocatable()
	want := control.NodeGroup{
		Cluster: "c", InstanceType: "m7g.large", CPUMilli: room.CPUMilli, MemoryBytes: room.MemoryBytes, MaxPods: int64(room.Pods),
		Zones: []string{"eu-central-1b"}, CapacityType: "SPOT", Labels: map[string]string{"pool": "api"},
		Taints: []control.Taint{{Key: "load", Value: "true", Effect: "NoSchedule"}}, DesiredSize: 2,
	}
	if d := cmp.Diff(want, sandbox.puts["nodegroups/api"]); d != "" {
		t.Error(d)
	}
}

func TestDatabaseHasItsGroupsParametersEvaluated(t *testing.T) {
	e, sandbox := setUp(t)
	put(t, e, ParameterGroup, "pg", object{"name": "pg", "parameters": []any{
		object{"name": "shared_buffers", "value": "{DBInstanceClassMemory/32768}"}, object{"name": "work_mem", "value": "4096"}}})
	db := database(t, e)
	out := apply(t, e, db)
	class, err := rds.Lookup("db.t4g.medium")
	if err != nil {
		t.Fatal(err)
	}
	got, ok := sandbox.puts["databases/rag"].(control.Database)
	if !ok {
		t.Fatal(sandbox.puts)
	}
	want := map[string]string{"shared_buffers": strconv.FormatInt(class.ParameterMemory()/32768, 10), "work_mem": "4096"}
	if d := cmp.Diff(want, got.Parameters); d != "" {
		t.Error(d)
	}
	if got.Password != "secret123" || got.Hostname != "rag.x.rds.amazonaws.com" || got.MemoryBytes != class.MemoryBytes {
		t.Errorf("got %+v", got)
	}
	if props.Str(out, "endpoint") != "rag.x.rds.amazonaws.com:5432" || props.Str(out, "engineVersionActual") != "17.12" {
		t.Errorf("outputs %v", out)
	}
}

func database(t *testing.T, e *Engines) inventory.Resource {
	t.Helper()
	r := put(t, e, Instance, "db-1", object{
		"identifier": "rag", "engine": "postgres", "engineVersion": "17", "instanceClass": "db.t4g.medium", "allocatedStorage": 20, "username": "rag",
		"parameterGroupName": "pg", "address": "rag.x.rds.amazonaws.com",
	})
	r.State["password"] = resource.MakeSecret(resource.NewStringProperty("secret123"))
	if err := e.Store.Put(r); err != nil {
		t.Fatal(err)
	}
	return r
}

// replica declares a replica of database's.
func replica(t *testing.T, e *Engines, more object) inventory.Resource {
	t.Helper()
	state := object{"identifier": "rag-ro", "instanceClass": "db.t4g.small", "replicateSourceDb": "rag", "address": "rag-ro.x.rds.amazonaws.com"}
	maps.Copy(state, more)
	return put(t, e, Instance, "db-2", state)
}

func TestAReplicaHasItsSourcesIdentityAndItsOwnClass(t *testing.T) {
	e, sandbox := setUp(t)
	put(t, e, ParameterGroup, "pg", object{"name": "pg", "parameters": []any{object{"name": "shared_buffers", "value": "{DBInstanceClassMemory/32768}"}}})
	database(t, e)
	out := apply(t, e, replica(t, e, nil))
	small, err := rds.Lookup("db.t4g.small")
	if err != nil {
		t.Fatal(err)
	}
	want := control.Database{Engine: "postgres", EngineVersion: "17", SourceID: "rag", Port: 5432, StorageGiB: 20, MemoryBytes: small.MemoryBytes,
		Hostname: "rag-ro.x.rds.amazonaws.com", Parameters: map[string]string{"shared_buffers": strconv.FormatInt(small.ParameterMemory()/32768, 10)}}
	if d := cmp.Diff(want, sandbox.puts["databases/rag-ro"]); d != "" {
		t.Error(d)
	}
	if got := props.Str(out, "endpoint"); got != "rag-ro.x.rds.amazonaws.com:5432" {
		t.Errorf("endpoint is %s", got)
	}
}

func TestACascadingReplicaIsRefused(t *testing.T) {
	e, _ := setUp(t)
	database(t, e)
	replica(t, e, nil)
	_, err := e.Apply(t.Context(), put(t, e, Instance, "db-3", object{"identifier": "rag-ro-ro", "replicateSourceDb": "rag-ro", "instanceClass": "db.t4g.small"}))
	if want := "replicateSourceDb: rag-ro is a replica itself, the sandbox runs replicas of primaries only"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAChangedGroupReachesASourceBeforeItsReplicas(t *testing.T) {
	e, sandbox := setUp(t)
	pg := put(t, e, ParameterGroup, "pg", object{"name": "pg", "parameters": []any{object{"name": "max_connections", "value": "90"}}})
	put(t, e, ParameterGroup, "other", object{"name": "other"})
	replica(t, e, nil)
	put(t, e, Instance, "db-0", object{"identifier": "rag-other", "instanceClass": "db.t4g.small", "replicateSourceDb": "rag", "parameterGroupName": "other"})
	database(t, e)
	apply(t, e, pg)
	if d := cmp.Diff([]string{"databases/rag", "databases/rag-ro"}, sandbox.order); d != "" {
		t.Error(d)
	}
}

func TestAChangedGroupReachesItsInstances(t *testing.T) {
	e, sandbox := setUp(t)
	pg := put(t, e, ParameterGroup, "pg", object{"name": "pg", "parameters": []any{object{"name": "work_mem", "value": "8192"}}})
	database(t, e)
	apply(t, e, pg)
	got, ok := sandbox.puts["databases/rag"].(control.Database)
	if !ok || got.Parameters["work_mem"] != "8192" {
		t.Errorf("got %+v", sandbox.puts)
	}
}

func TestWhatTheSandboxCannotRunIsRefused(t *testing.T) {
	e, _ := setUp(t)
	for state, want := range map[string]string{
		"replicateSourceDb":  `replicateSourceDb: aws:rds/instance:Instance with identifier "mysql": there is none in the account`,
		"engine":             `engine is "mysql", the sandbox runs postgres`,
		"parameterGroupName": `parameterGroupName: aws:rds/parameterGroup:ParameterGroup with name "mysql": there is none in the account`,
	} {
		db := database(t, e)
		db.State[resource.PropertyKey(state)] = resource.NewStringProperty("mysql")
		if _, err := e.Apply(t.Context(), db); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", state, err, want)
		}
	}
}

func TestTargetGroupHasAWSsDefaults(t *testing.T) {
	e, sandbox := setUp(t)
	apply(t, e, put(t, e, TargetGroup, "arn:t", object{
		"arn": "arn:t", "name": "api", "port": 8080, "loadBalancingAlgorithmType": "least_outstanding_requests", "deregistrationDelay": 15,
		"healthCheck": object{"path": "/readyz"},
	}))
	want := control.TargetGroup{
		Name: "api", Port: 8080, Algorithm: "least_outstanding_requests", DeregistrationDelay: 15 * time.Second, HealthPath: "/readyz",
		HealthInterval: 30 * time.Second, HealthTimeout: 5 * time.Second, HealthyThreshold: 5, UnhealthyThreshold: 2,
	}
	if d := cmp.Diff(want, sandbox.puts["targetgroups/arn:t"]); d != "" {
		t.Error(d)
	}
}

func TestListenerForwardsToItsTargetGroup(t *testing.T) {
	for name, action := range map[string]object{
		"direct":   {"type": "forward", "targetGroupArn": "arn:t"},
		"weighted": {"type": "forward", "forward": object{"targetGroups": []any{object{"arn": "arn:t", "weight": 1}}}},
	} {
		e, sandbox := setUp(t)
		apply(t, e, put(t, e, Listener, "arn:l", object{"arn": "arn:l", "loadBalancerArn": "arn:b", "port": 8080, "protocol": "HTTP", "defaultActions": []any{action}}))
		want := control.Listener{LoadBalancerARN: "arn:b", Port: 8080, Protocol: "HTTP", TargetGroupARN: "arn:t"}
		if d := cmp.Diff(want, sandbox.puts["listeners/arn:l"]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestALoadBalancerIsCalledByItsDNSName(t *testing.T) {
	e, sandbox := setUp(t)
	state := object{"arn": "arn:b", "name": "api", "internal": true, "dnsName": "internal-api-1.eu-central-1.elb.amazonaws.com"}
	if out := apply(t, e, put(t, e, LoadBalancer, "arn:b", state)); len(out) > 0 {
		t.Errorf("the engine answers %v", out)
	}
	want := control.LoadBalancer{Name: "api", Scheme: "internal", Hostname: "internal-api-1.eu-central-1.elb.amazonaws.com"}
	if d := cmp.Diff(want, sandbox.puts["loadbalancers/arn:b"]); d != "" {
		t.Error(d)
	}
}

func TestARedirectOpensNoPort(t *testing.T) {
	e, sandbox := setUp(t)
	apply(t, e, put(t, e, Listener, "arn:l", object{"arn": "arn:l", "port": 80, "defaultActions": []any{object{"type": "redirect"}}}))
	if len(sandbox.puts) > 0 {
		t.Error(sandbox.puts)
	}
}

func TestRemovalNamesTheEngine(t *testing.T) {
	e, sandbox := setUp(t)
	if err := e.Remove(t.Context(), database(t, e)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"databases/rag"}, sandbox.deletes); d != "" {
		t.Error(d)
	}
}
