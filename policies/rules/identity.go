package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	iamRole    = "aws:iam/role:Role"
	attachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
	kmsKey     = "aws:kms/key:Key"
	secret     = "aws:secretsmanager/secret:Secret"

	storageClass = "kubernetes:storage.k8s.io/v1:StorageClass"
	ebsDriver    = "ebs.csi.aws.com"

	leastRecoveryDays = 7 // the fewest that Secrets Manager takes, 0 apart
)

// iamPolicies are the types whose input "policy" grants rights.
var iamPolicies = []string{"aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy", "aws:iam/userPolicy:UserPolicy",
	"aws:iam/groupPolicy:GroupPolicy"}

// resourcePolicies are the types whose input "policy" lets others in.
var resourcePolicies = []string{
	bucketPolicy, "aws:sns/topicPolicy:TopicPolicy", "aws:kms/keyPolicy:KeyPolicy", kmsKey,
	"aws:ecr/repositoryPolicy:RepositoryPolicy",
	"aws:secretsmanager/secretPolicy:SecretPolicy", "aws:sqs/queuePolicy:QueuePolicy",
}

var identity = []Rule{
	{
		Name: "iam-no-wildcard", Area: Identity, Levels: everywhere,
		Says:   "No policy grants wildcard actions on all resources, looking apart.",
		Fix:    "Name the actions, or the resources.",
		Origin: "least privilege",
		Types:  iamPolicies, Check: iamNoWildcard,
	},
	{
		Name: "iam-no-administrator", Area: Identity, Levels: everywhere,
		Says:   "No role of the stack administers the account.",
		Fix:    "Attach a policy with what the role needs.",
		Origin: "least privilege",
		Types:  []string{attachment}, Check: iamNoAdministrator,
	},
	{
		Name: "iam-trust", Area: Identity, Levels: everywhere,
		Says:   "No role can be assumed by everybody.",
		Fix:    "Name the service or the account in assumeRolePolicy.",
		Origin: "least privilege",
		Types:  []string{iamRole}, Check: iamTrust,
	},
	{
		Name: "resource-policy-closed", Area: Identity, Levels: everywhere,
		Says:   "No bucket, topic, key, image repository or secret lets everybody in.",
		Fix:    "Name the service or the account in the policy's Principal, or add a Condition.",
		Origin: "nothing is public that need not be",
		Types:  resourcePolicies, Check: resourcePolicyClosed,
	},
	{
		Name: "properties-without-secrets", Area: Identity, Levels: everywhere,
		Says:   "No property that is named like a secret is in clear.",
		Fix:    "Make the value from pulumi.ToSecret or a secret configuration value.",
		Origin: "the state file and every preview show what is not secret",
		Check:  propertiesWithoutSecrets,
	},
	{
		Name: "topic-encrypted", Area: Identity, Levels: everywhere,
		Says:   "What is sent to topics is encrypted with a key of the stack.",
		Fix:    "kmsMasterKeyId of the topic: a KMS key that CloudWatch may use.",
		Origin: "encryption at rest",
		Types:  []string{topic}, Check: func(r Resource, _ Thresholds, p *Report) {
			p.isSet(r, r.At("kmsMasterKeyId"),
				"a KMS key")
		},
	},
	{
		Name: "volume-encrypted", Area: Identity, Levels: everywhere,
		Says:   "Volumes that pods ask for are encrypted gp3.",
		Fix:    "parameters of the storage class: encrypted \"true\", type gp3.",
		Origin: "encryption at rest; gp2 throttles when its credits are gone",
		Types:  []string{storageClass}, Check: volumeEncrypted,
	},
	{
		Name: "kms-rotation", Area: Identity, Levels: onAWS,
		Says:   "Keys are rotated every year.",
		Fix:    "enableKeyRotation true.",
		Origin: "encryption at rest",
		Types:  []string{kmsKey}, Check: func(r Resource, _ Thresholds, p *Report) { p.isTrue(r, r.At("enableKeyRotation")) },
	},
	{
		Name: "secret-recoverable", Area: Identity, Levels: productions,
		Says:   fmt.Sprintf("A secret that is deleted can be brought back for %d days.", leastRecoveryDays),
		Fix:    "Set ragscale:database.deletionProtection to true; recoveryWindowInDays follows from it.",
		Origin: "a password that is gone takes the database with it",
		Types:  []string{secret}, Check: secretRecoverable,
	},
}

// document is an IAM policy as far as the rules read it.
type document struct {
	Statement oneOrMore[statement]
}

type statement struct {
	Effect    string
	Action    oneOrMore[string]
	NotAction oneOrMore[string]
	Resource  oneOrMore[string]
	Principal json.RawMessage
	Condition json.RawMessage
}

// oneOrMore is IAM's way to write a list of one without brackets.
type oneOrMore[T any] []T

