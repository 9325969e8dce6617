package stacks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragscale/ragscale/stacks"
)

// parse parses values for stack dev, the region set.
func parse(values map[string]string) (*stacks.Config, error) {
	all := map[string]string{"aws:region": "eu-central-1"}
	for key, value := range values {
		all[key] = value
	}
	return stacks.Parse("dev", withAuth(all))
}

func mustParse(t *testing.T, stack string, values map[string]string) *stacks.Config {
	t.Helper()
	all := onCall()
	all["aws:region"] = "eu-central-1"
	for key, value := range values {
		all[key] = value
	}
	c, err := stacks.Parse(stack, withAuth(all))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaultsOfEveryEnvironmentAreSound(t *testing.T) {
	for _, stack := range []string{"prod", "dev", "local"} {
		values := map[string]string{"aws:region": "eu-central-1"}
		if stack == "prod" {
			values = onCall()
			values["aws:region"] = "eu-central-1"
		}
		if stack == "dev" {
			values["ragscale:api"] = `{"auth": {"enabled": false}}`
		}
		if _, err := stacks.Parse(stack, values); err != nil {
			t.Errorf("%s:\n%v", stack, err)
		}
	}
}

func TestDefaultObjectivesAreTheTargetsOfTheDesign(t *testing.T) {
	want := stacks.SLO{
		ResponseSeconds: 2, ComplexSearchSeconds: 5, UploadSecondsPerMB: 30, ThroughputRPS: 1000,
		CPUPercent: 70, MemoryPercent: 80, StoragePercent: 85, AvailabilityPercent: 99.9,
		RecallPercent: 95, FreshnessSeconds: 30,
		HPA: stacks.HPA{MinReplicas: 3, MaxReplicas: 20, CPUPercent: 70, MemoryPercent: 80},
	}
	if diff := cmp.Diff(want, mustParse(t, "prod", nil).SLO); diff != "" {
		t.Error(diff)
	}
}

func TestSaidValuesReplaceDefaultsAndKeepTheRest(t *testing.T) {
	c := mustParse(t, "dev", map[string]string{
		"ragscale:slo":        `{"hpa": {"maxReplicas": 8}}`,
		"ragscale:costCentre": "4711",
		"ragscale:cluster":    `{"nodeGroups": {"system": {"max": 5}, "api": {"labels": {"a": "b"}}}}`,
	})
	want := mustParse(t, "dev", nil)
	want.SLO.HPA.MaxReplicas, want.CostCentre = 8, "4711"
	groups := want.Cluster.NodeGroups
	system, api := groups["system"], groups["api"]
	system.Max, api.Labels = 5, map[string]string{"a": "b"}
	want.Cluster.NodeGroups = map[string]stacks.NodeGroup{"system": system, "api": api}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestParsingDoesNotChangeTheDefaults(t *testing.T) {
	before := mustParse(t, "prod", nil)
	mustParse(t, "prod", map[string]string{
		"ragscale:cluster": `{"nodeGroups": {"system": {"labels": {"x": "y"}}, "api": {"taints": [{"key": "k", "value": "v", "effect": "PreferNoSchedule"}]}, "loadtest": {}}}`,
		"ragscale:tags":    `{"team": "search"}`,
	})
	if diff := cmp.Diff(before, mustParse(t, "prod", nil)); diff != "" {
		t.Error(diff)
	}
}

func TestValuesParseToTheSameConfig(t *testing.T) {
	for _, stack := range []string{"prod", "dev", "local"} {
		c := mustParse(t, stack, nil)
		values, err := c.Values()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, mustParse(t, stack, values)); diff != "" {
			t.Errorf("%s: %s", stack, diff)
		}
	}
}

// Each value is wrong by its form alone.
func TestFaultNamesKeyValueAndWhatWasWanted(t *testing.T) {
	tests := []struct{ key, value, want string }{
		{"slo", `{"cpuPercent": 170}`, `ragscale:slo.cpuPercent is 170, want a number from 1 to 99`},
		{"slo", `{"cpuPercent": "70"}`, `ragscale:slo.cpuPercent is "70", want a number from 1 to 99`},
		{"slo", `{"cpuPercent": null}`, `ragscale:slo.cpuPercent is null, want a number from 1 to 99`},
		{"slo", `{"throughputRPS": 1e999}`, `ragscale:slo.throughputRPS is 1e999, want a number from 1 to 1000000`},
		{"slo", `{"throughputRPS": NaN}`, `ragscale:slo is "{\"throughputRPS\": NaN}": invalid character 'N' looking for beginning of value, want JSON`},
		{"slo", `{"hpa": {"maxReplicas": 2.5}}`, `ragscale:slo.hpa.maxReplicas is 2.5, want a whole number from 1 to 1000`},
		{"slo", `{"hpa": {"maxReplicas": 99999999999999999999}}`, `ragscale:slo.hpa.maxReplicas is 99999999999999999999, want a whole number from 1 to 1000`},
		{"slo", `{"hpa": 3}`, `ragscale:slo.hpa is 3, want an object`},
		{"slo", `[]`, `ragscale:slo is a list, want an object`},
		{"slo", ``, `ragscale:slo is "": it ends too early, want JSON`},
		{"slo", `{} {}`, `ragscale:slo is "{} {}": there is text after the value, want JSON`},
		{"slo", `{"hpa": {}, "hpa": {}}`, `ragscale:slo.hpa is given twice, want one value`},
		{"slo", `{"cpuPercnt": 70}`, `ragscale:slo.cpuPercnt is no known key (did you mean cpuPercent?), want one of responseSeconds, complexSearchSeconds, uploadSecondsPerMB, throughputRPS, cpuPercent, memoryPercent, storagePercent, availabilityPercent, recallPercent, freshnessSeconds, hpa`},
		{"slo", `{"hpa": {"max": 3}}`, `ragscale:slo.hpa.max is no known key, want one of minReplicas, maxReplicas, cpuPercent, memoryPercent`},
		{"sol", `{}`, `ragscale:sol is no known key (did you mean slo?), want one of ` + strings.Join(topKeys(), ", ") + `, databasePassword, cachePassword`},
		{"environment", `staging`, `ragscale:environment is "staging", want one of production, development, local`},
		{"environment", `producton`, `ragscale:environment is "producton" (did you mean production?), want one of production, development, local`},
		{"costCentre", ``, `ragscale:costCentre is "", want 1 to 255 letters, digits, spaces and _.:/=+-@`},
		{"tags", `{"a;b": "c"}`, `ragscale:tags["a;b"] is no key here, want a tag key of 1 to 127 letters, digits, spaces and _.:/=+-@`},
		{"tags", `{"a": 1}`, `ragscale:tags.a is 1, want 1 to 255 letters, digits, spaces and _.:/=+-@`},
		{"network", `{"cidr": "10.0.0.1/16"}`, `ragscale:network.cidr is "10.0.0.1/16", want an IPv4 range such as 10.0.0.0/16, without host bits`},
		{"network", `{"natGateways": 1}`, `ragscale:network.natGateways is 1, want one of perZone, one, none`},
		{"network", `{"vpcEndpoints": "yes"}`, `ragscale:network.vpcEndpoints is "yes", want true or false`},
		{"network", `{"flowLogRetentionDays": 8}`, `ragscale:network.flowLogRetentionDays is 8, want one of 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653`},
		{"cluster", `{"publicAccessCidrs": "0.0.0.0/0"}`, `ragscale:cluster.publicAccessCidrs is "0.0.0.0/0", want a list of at most 40 entries`},
		{"cluster", `{"publicAccessCidrs": ["0.0.0.0"]}`, `ragscale:cluster.publicAccessCidrs[0] is "0.0.0.0", want an IPv4 range such as 10.0.0.0/16, without host bits`},
		{"cluster", `{"adminPrincipalArns": ["root"]}`, `ragscale:cluster.adminPrincipalArns[0] is "root", want the ARN of an IAM role or user`},
		{"cluster", `{"nodeGroups": {"apis": {}}}`, `ragscale:cluster.nodeGroups.apis is no key here, want one of system, api, burst, loadtest`},
		{"cluster", `{"nodeGroups": {"api": {"instanceTypes": ["m7g.larg"]}}}`, `ragscale:cluster.nodeGroups.api.instanceTypes[0] is "m7g.larg", want one of m7g.2xlarge, m7g.4xlarge, m7g.8xlarge, m7g.large, m7g.xlarge`},
		{"cluster", `{"nodeGroups": {"api": {"instanceTypes": []}}}`, `ragscale:cluster.nodeGroups.api.instanceTypes has 0 entries, want at least 1`},
		{"cluster", `{"nodeGroups": {"api": {"taints": [{"value": "x"}]}}}`, "ragscale:cluster.nodeGroups.api.taints[0].effect is not set, want one of NoSchedule, PreferNoSchedule, NoExecute\nragscale:cluster.nodeGroups.api.taints[0].key is not set, want a Kubernetes label key"},
		{"api", `{"requests": {"cpu": 1}}`, `ragscale:api.requests.cpu is 1, want CPU such as "250m" or "2", from "1m" to "1000"`},
		{"api", `{"requests": {"cpu": "0"}}`, `ragscale:api.requests.cpu is "0", want CPU such as "250m" or "2", from "1m" to "1000"`},
		{"api", `{"requests": {"memory": "512M"}}`, `ragscale:api.requests.memory is "512M", want memory such as "512Mi" or "2Gi", from "1Mi" to "32768Gi"`},
		{"api", `{"image": "a b"}`, `ragscale:api.image is "a b", want an image tag such as 0.1.0, or a full reference such as registry/repository:tag`},
		{"database", `{"engineVersion": 17}`, `ragscale:database.engineVersion is 17, want a PostgreSQL 17 version such as "17" or "17.6"`},
		{"database", `{"instanceClass": "db.t4g.larg"}`, `ragscale:database.instanceClass is "db.t4g.larg", want one of db.t4g.2xlarge, db.t4g.large, db.t4g.medium, db.t4g.micro, db.t4g.small, db.t4g.xlarge`},
		{"databasePassword", `hunter22`, `ragscale:databasePassword is not encrypted, want a secret: pulumi config set --secret ragscale:databasePassword`},
		{"cachePassword", `hunter22hunter22`, `ragscale:cachePassword is not encrypted, want a secret: pulumi config set --secret ragscale:cachePassword`},
		{"slo", stacks.SecretValue, `ragscale:slo is a secret, want a plain value: only databasePassword and cachePassword are secret`},
	}
	for _, tt := range tests {
		_, err := parse(map[string]string{"ragscale:" + tt.key: tt.value})
		if got := fmt.Sprint(err); got != tt.want {
			t.Errorf("%s: %s\ngot  %s\nwant %s", tt.key, tt.value, got, tt.want)
		}
	}
}

func TestEveryFaultIsReportedAtOnceAndSorted(t *testing.T) {
	_, err := stacks.Parse("dev", map[string]string{
		"aws:region":        "mars",
		"ragscale:slo":      `{"cpuPercent": 0, "typo": 1}`,
		"ragscale:database": `{"storageGiB": 300, "iops": 3000}`,
		"ragscale:extra":    `x`,
		"ragscale:api":      `{"auth": {"enabled": false}}`,
	})
	want := []string{
		`aws:region is "mars", want an AWS region such as eu-central-1`,
		`ragscale:database.storageGiB is 300 with iops 3000 and throughput 0, want at least 400 with either, or neither`,
		`ragscale:extra is no known key, want`,
		`ragscale:slo.cpuPercent is 0, want a number from 1 to 99`,
		`ragscale:slo.typo is no known key, want`,
	}
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%v", err)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("got  %s\nwant %s…", lines[i], want[i])
		}
	}
}

