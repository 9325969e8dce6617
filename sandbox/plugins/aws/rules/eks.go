package rules

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/outputs"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

var (
	clusterName  = regexp.MustCompile(`^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$`)
	minorVersion = regexp.MustCompile(`^1\.([0-9]+)$`)
	addonVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?-eksbuild\.[0-9]+$`)
)

// Source: CreateCluster of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/eks@v1.105.5 ; read 2026-11-23.
func cluster(c *check) {
	if name, ok := props.String(c.Inputs, "name"); ok && !clusterName.MatchString(name) {
		c.fail("name", "is %q, want 1 to 100 letters, digits, - and _, a letter or digit first", name)
	}
	c.clusterVersion()
	c.oneOf("accessConfig.authenticationMode", "API", "API_AND_CONFIG_MAP", "CONFIG_MAP")
	for i := range c.list("enabledClusterLogTypes") {
		c.oneOf(fmt.Sprintf("enabledClusterLogTypes.%d", i), "api", "audit", "authenticator", "controllerManager", "scheduler")
	}
	if list := props.Strings(c.Inputs, "encryptionConfig.resources"); len(list) > 0 && !slices.Equal(list, []string{"secrets"}) {
		c.fail("encryptionConfig.resources", "is %q, want [\"secrets\"]", list)
	}
	c.clusterNetwork()
}

func (c *check) clusterNetwork() {
	if !c.is("vpcConfig.endpointPublicAccess", true) && !c.is("vpcConfig.endpointPrivateAccess", false) && !c.unknown("vpcConfig.endpointPrivateAccess") {
		c.fail("vpcConfig.endpointPrivateAccess", "is false as endpointPublicAccess is, want one of them true")
	}
	for _, s := range props.Strings(c.Inputs, "vpcConfig.publicAccessCidrs") {
		if _, err := netip.ParsePrefix(s); err != nil {
			c.fail("vpcConfig.publicAccessCidrs", "has %q, want a block such as 203.0.113.0/24", s)
		}
	}
	if n := len(c.list("vpcConfig.subnetIds")); n == 1 {
		c.fail("vpcConfig.subnetIds", "has 1 subnet, want at least 2 in different zones")
	} else {
		c.zones("vpcConfig.subnetIds", 2)
	}
}

func (c *check) clusterVersion() {
	version, ok := props.String(c.Inputs, "version")
	if !ok {
		return
	}
	m := minorVersion.FindStringSubmatch(version)
	if m == nil {
		c.fail("version", "is %q, want a minor version such as 1.36", version)
		return
	}
	old := minorVersion.FindStringSubmatch(props.Str(c.Olds, "version"))
	if old == nil {
		return
	}
	want, err := strconv.Atoi(m[1])
	have, err2 := strconv.Atoi(old[1])
	if errors.Join(err, err2) == nil && (want < have || want > have+1) {
		c.fail("version", "is %s after %s, want the same or the next minor version: EKS goes one step at a time and never back", version, old[0])
	}
}

// zones wants the known subnets of the account at path to lie in at least n zones.
func (c *check) zones(path string, n int) {
	ids := props.Strings(c.Inputs, path)
	if len(ids) == 0 || len(ids) < len(c.list(path)) {
		return
	}
	zones := map[string]bool{}
	found := 0
	for _, s := range c.others(tokenSubnet) {
		if slices.Contains(ids, s.ID) {
			found++
			zones[props.Str(s.State, "availabilityZone")] = true
		}
	}
	if found == len(ids) && len(zones) < n {
		c.fail(path, "lies in %d availability zone, want at least %d", len(zones), n)
	}
}

// addonNames are the add-ons of AWS and of the community that EKS offers. cluster-autoscaler and the VPA are none.
// Source: https://docs.aws.amazon.com/eks/latest/userguide/workloads-add-ons-available-eks.html and
// community-addons.html; read 2026-11-23; aws-secrets-store-csi-driver-provider is from public configurations.
var addonNames = []string{
	"adot", "amazon-cloudwatch-observability", "amazon-sagemaker-hyperpod-taskgovernance", "aws-ebs-csi-driver", "aws-efs-csi-driver",
	"aws-fsx-csi-driver", "aws-guardduty-agent", "aws-mountpoint-s3-csi-driver", "aws-network-flow-monitoring-agent",
	"aws-privateca-connector-for-kubernetes", "aws-secrets-store-csi-driver-provider", "cert-manager", "coredns", "eks-node-monitoring-agent", "eks-pod-identity-agent",
	"external-dns", "fluent-bit", "kube-proxy", "kube-state-metrics", "metrics-server", "prometheus-node-exporter", "snapshot-controller", "sriov-network-metrics-exporter", "vpc-cni",
}

// Source: aws.eks.Addon of pulumi-aws v6.83.4; read 2026-11-23. It takes PRESERVE for updates only; EKS itself treats it as
// NONE on creation.
func addon(c *check) {
	c.oneOf("resolveConflictsOnCreate", "NONE", "OVERWRITE")
	c.oneOf("resolveConflictsOnUpdate", "NONE", "OVERWRITE", "PRESERVE")
	if name, ok := props.String(c.Inputs, "addonName"); ok && !slices.Contains(addonNames, name) {
		c.fail("addonName", "is %q, which EKS does not offer%s", name, schema.DidYouMean(name, addonNames))
	}
	if v, ok := props.String(c.Inputs, "addonVersion"); ok && !addonVersion.MatchString(v) {
		c.fail("addonVersion", "is %q, want a version such as v1.12.2-eksbuild.4", v)
	}
}

var amiTypes = []string{
	"AL2023_x86_64_STANDARD", "AL2023_ARM_64_STANDARD", "AL2023_x86_64_NEURON", "AL2023_x86_64_NVIDIA", "AL2023_ARM_64_NVIDIA", "AL2_x86_64", "AL2_x86_64_GPU", "AL2_ARM_64",
	"BOTTLEROCKET_x86_64", "BOTTLEROCKET_ARM_64", "BOTTLEROCKET_x86_64_FIPS", "BOTTLEROCKET_ARM_64_FIPS", "BOTTLEROCKET_x86_64_NVIDIA", "BOTTLEROCKET_ARM_64_NVIDIA",
	"BOTTLEROCKET_x86_64_NVIDIA_FIPS", "BOTTLEROCKET_ARM_64_NVIDIA_FIPS", "CUSTOM",
	"WINDOWS_CORE_2019_x86_64", "WINDOWS_FULL_2019_x86_64", "WINDOWS_CORE_2022_x86_64", "WINDOWS_FULL_2022_x86_64",
	"WINDOWS_CORE_2025_x86_64", "WINDOWS_FULL_2025_x86_64",
}

// Source: CreateNodegroup of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/eks@v1.105.5 and, for amiTypes, its
// types.AMITypes; sizes: https://docs.aws.amazon.com/general/latest/gr/eks.html ; taints: aws.eks.NodeGroup of pulumi-aws
// v6.83.4; read 2026-11-23.
func nodeGroup(c *check) {
	c.scaling()
	c.oneOf("capacityType", "ON_DEMAND", "SPOT", "CAPACITY_BLOCK")
	c.oneOf("amiType", amiTypes...)
	c.instanceTypes()
	for i := range c.list("taints") {
		c.oneOf(fmt.Sprintf("taints.%d.effect", i), "NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE")
	}
	if n := len(c.list("taints")); n > 50 {
		c.fail("taints", "has %d entries, want at most 50", n)
	}
	c.conflict("updateConfig.maxUnavailable", "updateConfig.maxUnavailablePercentage")
	c.within("updateConfig.maxUnavailablePercentage", 1, 100)
	c.within("updateConfig.maxUnavailable", 1, 100)
	c.conflict("diskSize", "launchTemplate")
	c.conflict("remoteAccess", "launchTemplate")
	c.conflict("launchTemplate.id", "launchTemplate.name")
	if c.has("launchTemplate") && !c.has("launchTemplate.version") {
		c.fail("launchTemplate.version", "missing, want a version number or $Latest")
	}
}

func (c *check) scaling() {
	low, hasLow := c.num("scalingConfig.minSize")
	want, hasWant := c.num("scalingConfig.desiredSize")
	high, hasHigh := c.num("scalingConfig.maxSize")
	c.within("scalingConfig.minSize", 0, 450)
	c.within("scalingConfig.maxSize", 1, 450)
	if hasLow && hasHigh && low > high {
		c.fail("scalingConfig.minSize", "is %v, want at most maxSize, %v", low, high)
	}
	if hasWant && hasHigh && want > high {
		c.fail("scalingConfig.desiredSize", "is %v, want at most maxSize, %v", want, high)
	}
	if hasWant && hasLow && want < low {
		c.belowMinimum(low, want)
	}
}

func (c *check) belowMinimum(low, want float64) {
	if c.Olds != nil && low > float64(props.Int(c.Olds, "scalingConfig.minSize", 0)) {
		c.fail("scalingConfig.minSize", "is raised to %v above the live desired size %v: EKS refuses that, scale the group up first", low, want)
		return
	}
	c.fail("scalingConfig.desiredSize", "is %v, want at least minSize, %v", want, low)
}

func (c *check) instanceTypes() {
	list := props.Strings(c.Inputs, "instanceTypes")
	if len(list) > 20 {
		c.fail("instanceTypes", "has %d types, want at most 20", len(list))
	}
	ami := c.str("amiType")
	for i, name := range list {
		path := fmt.Sprintf("instanceTypes[%d]", i)
		t, err := ec2.Lookup(name)
		if err != nil {
			c.fail(path, "%v", err)
			continue
		}
		arm := strings.Contains(ami, "ARM_64")
		if ami != "" && ami != "CUSTOM" && arm != (t.Architecture == ec2.ARM64) {
			c.fail(path, "is %s, an %s type, want one that fits amiType %s", name, t.Architecture, ami)
		}
	}
}

// Source of the types: CreateAccessEntry of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/eks@v1.105.5 ; read
// 2026-11-23. Of user names: https://docs.aws.amazon.com/eks/latest/userguide/set-custom-username.html ; read 2026-11-30. That no
// group begins with system: is as remembered; to settle: `aws eks create-access-entry --kubernetes-groups system:masters`.
func accessEntry(c *check) {
	c.oneOf("type", "STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX")
	principal := c.str("principalArn")
	if principal != "" && !strings.HasPrefix(principal, "arn:aws") {
		c.fail("principalArn", "is %q, want the ARN of a role or user", principal)
	}
	for i, group := range props.Strings(c.Inputs, "kubernetesGroups") {
		if strings.HasPrefix(group, "system:") {
			c.fail(fmt.Sprintf("kubernetesGroups[%d]", i), "is %q, want a group that does not begin with system: (use an access policy)", group)
		}
	}
	for _, prefix := range []string{"system:", "eks:", "aws:", "amazon:", "iam:"} {
		if strings.HasPrefix(c.str("userName"), prefix) {
			c.fail("userName", "is %q, want a name that does not begin with %s", c.str("userName"), prefix)
		}
	}
	creator := "arn:aws:iam::" + outputs.Account + ":user/sandbox"
	for _, cl := range c.others(tokenCluster) {
		if props.Str(cl.State, "name") == c.str("clusterName") && principal == creator && props.Bool(cl.Inputs, "accessConfig.bootstrapClusterCreatorAdminPermissions", true) {
			c.fail("principalArn", "is the cluster's creator, who has an entry by bootstrapClusterCreatorAdminPermissions (ResourceInUseException)")
		}
	}
}
