package pack

import (
	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"
)

// Name and Version of the pack, as the engine reports them.
const (
	Name    = "ragscale"
	Version = "1.0.0"
)

// New makes the pack for one operation of the engine on a stack.
func New(s Settings) (policyx.PolicyPack, error) {
	version, err := semver.Parse(Version)
	if err != nil {
		return nil, err
	}
	return policyx.NewPolicyPack(Name, version, policyx.EnforcementLevelMandatory, newJudge(s).policies())
}
