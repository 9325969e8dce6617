package cluster

import (
	"regexp"
	"strings"
)

// Capacity types of a node group.
const (
	onDemand = "ON_DEMAND"
	spot     = "SPOT"
)

type arch string

const (
	amd64 arch = "amd64"
	arm64 arch = "arm64"
)

// image is what a launch template must know about an AMI type.
type image struct {
	arch arch
	// dataDevice is the volume of images, logs and emptyDir.
	dataDevice string
}

// images are the AMI types in use. GPU and Windows ones need more than this component declares.
// Source of the names: AMITypes of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/eks@v1.105.5/types ; read
// 2026-11-23. The devices are as remembered; to settle: `aws ec2 describe-images` (BlockDeviceMappings).
var images = map[string]image{
	"AL2023_x86_64_STANDARD": {amd64, "/dev/xvda"},
	"AL2023_ARM_64_STANDARD": {arm64, "/dev/xvda"},
	// Bottlerocket keeps its system on xvda and all else on xvdb.
	"BOTTLEROCKET_x86_64": {amd64, "/dev/xvdb"},
	"BOTTLEROCKET_ARM_64": {arm64, "/dev/xvdb"},
}

var defaultAMITypes = map[arch]string{amd64: "AL2023_x86_64_STANDARD", arm64: "AL2023_ARM_64_STANDARD"}

// instanceType is family letters, generation, attributes, size: m7g.2xlarge. An attribute g means Graviton; the family
// letters g and p are GPUs. a1 was the first Graviton, before the attribute. As remembered; to settle:
// docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html.
var instanceType = regexp.MustCompile(`^([a-z]+)([0-9]+)([a-z]*)(-[a-z0-9]+)?\.([a-z0-9-]+)$`)

// architecture of an instance type; "" if it is none.
func architecture(typ string) arch {
	part := instanceType.FindStringSubmatch(typ)
	switch {
	case part == nil:
		return ""
	case part[1]+part[2] == "a1", strings.Contains(part[3], "g"):
		return arm64
	default:
		return amd64
	}
}
