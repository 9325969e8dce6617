package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

const (
	logGroup   = "aws:cloudwatch/logGroup:LogGroup"
	repository = "aws:ecr/repository:Repository"

	logDaysProduction = 30
	logDaysElsewhere  = 1
)

// holdData are the types whose loss is the loss of data, or of the key to it.
var holdData = []string{rdsInstance, replicationGroup, volumeClaim, bucket, kmsKey, repository, eksCluster}

// passOn are the types that use a key for what is gone within hours, and those that only say whose a key is.
var passOn = []string{topic, "aws:kms/keyPolicy:KeyPolicy", "aws:kms/alias:Alias"}

var upkeep = []Rule{
	{
		Name: "log-retention", Area: Upkeep, Levels: onAWS,
		Says:   fmt.Sprintf("Logs are kept for a stated time, in production for at least %d days.", logDaysProduction),
		Fix:    "Set ragscale:cluster.logRetentionDays and ragscale:network.flowLogRetentionDays.",
		Origin: "an incident is found weeks later; logs without end cost without end",
		Types:  []string{logGroup}, Check: logRetention,
	},
	{
		Name: "tags", Area: Upkeep, Levels: onAWS,
		Says:   "Whatever has tags says whose it is: project, stack, environment, cost-centre and managed-by.",
		Fix:    "Pass the stack's tags to the component; ragscale:costCentre sets cost-centre.",
		Origin: "the bill is read by tag",
		Check:  tags,
	},
	{
		Name: "data-protected", Area: Upkeep, Levels: productions,
		Says: "No update deletes or replaces what holds data that is nowhere else: replicas and the keys of alarm topics " +
			"may go.",
		Fix:    "Set deletionProtection of the component; to replace it after all: pulumi state unprotect.",
		Origin: "a configuration change must not lose data", CheckStack: dataProtected,
	},
	{
		Name: "repository-immutable", Area: Upkeep, Levels: everywhere,
		Says:   "An image's tag means the same image for ever, and every image is scanned.",
		Fix:    "imageTagMutability IMMUTABLE, imageScanningConfiguration.scanOnPush true.",
		Origin: "a roll-back must find what ran before",
		Types:  []string{repository}, Check: repositoryImmutable,
	},
}

// days of retention; 0 and absent are for ever.
func logRetention(r Resource, t Thresholds, p *Report) {
	p.isAtLeast(r, r.At("retentionInDays"),
		t.byEnvironment(logDaysProduction, logDaysElsewhere, logDaysElsewhere), " days")
}

func tags(r Resource, t Thresholds, p *Report) {
	have := r.At("tags")
	if !strings.HasPrefix(r.Type, "aws:") || have.Absent() || have.Unknown() {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(t.Tags)) {
		p.isOneOf(r, have.At(name), t.Tags[name])
	}
}

func dataProtected(s Stack, _ Thresholds, p *Report) {
	for _, r := range s.OfType(holdData...) {
		if !r.Protect && !replicates(r) && !keyOfMessages(s, r) {
			p.about(r, "protect", "not set", "true")
		}
	}
}

// keyOfMessages tells whether a resource is a key that something uses, and only what keeps nothing with it.
func keyOfMessages(s Stack, key Resource) bool {
	if key.Type != kmsKey {
		return false
	}
	var users []string
	for _, r := range s.Resources {
		for _, sources := range r.Sources {
			if slices.Contains(sources, key.URN) {
				users = append(users, r.Type)
			}
		}
	}
	kept := func(typ string) bool { return !slices.Contains(passOn, typ) }
	return len(users) > 0 && !slices.ContainsFunc(users, kept)
}

func repositoryImmutable(r Resource, _ Thresholds, p *Report) {
	p.isOneOf(r, r.At("imageTagMutability"), "IMMUTABLE")
	p.isTrue(r, r.At("imageScanningConfiguration", "scanOnPush"))
}

// Remedy is a fault that the pack mends by itself, where nothing can break by it.
type Remedy struct {
	Name string // of the policy: "mend-" and the rule
	Says string

	types []string // resource types; none = all that are mendable
	mend  func(Resource, Thresholds) (inputs property.Map, mended bool)
}

// Remedies is every remedy.
func Remedies() []Remedy {
	return []Remedy{
		{Name: "mend-tags", Says: "Adds the stack's tags to what has tags but not all of these.", mend: mendTags},
		{
			Name: "mend-log-retention", Says: fmt.Sprintf("Logs without a stated retention are kept for %d days.",
				mendedLogDays),
			types: []string{logGroup}, mend: mendLogRetention,
		},
	}
}

// Mendable tells whether some remedy may be for resources of a type.
func Mendable(typ string) bool { return strings.HasPrefix(typ, "aws:") }

// Mend returns the inputs as they should be; mended = false if there is nothing to do.
func (m Remedy) Mend(r Resource, t Thresholds) (inputs property.Map, mended bool) {
	if !Mendable(r.Type) || len(m.types) > 0 && !slices.Contains(m.types, r.Type) {
		return r.Inputs, false
	}
	return m.mend(r, t)
}

// mendedLogDays is what CloudWatch offers that is long enough for production.
const mendedLogDays = 90

func mendTags(r Resource, t Thresholds) (property.Map, bool) {
	have := r.At("tags")
	if !have.value.IsMap() {
		return r.Inputs, false
	}
	all, mended := have.value.AsMap(), false
	for name, value := range t.Tags {
		if have.At(name).Absent() {
			all, mended = all.Set(name, property.New(value)), true
		}
	}
	return r.Inputs.Set("tags", property.WithGoValue(have.value, all)), mended
}

func mendLogRetention(r Resource, _ Thresholds) (property.Map, bool) {
	days := r.At("retentionInDays")
	if v, ok := days.Number(); days.Unknown() || ok && v > 0 {
		return r.Inputs, false
	}
	return r.Inputs.Set("retentionInDays", property.New(float64(mendedLogDays))), true
}
