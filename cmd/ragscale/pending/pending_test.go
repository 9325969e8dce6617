package pending

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/google/go-cmp/cmp"
)

// cloud answers RDS's and ElastiCache's calls, and records those that change something.
type cloud struct {
	answers map[string]string // by action and the id that is asked for
	changes []url.Values
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	action := r.PostForm.Get("Action")
	if !strings.HasPrefix(action, "Describe") {
		c.changes = append(c.changes, r.PostForm)
		fmt.Fprintf(w, "<%sResponse><%sResult/></%sResponse>", action, action, action)
		return
	}
	id := r.PostForm.Get("DBInstanceIdentifier") + r.PostForm.Get("ReplicationGroupId") + r.PostForm.Get("CacheClusterId")
	fmt.Fprintf(w, "<%sResponse><%sResult>%s</%sResult></%sResponse>", action, action, c.answers[id], action, action)
}

func account(t *testing.T, answers map[string]string) (Account, *cloud) {
	t.Helper()
	c := &cloud{answers: answers}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	who := credentials.NewStaticCredentialsProvider("id", "secret", "")
	return Account{
		Databases: rds.New(rds.Options{Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), Credentials: who}),
		Caches:    elasticache.New(elasticache.Options{Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), Credentials: who}),
	}, c
}

// instance is DescribeDBInstances' answer.
func instance(id, status, waiting, applied string) string {
	return `<DBInstances><DBInstance><DBInstanceIdentifier>` + id + `</DBInstanceIdentifier><DBInstanceStatus>` + status + `</DBInstanceStatus>
		<DBInstanceClass>db.r7g.large</DBInstanceClass><EngineVersion>17.6</EngineVersion><MultiAZ>true</MultiAZ><StorageType>gp3</StorageType>
		<AllocatedStorage>500</AllocatedStorage><Iops>12000</Iops><StorageThroughput>500</StorageThroughput>
		<PreferredMaintenanceWindow>sun:03:30-sun:04:30</PreferredMaintenanceWindow><PendingModifiedValues>` + waiting + `</PendingModifiedValues>
		<DBParameterGroups><DBParameterGroup><DBParameterGroupName>rag</DBParameterGroupName><ParameterApplyStatus>` + applied +
		`</ParameterApplyStatus></DBParameterGroup></DBParameterGroups></DBInstance></DBInstances>`
}

const (
	idle       = `<ReplicationGroups><ReplicationGroup><ReplicationGroupId>c</ReplicationGroupId><Status>available</Status><AutomaticFailover>enabled</AutomaticFailover><MemberClusters><ClusterId>c-001</ClusterId><ClusterId>c-002</ClusterId></MemberClusters></ReplicationGroup></ReplicationGroups>`
	node       = `<CacheClusters><CacheCluster><CacheNodeType>cache.r7g.large</CacheNodeType><EngineVersion>7.1.0</EngineVersion><PreferredMaintenanceWindow>sun:05:00-sun:06:00</PreferredMaintenanceWindow></CacheCluster></CacheClusters>`
	largerNode = `<CacheClusters><CacheCluster><CacheNodeType>cache.r7g.large</CacheNodeType><PreferredMaintenanceWindow>sun:05:00-sun:06:00</PreferredMaintenanceWindow><PendingModifiedValues><CacheNodeType>cache.r7g.xlarge</CacheNodeType></PendingModifiedValues></CacheCluster></CacheClusters>`
)

// sent is what a change asked for, without what every call has.
func sent(v url.Values) map[string]string {
	out := map[string]string{}
	for key := range v {
		if key != "Version" {
			out[key] = v.Get(key)
		}
	}
	return out
}

