package stacks_test

import (
	"fmt"
	"strings"
	"testing"
)

// Each value is fine by itself and wrong beside another.
func TestFaultOfValuesTogetherNamesBoth(t *testing.T) {
	tests := []struct{ key, value, want string }{
		{"tags", `{"stack": "x", "AWS:y": "z"}`, "ragscale:tags.stack is set by the platform, want another key\nragscale:tags[\"AWS:y\"] begins with aws:, want a key that AWS does not reserve"},
		{"slo", `{"complexSearchSeconds": 1}`, `ragscale:slo.complexSearchSeconds is 1, want at least responseSeconds, 2`},
		{"slo", `{"hpa": {"minReplicas": 11}}`, `ragscale:slo.hpa.maxReplicas is 10, want at least minReplicas, 11`},
		{"slo", `{"availabilityPercent": 99.95, "hpa": {"minReplicas": 1}}`, `ragscale:slo.hpa.minReplicas is 1, want at least 2 for an availability of 99.95 %`},
		{"api", `{"limits": {"memory": "256Mi"}}`, `ragscale:slo.hpa.memoryPercent is 80, want less than slo.memoryPercent, 80, since api.limits.memory is api.requests.memory and both measure the same`},
		{"api", `{"limits": {"cpu": "250m"}}`, `ragscale:slo.hpa.cpuPercent is 70, want less than slo.cpuPercent, 70, since api.limits.cpu is api.requests.cpu and both measure the same`},
		{"api", `{"limits": {"memory": "128Mi", "cpu": "100m"}}`, "ragscale:api.limits.cpu is 100m, want at least requests.cpu, 250m\nragscale:api.limits.memory is 128Mi, want at least requests.memory, 256Mi"},
		{"api", `{"drainSeconds": 3}`, `ragscale:api.drainSeconds is 3, want at least slo.complexSearchSeconds, 5, so that searches in flight finish`},
		{"api", `{"port": 9090}`, `ragscale:api.port is 9090, want another port: 9090 serves metrics and profiles`},
		{"api", `{"listenerPort": 443}`, `ragscale:api.certificateArn is not set, want a certificate for listenerPort 443`},
		{"api", `{"certificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/abc"}`, `ragscale:api.listenerPort is 80 with a certificate, want 443: port 80 then redirects to it`},
		{"api", `{"listenerPort": 443, "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/abc"}`, "ragscale:api.certificateArn is of region us-east-1, want one of eu-central-1, where the load balancer is\nragscale:cdn.originDomain is not set, want the host name in api.certificateArn: the load balancer's own name is in no certificate"},
		{"api", `{"worker": {"min": 4}}`, `ragscale:api.worker.max is 3, want at least min, 4`},
		{"network", `{"cidr": "11.0.0.0/16"}`, `ragscale:network.cidr is "11.0.0.0/16", want a private range of /16 to /20`},
		{"network", `{"cidr": "10.0.0.0/24"}`, `ragscale:network.cidr is "10.0.0.0/24", want a private range of /16 to /20`},
		{"network", `{"cidr": "172.20.0.0/18"}`, `ragscale:network.cidr is "172.20.0.0/18", want a range apart from 172.17.0.0/16 and 172.20.0.0/16, which nodes and services use`},
		{"network", `{"natGateways": "none"}`, `ragscale:network.vpcEndpoints is false, want true where natGateways is none: nodes could reach no AWS API`},
		{"network", `{"zoneNames": ["eu-central-1c"]}`, `ragscale:network.zoneNames has 1 entries, want as many as zones, 2, or none`},
		{"network", `{"zoneNames": ["eu-west-1a", "eu-west-1a"]}`, "ragscale:network.zoneNames[0] is \"eu-west-1a\", want a zone of the region eu-central-1\nragscale:network.zoneNames[1] is \"eu-west-1a\" again, want each zone once\nragscale:network.zoneNames[1] is \"eu-west-1a\", want a zone of the region eu-central-1"},
		{"cluster", `{"version": "1.29"}`, `ragscale:cluster.version is "1.29", want one of 1.36`},
		{"api", `{"internal": false}`, `ragscale:api.ingressCidrs is empty, want who may reach the load balancer: no distribution reaches it by itself`},
		{"api", `{"internal": true, "ingressCidrs": ["10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"]}`,
			`ragscale:api.ingressCidrs has 5 entries, want at most 4 beside the distribution's addresses and the load generators`},
		{"cluster", `{"privateAccessCidrs": ["0.0.0.0/0"]}`, `ragscale:cluster.privateAccessCidrs[0] is "0.0.0.0/0", want the ranges of networks that are connected with the VPC`},
		{"cluster", `{"privateAccessCidrs": ["10.0.0.0/16", "10.0.0.0/16"]}`, `ragscale:cluster.privateAccessCidrs[1] is "10.0.0.0/16" again, want each range once`},
		{"cluster", `{"publicAccessCidrs": ["10.0.0.0/8"]}`, `ragscale:cluster.publicAccessCidrs[0] is "10.0.0.0/8", want a public range: EKS refuses private ones, which reach the private endpoint anyway`},
		{"cluster", `{"nodeGroups": {"api": {}}}`, `ragscale:cluster.nodeGroups.system is not declared, want the groups system and api`},
		{"cluster", `{"nodeGroups": {"api": {}, "system": {"taints": [{"key": "a", "effect": "NoExecute"}]}}}`, `ragscale:cluster.nodeGroups.system.taints keep the platform's own pods off, want no taint with NoSchedule or NoExecute`},
		{"cluster", `{"nodeGroups": {"api": {}, "system": {"desired": 9}}}`, `ragscale:cluster.nodeGroups.system.desired is 9, want min to max, 2 to 3`},
		{"cluster", `{"nodeGroups": {"api": {"capacityType": "SPOT"}, "system": {}}}`, `ragscale:cluster.nodeGroups.api.instanceTypes names one type, want at least 2 for SPOT: one type's spot capacity runs out`},
		{"cluster", `{"nodeGroups": {"api": {}, "system": {"instanceTypes": ["t4g.large", "t4g.xlarge"]}}}`, `ragscale:cluster.nodeGroups.system.instanceTypes are of different size, want the same vCPU and memory: the autoscaler plans with the first`},
		{"cluster", `{"nodeGroups": {"api": {}, "system": {"instanceTypes": ["t4g.large", "t3.large"]}}}`, `ragscale:cluster.nodeGroups.system.instanceTypes are of different architecture, want arm64 or amd64: a group has one machine image`},
		{"cluster", `{"nodeGroups": {"system": {}, "api": {}, "burst": {"instanceTypes": ["m7i.large", "m6i.large"]}}}`, `ragscale:cluster.nodeGroups.burst.instanceTypes are amd64, arm64 together with api, want one architecture for both: the API's image is scheduled on either`},
		{"database", `{"storageGiB": 400, "iops": 3000}`, `ragscale:database.iops is 3000, want 12000 to 64000 (500 per GiB), or 0`},
		{"database", `{"storageGiB": 400, "throughput": 4000}`, `ragscale:database.throughput is 4000, want 500 to 3000 (a quarter of the IOPS), or 0`},
		{"database", `{"maxStorageGiB": 54}`, `ragscale:database.maxStorageGiB is 54, want at least 55 (storageGiB and a tenth), or 0`},
		{"database", `{"username": "rdsadmin", "name": "pg_x"}`, "ragscale:database.name is \"pg_x\", want a name that neither PostgreSQL nor RDS reserves\nragscale:database.username is \"rdsadmin\", want a name that neither PostgreSQL nor RDS reserves"},
		{"database", `{"backupWindow": "02:00-02:10"}`, `ragscale:database.backupWindow lasts 10 minutes, want at least 30`},
		{"database", `{"maintenanceWindow": "sun:03:30-tue:03:30"}`, "ragscale:database.maintenanceWindow is \"sun:03:30-tue:03:30\", want a window apart from backupWindow, 02:00-03:00\nragscale:database.maintenanceWindow lasts 2880 minutes, want less than 1440 (a day)"},
		{"database", `{"backupWindow": "23:30-00:30", "maintenanceWindow": "mon:00:00-mon:01:00"}`, `ragscale:database.maintenanceWindow is "mon:00:00-mon:01:00", want a window apart from backupWindow, 23:30-00:30`},
		{"slo", `{"throughputRPS": 2000}`, `ragscale:database.instanceClass is db.t4g.medium, too small for 671 connections (PgBouncer 635, worker 16, migrations 5, reserve 15), want at least db.t4g.large, or fewer pods or less throughput`},
		{"slo", `{"throughputRPS": 1000000}`, `ragscale:database.instanceClass is db.t4g.medium, too small for 253036 connections (PgBouncer 253000, worker 16, migrations 5, reserve 15), want fewer pods or less throughput: no class carries them
ragscale:pgbouncer.limits.memory is 128Mi, want at least 19430Mi: a pod may hold 310610 connections, 260010 of clients`},
		{"api", `{"requests": {"cpu": "2"}}`, `ragscale:api.requests is cpu 2 and memory 256Mi, which fits no node of api or burst, want at most what their largest instance type can allocate: cpu 1430m and memory 5500Mi`},
		{"cluster", `{"nodeGroups": {"system": {}, "api": {"max": 2}}}`, `ragscale:cluster.nodeGroups.api.max is 2, where 1 of 1 Chroma pods find no place, want more or larger nodes in api or burst, or fewer replicas
ragscale:cluster.nodeGroups.api.max is 2, where 1 of 11 API pods (one of them for a rolling update) find no place, want more or larger nodes in api or burst, or fewer replicas
ragscale:cluster.nodeGroups.api.max is 2, where 2 of 4 PgBouncer pods (one of them for a rolling update) find no place, want more or larger nodes in api or burst, or fewer replicas
ragscale:cluster.nodeGroups.api.max is 2, where 4 of 4 worker pods (one of them for a rolling update) find no place, want more or larger nodes in api or burst, or fewer replicas`},
	}
	for _, tt := range tests {
		_, err := parse(map[string]string{"ragscale:" + tt.key: tt.value})
		if got := fmt.Sprint(err); got != tt.want {
			t.Errorf("%s: %s\ngot  %s\nwant %s", tt.key, tt.value, got, tt.want)
		}
	}
}

func TestProductionIsNotPublicByAccident(t *testing.T) {
	_, err := parse(map[string]string{
		"ragscale:environment":   "production",
		"ragscale:cluster":       `{"publicAccessCidrs": ["0.0.0.0/0"]}`,
		"ragscale:api":           `{"internal": false}`,
		"ragscale:observability": onCall()["ragscale:observability"],
	})
	want := `ragscale:api.ingressCidrs is empty, want who may reach the load balancer: no distribution reaches it by itself
ragscale:api.internal is false without certificateArn, want true, or a certificate: production is not public over plain HTTP
ragscale:cluster.publicAccessCidrs[0] is "0.0.0.0/0", want a narrower range in production`
	if fmt.Sprint(err) != want {
		t.Errorf("%v", err)
	}
}

func TestFaultyBlockIsNotBlamedForItsDefaults(t *testing.T) {
	_, err := parse(map[string]string{"ragscale:api": `{"listenerPort": 443, "certificateArn": 1}`})
	if got := fmt.Sprint(err); strings.Contains(got, "\n") {
		t.Errorf("more than the one fault:\n%s", got)
	}
}
