package pack

import (
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// asSent keeps apart what the engine keeps apart: what is unknown, secret, a reference.
var asSent = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true, KeepOutputValues: true}

// shown is a resource as the engine sends it, alone or with its stack.
type shown interface {
	GetUrn() string
	GetType() string
	GetName() string
	GetProperties() *structpb.Struct
	GetOptions() *pulumirpc.AnalyzerResourceOptions
}

// resourceFrom decodes what rules read of a resource: everything but its provider.
func resourceFrom(s shown) (policyx.AnalyzerResource, error) {
	properties, err := plugin.UnmarshalProperties(s.GetProperties(), asSent)
	if err != nil {
		return policyx.AnalyzerResource{}, err
	}
	return policyx.AnalyzerResource{
		URN: s.GetUrn(), Type: s.GetType(), Name: s.GetName(), Properties: resource.FromResourcePropertyMap(properties),
		Options: pulumi.ResourceOptions{Protect: s.GetOptions().GetProtect(),
			IgnoreChanges: s.GetOptions().GetIgnoreChanges()},
	}, nil
}

func encode(m property.Map) (*structpb.Struct, error) {
	return plugin.MarshalProperties(resource.ToResourcePropertyMap(m), asSent)
}

// diagnostics collects the violations of several policies.
type diagnostics struct {
	list []*pulumirpc.AnalyzeDiagnostic
}

// manager reports the violations of one policy. A violation without a URN is about the resource in hand, if any.
type manager struct {
	to     *diagnostics
	policy policyx.Policy
	level  policyx.EnforcementLevel
	urn    string
}

func (d *diagnostics) of(p policyx.Policy, level policyx.EnforcementLevel, urn string) policyx.PolicyManager {
	return manager{to: d, policy: p, level: level, urn: urn}
}

// ReportViolation adds a violation under the policy's sentence.
func (m manager) ReportViolation(message, urn string) {
	if urn == "" {
		urn = m.urn
	}
	m.to.list = append(m.to.list, &pulumirpc.AnalyzeDiagnostic{
		PolicyName: m.policy.Name(), PolicyPackName: Name, PolicyPackVersion: Version,
		Description: m.policy.Description(), Message: m.policy.Description() + "\n" + message,
		EnforcementLevel: pulumirpc.EnforcementLevel(m.level), Urn: urn,
	})
}
