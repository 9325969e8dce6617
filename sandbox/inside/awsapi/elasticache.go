package awsapi

import (
	"fmt"
	"net/http"
)

const replicationGroup = "aws:elasticache/replicationGroup:ReplicationGroup"

func elasticacheQuery() query {
	return query{namespace: "http://elasticache.amazonaws.com/doc/2015-02-02/", actions: map[string]func(call) ([]element, error){
		"DescribeReplicationGroups": describeReplicationGroups,
	}}
}

func describeReplicationGroups(c call) ([]element, error) {
	id := c.form.Get("ReplicationGroupId")
	all, err := c.list(replicationGroup, "replicationGroupId", named("replicationGroupId", id))
	if err != nil {
		return nil, err
	}
	if id != "" && len(all) == 0 {
		return nil, refused(http.StatusNotFound, "ReplicationGroupNotFoundFault", "ReplicationGroup %s not found.", id)
	}
	part, next, err := page(c, all, "MaxRecords", "Marker")
	if err != nil {
		return nil, err
	}
	out := element{name: "ReplicationGroups"}
	for _, r := range part {
		out.children = append(out.children, r.replicationGroup())
	}
	return append(next, out), nil
}

func (r Resource) replicationGroup() element {
	status := "available"
	if !r.Ready {
		status = "creating"
	}
	return el("ReplicationGroup", el("Status", status), el("ClusterEnabled", false), el("ClusterMode", "disabled"),
		r.elements(`ReplicationGroupId=replicationGroupId Description=description SnapshotRetentionLimit=snapshotRetentionLimit
			SnapshotWindow=snapshotWindow CacheNodeType=nodeType TransitEncryptionEnabled=transitEncryptionEnabled
			TransitEncryptionMode=transitEncryptionMode AtRestEncryptionEnabled=atRestEncryptionEnabled KmsKeyId=kmsKeyId ARN=arn
			AutoMinorVersionUpgrade=autoMinorVersionUpgrade NetworkType=networkType IpDiscovery=ipDiscovery Engine=engine`),
		el("AutomaticFailover", able(r.flag("automaticFailoverEnabled"))), el("MultiAZ", able(r.flag("multiAzEnabled"))),
		el("AuthTokenEnabled", at(r.State, "authToken") != nil), members("MemberClusters", "ClusterId", r.strings("memberClusters")),
		members("UserGroupIds", "member", r.strings("userGroupIds")), el("NodeGroups", r.nodeGroup(status)))
}

func able(b bool) string {
	if b {
		return "enabled"
	}
	return "disabled"
}

// nodeGroup is the one that a group with cluster mode disabled has. Its first member is the primary.
func (r Resource) nodeGroup(status string) element {
	nodes := element{name: "NodeGroupMembers"}
	for i, id := range r.strings("memberClusters") {
		role := "replica"
		if i == 0 {
			role = "primary"
		}
		nodes.children = append(nodes.children, el("NodeGroupMember", el("CacheClusterId", id), el("CacheNodeId", "0001"), el("CurrentRole", role),
			r.elements(fmt.Sprintf("PreferredAvailabilityZone=preferredCacheClusterAzs.%d", i))))
	}
	endpoint := func(name, path string) element { return el(name, r.elements("Address="+path+" Port=port")) }
	return el("NodeGroup", el("NodeGroupId", "0001"), el("Status", status), nodes,
		endpoint("PrimaryEndpoint", "primaryEndpointAddress"), endpoint("ReaderEndpoint", "readerEndpointAddress"))
}