// UnmarshalJSON reads either form.
func (o *oneOrMore[T]) UnmarshalJSON(text []byte) error {
	var many []T
	if err := json.Unmarshal(text, &many); err == nil {
		*o = many
		return nil
	}
	var one T
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	*o = []T{one}
	return nil
}

// allowed parses a policy document and returns its Allow statements. A document that is not one is a finding.
func allowed(r Resource, n Property, p *Report) []statement {
	if n.Undecided() || n.Absent() {
		return nil
	}
	var d document
	if err := json.Unmarshal([]byte(n.Text()), &d); err != nil {
		p.about(r, n.Path, "no policy document", "JSON with statements")
		return nil
	}
	return slices.DeleteFunc(d.Statement, func(s statement) bool { return s.Effect != "Allow" })
}

func iamNoWildcard(r Resource, _ Thresholds, p *Report) {
	n := r.At("policy")
	for _, s := range allowed(r, n, p) {
		if !slices.Contains(s.Resource, "*") || len(s.Condition) > 0 {
			continue
		}
		if len(s.NotAction) > 0 {
			p.about(r, n.Path, "everything but some actions on *", "named actions or resources")
		}
		for _, action := range s.Action {
			if strings.Contains(action, "*") && !looks(action) {
				p.about(r, n.Path, fmt.Sprintf("%s on *", action), "named actions or resources")
			}
		}
	}
}

// looks tells whether a wildcard covers actions that only read what there is: ec2:Describe*.
func looks(action string) bool {
	_, verb, _ := strings.Cut(action, ":")
	return strings.HasPrefix(verb, "Describe") || strings.HasPrefix(verb, "List")
}

func iamNoAdministrator(r Resource, _ Thresholds, p *Report) {
	arn := r.At("policyArn")
	for _, name := range []string{"AdministratorAccess", "PowerUserAccess", "IAMFullAccess"} {
		if strings.HasSuffix(arn.Text(), "/"+name) {
			p.fault(r, arn, "a policy with what the role needs")
		}
	}
}

func iamTrust(r Resource, _ Thresholds, p *Report) {
	n := r.At("assumeRolePolicy")
	for _, s := range allowed(r, n, p) {
		if len(s.Condition) == 0 && trustsEverybody(s.Principal) {
			p.about(r, n.Path, "open to everybody", "a named service or account")
		}
	}
}

func trustsEverybody(principal json.RawMessage) bool {
	var all string
	if json.Unmarshal(principal, &all) == nil {
		return all == "*"
	}
	var kinds map[string]oneOrMore[string]
	if json.Unmarshal(principal, &kinds) != nil {
		return false
	}
	return slices.Contains(kinds["AWS"], "*")
}

// secretRecoverable counts Secrets Manager's default, 30 days. 0 deletes at once.
func secretRecoverable(r Resource, _ Thresholds, p *Report) {
	if days := r.At("recoveryWindowInDays"); !days.Absent() {
		p.isAtLeast(r, days, leastRecoveryDays, " days")
	}
}

func resourcePolicyClosed(r Resource, _ Thresholds, p *Report) {
	n := r.At("policy")
	for _, s := range allowed(r, n, p) {
		if len(s.Condition) == 0 && trustsEverybody(s.Principal) {
			p.about(r, n.Path, "open to everybody", "a named service or account, or a condition")
		}
	}
}

// secretProperty matches the properties that hold secrets. One with a reference to a secret is named otherwise.
var secretProperty = regexp.MustCompile(`(?i)(^|[a-z])(passwords?|passwd|secretString|secretBinary|authToken|privateKey|secretKey|apiKey)$`)

// haveSecretRules are the types whose secrets have a rule that knows where they come from.
var haveSecretRules = []string{rdsInstance, cacheUser}

func propertiesWithoutSecrets(r Resource, _ Thresholds, p *Report) {
	if strings.HasPrefix(r.Type, "aws:") && !slices.Contains(haveSecretRules, r.Type) {
		inClear(r, r.At(), p)
	}
}

// inClear reports the known values below n that should be secret, each once.
func inClear(r Resource, n Property, p *Report) {
	for _, name := range slices.Sorted(maps.Keys(n.Members())) {
		value := n.At(name)
		switch {
		case value.Secret() || value.Undecided() || value.value.HasSecrets():
		case secretProperty.MatchString(name) && (value.value.IsString() || value.value.IsArray()):
			p.about(r, value.Path, "in clear", "a secret")
		default:
			inClear(r, value, p)
		}
	}
	for _, element := range n.Each() {
		inClear(r, element, p)
	}
}

// volumeEncrypted looks at volumes of AWS.
func volumeEncrypted(r Resource, _ Thresholds, p *Report) {
	if driver := r.At("provisioner"); driver.Unknown() || driver.Text() != ebsDriver {
		return
	}
	p.isTrue(r, r.At("parameters", "encrypted"))
	p.isOneOf(r, r.At("parameters", "type"), "gp3")
}