func TestMissingRegionAndEnvironmentAreFaults(t *testing.T) {
	_, err := stacks.Parse("staging", nil)
	want := `aws:region is "", want an AWS region such as eu-central-1
ragscale:environment is not set, want one of production, development, local`
	if fmt.Sprint(err) != want {
		t.Errorf("%v", err)
	}
}

func TestStackNameThatCannotNameResourcesIsAFault(t *testing.T) {
	for _, name := range []string{"", "Prod", "a", "a_b", "-x", "x-", strings.Repeat("a", 16)} {
		_, err := stacks.Parse(name, map[string]string{"aws:region": "eu-central-1", "ragscale:environment": "local"})
		if !strings.Contains(fmt.Sprint(err), "stack is ") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestKeysOfOtherNamespacesAreIgnored(t *testing.T) {
	mustParse(t, "dev", map[string]string{"aws:profile": "x", "kubernetes:context": "y", "ragscale-x:slo": "z"})
}

func TestEncryptedPasswordsAreAccepted(t *testing.T) {
	mustParse(t, "dev", map[string]string{"ragscale:databasePassword": stacks.SecretValue, "ragscale:cachePassword": stacks.SecretValue})
}

func TestDeepNestingIsAFaultNotACrash(t *testing.T) {
	_, err := parse(map[string]string{"ragscale:tags": strings.Repeat(`{"a":`, 100_000)})
	if !strings.Contains(fmt.Sprint(err), "nesting is deeper than 32") {
		t.Errorf("%v", err)
	}
}