func TestWhatWaitsIsListedAndAppliedAtOnce(t *testing.T) {
	a, c := account(t, map[string]string{
		"db":   instance("db", "available", "<DBInstanceClass>db.r7g.xlarge</DBInstanceClass><EngineVersion>18.1</EngineVersion>", "in-sync"),
		"copy": instance("copy", "available", "<AllocatedStorage>600</AllocatedStorage>", "in-sync"),
		"c":    idle, "c-001": node, "c-002": largerNode,
	})
	of := Resources{Databases: []string{"db", "copy"}, Caches: []string{"c"}}
	want := []Change{
		{ID: "db", Setting: "instanceClass", Now: "db.r7g.large", New: "db.r7g.xlarge", Window: "sun:03:30-sun:04:30"},
		{ID: "db", Setting: "engineVersion", Now: "17.6", New: "18.1", Window: "sun:03:30-sun:04:30"},
		{ID: "copy", Setting: "allocatedStorage", Now: "500", New: "600", Window: "sun:03:30-sun:04:30"},
		{ID: "c", Setting: "nodeType", Now: "cache.r7g.large", New: "cache.r7g.xlarge", Window: "sun:05:00-sun:06:00"},
	}
	got, err := a.List(t.Context(), of)
	if d := cmp.Diff(want, got); d != "" || err != nil || len(c.changes) > 0 {
		t.Errorf("listed: %s, error %v, changed %v", d, err, c.changes)
	}
	if got, err = a.Apply(t.Context(), of); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	calls := []map[string]string{
		{"Action": "ModifyDBInstance", "DBInstanceIdentifier": "db", "ApplyImmediately": "true", "DBInstanceClass": "db.r7g.xlarge",
			"EngineVersion": "18.1", "AllowMajorVersionUpgrade": "true"},
		{"Action": "ModifyDBInstance", "DBInstanceIdentifier": "copy", "ApplyImmediately": "true", "AllocatedStorage": "600", "Iops": "12000", "StorageThroughput": "500"},
		{"Action": "ModifyReplicationGroup", "ReplicationGroupId": "c", "ApplyImmediately": "true", "CacheNodeType": "cache.r7g.xlarge"},
	}
	for i, want := range calls {
		if i >= len(c.changes) {
			t.Fatalf("%d calls, want %d", len(c.changes), len(calls))
		}
		if d := cmp.Diff(want, sent(c.changes[i])); d != "" {
			t.Errorf("call %d (-want +got): %s", i, d)
		}
	}
}

func TestAStaticParameterIsAppliedByARestart(t *testing.T) {
	a, c := account(t, map[string]string{"db": instance("db", "available", "", "pending-reboot")})
	got, err := a.Apply(t.Context(), Resources{Databases: []string{"db"}})
	if err != nil || len(got) != 1 || !got[0].Restart || got[0].Setting != "parameters" {
		t.Errorf("%v, %v", got, err)
	}
	want := map[string]string{"Action": "RebootDBInstance", "DBInstanceIdentifier": "db"}
	if len(c.changes) != 1 || !cmp.Equal(want, sent(c.changes[0])) {
		t.Errorf("calls: %v, want one %v", c.changes, want)
	}
}

func TestNothingIsBegunWhileAnInstanceIsBusy(t *testing.T) {
	larger := "<DBInstanceClass>db.r7g.xlarge</DBInstanceClass>"
	a, c := account(t, map[string]string{"db": instance("db", "available", larger, "in-sync"), "copy": instance("copy", "backing-up", larger, "in-sync")})
	_, err := a.Apply(t.Context(), Resources{Databases: []string{"db", "copy"}})
	if err == nil || err.Error() != "copy is backing-up, want available: try again then" || len(c.changes) > 0 {
		t.Errorf("%v, %d calls", err, len(c.changes))
	}
}

func TestNothingThatWaitsIsNothingToDo(t *testing.T) {
	a, c := account(t, map[string]string{"db": instance("db", "backing-up", "", "in-sync"), "c": idle, "c-001": node, "c-002": node})
	got, err := a.Apply(t.Context(), Resources{Databases: []string{"db"}, Caches: []string{"c"}})
	if err != nil || len(got) > 0 || len(c.changes) > 0 {
		t.Errorf("%v, %v, %d calls", got, err, len(c.changes))
	}
}
