package awsapi

import (
	"maps"
	"net/http"
	"slices"
)

const dbInstance = "aws:rds/instance:Instance"

func rdsQuery() query {
	return query{namespace: "http://rds.amazonaws.com/doc/2014-10-31/", actions: map[string]func(call) ([]element, error){
		"DescribeDBInstances": describeDBInstances,
	}}
}

func describeDBInstances(c call) ([]element, error) {
	all, err := c.list(dbInstance, "identifier", func(Resource) bool { return true })
	if err != nil {
		return nil, err
	}
	id := c.form.Get("DBInstanceIdentifier")
	wanted := slices.DeleteFunc(slices.Clone(all), func(r Resource) bool { return !named("identifier", id)(r) })
	if id != "" && len(wanted) == 0 {
		return nil, refused(http.StatusNotFound, "DBInstanceNotFound", "DBInstance %s not found.", id)
	}
	part, next, err := page(c, wanted, "MaxRecords", "Marker")
	if err != nil {
		return nil, err
	}
	out := element{name: "DBInstances"}
	for _, r := range part {
		out.children = append(out.children, r.inheriting(all).dbInstance(all))
	}
	return append(next, out), nil
}

// dbInstanceFields are members of DBInstance and where the provider keeps them.
const dbInstanceFields = `DBInstanceIdentifier=identifier DBInstanceClass=instanceClass Engine=engine MasterUsername=username DBName=dbName
	AllocatedStorage=allocatedStorage PreferredBackupWindow=backupWindow BackupRetentionPeriod=backupRetentionPeriod
	AvailabilityZone=availabilityZone PreferredMaintenanceWindow=maintenanceWindow MultiAZ=multiAz EngineVersion=engineVersionActual
	AutoMinorVersionUpgrade=autoMinorVersionUpgrade LicenseModel=licenseModel Iops=iops StorageThroughput=storageThroughput
	PubliclyAccessible=publiclyAccessible StorageType=storageType StorageEncrypted=storageEncrypted KmsKeyId=kmsKeyId
	DbiResourceId=resourceId CACertificateIdentifier=caCertIdentifier CopyTagsToSnapshot=copyTagsToSnapshot
	MonitoringInterval=monitoringInterval MonitoringRoleArn=monitoringRoleArn DBInstanceArn=arn
	IAMDatabaseAuthenticationEnabled=iamDatabaseAuthenticationEnabled DatabaseInsightsMode=databaseInsightsMode
	PerformanceInsightsEnabled=performanceInsightsEnabled PerformanceInsightsKMSKeyId=performanceInsightsKmsKeyId
	PerformanceInsightsRetentionPeriod=performanceInsightsRetentionPeriod DeletionProtection=deletionProtection
	MaxAllocatedStorage=maxAllocatedStorage NetworkType=networkType`

func (r Resource) dbInstance(all []Resource) element {
	status := "available"
	if !r.Ready {
		status = "creating"
	}
	groups := element{name: "VpcSecurityGroups"}
	for _, id := range r.strings("vpcSecurityGroupIds") {
		groups.children = append(groups.children, el("VpcSecurityGroupMembership", el("VpcSecurityGroupId", id), el("Status", "active")))
	}
	parts := []any{
		r.elements(dbInstanceFields), el("DBInstanceStatus", status), groups,
		el("Endpoint", r.elements("Address=address Port=port HostedZoneId=hostedZoneId")),
		el("DBSubnetGroup", r.elements("DBSubnetGroupName=dbSubnetGroupName")),
		el("DBParameterGroups", el("DBParameterGroup", r.elements("DBParameterGroupName=parameterGroupName"), el("ParameterApplyStatus", "in-sync"))),
		members("EnabledCloudwatchLogsExports", "member", r.strings("enabledCloudwatchLogsExports")), r.tags("TagList", "Tag"),
	}
	return el("DBInstance", append(parts, r.replication(all)...)...)
}

// inherited are properties that a replica has of its source.
var inherited = []string{"engine", "username", "dbName", "dbSubnetGroupName", "kmsKeyId"}

// inheriting is a replica with what it has of its source.
func (r Resource) inheriting(all []Resource) Resource {
	for _, source := range all {
		if !source.is(r.str("replicateSourceDb")) {
			continue
		}
		r.State = maps.Clone(r.State)
		for _, key := range inherited {
			if v := source.State[key]; v != nil && r.State[key] == nil {
				r.State[key] = v
			}
		}
	}
	return r
}

// is says whether an instance is the one that a replica names as its source, by identifier or ARN.
func (r Resource) is(source string) bool {
	return source != "" && (source == r.str("identifier") || source == r.str("arn"))
}

// replication names the source of a replica and the replicas of a source.
func (r Resource) replication(all []Resource) []any {
	var replicas []string
	var source element
	for _, other := range all {
		if r.is(other.str("replicateSourceDb")) {
			replicas = append(replicas, other.str("identifier"))
		}
		if other.is(r.str("replicateSourceDb")) {
			source = el("ReadReplicaSourceDBInstanceIdentifier", other.str("identifier"))
		}
	}
	return []any{source, members("ReadReplicaDBInstanceIdentifiers", "ReadReplicaDBInstanceIdentifier", replicas)}
}

// tags are the resource's, with those that the provider adds to all.
func (r Resource) tags(name, each string) element {
	out := element{name: name}
	tags := r.texts("tagsAll")
	for _, key := range sortedKeys(tags) {
		out.children = append(out.children, el(each, el("Key", key), el("Value", tags[key])))
	}
	return out
}
