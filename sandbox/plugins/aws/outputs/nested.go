package outputs

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// nested adds computed properties that are no plain text.
func (m *Maker) nested(state resource.PropertyMap) {
	switch m.Type {
	case "aws:eks/cluster:Cluster":
		m.cluster(state)
	case "aws:eks/nodeGroup:NodeGroup":
		m.nodeGroup(state)
	case "aws:rds/instance:Instance":
		volume(state)
	case "aws:acm/certificate:Certificate":
		m.certificate(state)
	case "aws:route53/zone:Zone":
		state["nameServers"] = texts("ns-1.awsdns-01.com", "ns-2.awsdns-02.net", "ns-3.awsdns-03.org", "ns-4.awsdns-04.co.uk")
	case "aws:ec2/vpcEndpoint:VpcEndpoint":
		host := m.ID() + "." + props.Str(m.Inputs, "serviceName")
		state["dnsEntries"] = resource.NewArrayProperty([]resource.PropertyValue{object("dnsName", host, "hostedZoneId", "Z7HUB22UULQXV")})
	}
}

// cluster adds the network's outputs; endpoint and certificate authority come from the control plane (package engines).
func (m *Maker) cluster(state resource.PropertyMap) {
	vpc := props.Object(state, "vpcConfig").Copy()
	vpc["clusterSecurityGroupId"] = resource.NewStringProperty("sg-" + hash(m.seed("cluster-sg"), 17))
	if !props.Has(vpc, "vpcId") {
		vpc["vpcId"] = resource.NewStringProperty("vpc-" + hash(m.seed("vpc"), 17))
	}
	if !props.Has(vpc, "endpointPublicAccess") {
		vpc["endpointPublicAccess"] = resource.NewBoolProperty(true)
	}
	state["vpcConfig"] = resource.NewObjectProperty(vpc)
	issuer := "https://oidc.eks." + m.Region + ".amazonaws.com/id/" + hash(m.seed("oidc"), 32)
	state["identities"] = resource.NewArrayProperty([]resource.PropertyValue{resource.NewObjectProperty(resource.PropertyMap{
		"oidcs": resource.NewArrayProperty([]resource.PropertyValue{object("issuer", issuer)}),
	})})
}

// volume adds what RDS provides of gp3 by itself. Its limits are in package rules.
func volume(state resource.PropertyMap) {
	iops, mbps := 3000.0, 125.0
	if props.Int(state, "allocatedStorage", 0) >= 400 {
		iops, mbps = 12000, 500
	}
	for name, n := range map[resource.PropertyKey]float64{"iops": iops, "storageThroughput": mbps} {
		if props.Str(state, "storageType") == "gp3" && !props.Has(state, string(name)) {
			state[name] = resource.NewNumberProperty(n)
		}
	}
}

func (m *Maker) nodeGroup(state resource.PropertyMap) {
	name := "eks-" + props.Str(state, "nodeGroupName") + "-" + hash(m.seed("asg"), 8) + "-" + hash(m.seed("asg2"), 4)
	state["resources"] = resource.NewArrayProperty([]resource.PropertyValue{resource.NewObjectProperty(resource.PropertyMap{
		"autoscalingGroups":           resource.NewArrayProperty([]resource.PropertyValue{object("name", name)}),
		"remoteAccessSecurityGroupId": resource.NewStringProperty(""),
	})})
}

func (m *Maker) certificate(state resource.PropertyMap) {
	domain := props.Str(m.Inputs, "domainName")
	state["domainValidationOptions"] = resource.NewArrayProperty([]resource.PropertyValue{object(
		"domainName", domain,
		"resourceRecordName", "_"+hash(m.seed("record"), 32)+"."+domain+".",
		"resourceRecordType", "CNAME",
		"resourceRecordValue", "_"+hash(m.seed("target"), 32)+".acm-validations.aws.",
	)})
}

// object makes an object from keys and texts in turn.
func object(pairs ...string) resource.PropertyValue {
	m := resource.PropertyMap{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[resource.PropertyKey(pairs[i])] = resource.NewStringProperty(pairs[i+1])
	}
	return resource.NewObjectProperty(m)
}

func texts(list ...string) resource.PropertyValue {
	out := make([]resource.PropertyValue, len(list))
	for i, s := range list {
		out[i] = resource.NewStringProperty(s)
	}
	return resource.NewArrayProperty(out)
}
