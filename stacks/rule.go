package stacks

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/kubernetes"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/catalogue/window"
)

// rule is what a field's rule tag says, as words separated by spaces: min=, max= bound a number, by a figure or one of
// limits; one=a|b|c enumerates, of= names one of lists; match= names a form of text; keys= names the form of a map's keys; minItems=, maxItems= bound lists and maps; required
// = an object must say it, there is no default. In a list or map, min, max, one and match speak of the elements.
type rule struct {
	min, max           float64
	bounded            bool
	one                []string
	match, keys        string
	minItems, maxItems int // maxItems 0 = no bound
	required           bool
}

func ruleOf(field reflect.StructField) rule {
	var r rule
	for word := range strings.FieldsSeq(field.Tag.Get("rule")) {
		name, value, _ := strings.Cut(word, "=")
		number := amount(value)
		switch name {
		case "min":
			r.min, r.bounded = number, true
		case "max":
			r.max = number
		case "one":
			r.one = strings.Split(value, "|")
		case "of":
			r.one = lists[value]
		case "match":
			r.match = value
		case "keys":
			r.keys = value
		case "minItems":
			r.minItems = int(number)
		case "maxItems":
			r.maxItems = int(number)
		case "required":
			r.required = true
		}
	}
	return r
}

// amount is a number or one of limits; 0 for any other word.
func amount(text string) float64 {
	if limit, named := limits[text]; named {
		return limit
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return number
}

// limits are AWS's own, by the names that rules give them.
var limits = map[string]float64{
	"rds.LeastGiB": rds.LeastGiB, "rds.MostGiB": rds.MostGiB, "rds.MostIOPS": rds.MostIOPS, "rds.MostMBps": rds.MostMBps,
	"rds.MostReplicas": rds.MostReplicas, "rds.MostBackupDays": rds.MostBackupDays,
	"redis.MostReplicas": redis.MostReplicas, "redis.MostSnapshotDays": redis.MostSnapshotDays,
}

// lists are AWS's and Kubernetes' own, likewise.
var lists = map[string][]string{
	"logDays": words(catalogue.LogDays()), "logDaysOrNone": append([]string{"0"}, words(catalogue.LogDays())...),
	"monitoringIntervals": words(rds.MonitoringIntervals), "vpaModes": kubernetes.VPAModes,
}

func words(numbers []int) []string {
	all := make([]string, 0, len(numbers))
	for _, n := range numbers {
		all = append(all, strconv.Itoa(n))
	}
	return all
}

// form is a form of text: a regular expression, a phrase for it, and, where an expression does not suffice, a check.
type form struct {
	pattern func() *regexp.Regexp // compiled when first used: every start of every binary would pay for all (15 ms)
	want    string
	check   func(text string) error
}

func pattern(expression, want string) form {
	return form{pattern: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:` + expression + `)$`) }), want: want}
}

// forms are the forms that match= and keys= name.
// Sources, read 2026-11-23: the length of tags, Tag of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/ec2@v1.307.0/types ;
// windows and names, CreateDBInstance of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; labels and
// namespaces are judged by Kubernetes' own checks.
var forms = map[string]form{
	"tagKey":            pattern(`[\p{L}\p{N}_.:/=+@-][\p{L}\p{N} _.:/=+@-]{0,126}`, "a tag key of 1 to 127 letters, digits, spaces and _.:/=+-@"),
	"tagValue":          pattern(`[\p{L}\p{N} _.:/=+@-]{1,255}`, "1 to 255 letters, digits, spaces and _.:/=+-@"),
	"labelKey":          {want: "a Kubernetes label key", check: byKubernetes(content.IsLabelKey)},
	"labelValue":        {want: "a Kubernetes label value of at most 63 letters, digits and -_.", check: byKubernetes(content.IsLabelValue)},
	"nodeGroup":         pattern(`system|api|burst|loadtest`, "one of system, api, burst, loadtest"),
	"zone":              pattern(`[a-z]{2}(-[a-z]+)+-[0-9][a-z]`, "an availability zone such as eu-central-1a"),
	"kubernetesMinor":   pattern(`1\.[0-9]{2}`, "one of "+join(kubernetes.Minors())),
	"principalArn":      pattern(`arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]{1,512}`, "the ARN of an IAM role or user"),
	"certificateArn":    pattern(`(arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{1,64})?`, "the ARN of an ACM certificate, or nothing"),
	"image":             pattern(`[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|[a-z0-9][a-z0-9.:-]{0,252}(/[a-z0-9]+([._-]+[a-z0-9]+)*){1,8}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?`, "an image tag such as 0.1.0, or a full reference such as registry/repository:tag"),
	"postgresVersion":   pattern(`17(\.[0-9]{1,2})?`, `a PostgreSQL 17 version such as "17" or "17.6"`),
	"sqlName":           pattern(`[a-z][a-z0-9_]{0,62}`, "a lower-case name of at most 63 letters, digits and _"),
	"backupWindow":      pattern(window.DailyPattern, "a window such as 02:00-03:00 (UTC)"),
	"maintenanceWindow": pattern(window.WeeklyPattern, "a window such as sun:03:30-sun:04:30 (UTC)"),
	"schedule":          {want: `a cron expression such as "30 1 * * 1-5" (UTC), or nothing`, check: checkSchedule},
	// Keys may be fetched over https, or from the very machine that runs the pods, which is the sandbox.
	"authority":      pattern(`(https://[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?|http://(localhost|127\.0\.0\.1))(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~/?=&%@:+-]{0,512})?|`, "a URL with https such as https://issuer.example.com/realm, or nothing"),
	"audience":       pattern(`[!-~]{0,256}`, "at most 256 printable ASCII characters without spaces"),
	"claim":          pattern(`[A-Za-z][A-Za-z0-9_:./-]{0,127}`, "the name of a claim such as sub"),
	"hostName":       pattern(`(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}`, "a host name such as www.example.com"),
	"hostNameOrNone": pattern(`(([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63})?`, "a host name such as api.example.com, or nothing"),
	"webAclArn":      pattern(`(arn:aws:wafv2:us-east-1:[0-9]{12}:global/webacl/[A-Za-z0-9_-]{1,128}/[0-9a-f-]{36})?`, "the ARN of a web ACL for CloudFront (global, us-east-1), or nothing"),
	"originShield":   pattern(`(`+strings.Join(originShieldRegions, "|")+`)?`, "a region with Origin Shield ("+join(originShieldRegions)+"), or nothing"),
	"pathPattern":    pattern(`\*|/[A-Za-z0-9_.$/~"'@:+&?*-]{0,254}`, "a path pattern such as /assets/*, or * for the rest"),
	"requestPart":    pattern(`[A-Za-z0-9_.-]{1,128}|\*`, "the name of a header, query string or cookie"),
	"cacheControl":   pattern(`([a-z-]+(=[0-9]+)?(, [a-z-]+(=[0-9]+)?)*)?`, "directives such as public, max-age=300, or nothing"),
	"email":          pattern(`[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}`, "an e-mail address"),
	"namespace":      {want: "the name of a Kubernetes namespace, or nothing", check: orNothing(byKubernetes(content.IsDNS1123Label))},
	"lambdaArn":      pattern(`(arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]{1,128})?)?`, "the ARN of a Lambda function, or nothing"),
	"parameterValue": pattern(`[!-~][ -~]{0,254}`, "the value as text, in the parameter's unit"),
	"pgParameter":    {want: "a PostgreSQL parameter", check: func(s string) error { _, err := postgres.Lookup(s); return err }},
	"redisParameter": {want: "a Redis parameter", check: func(s string) error { _, err := redis.Lookup(s); return err }},
	"cacheNode":      {want: "an ElastiCache node type", check: func(s string) error { _, err := redis.NodeType(s); return err }},
	"dbClassOrNone":  {want: "an RDS instance class, or nothing", check: orNothing(isClass)},
	"cidr":           {want: "an IPv4 range such as 10.0.0.0/16, without host bits", check: checkCIDR},
	"instanceType":   {want: "an EC2 instance type", check: func(s string) error { _, err := ec2.Lookup(s); return err }},
	"dbClass":        {want: "an RDS instance class", check: isClass},
}

func isClass(text string) error {
	_, err := rds.Lookup(text)
	return err
}

func orNothing(check func(string) error) func(string) error {
	return func(text string) error {
		if text == "" {
			return nil
		}
		return check(text)
	}
}

// byKubernetes is a check of Kubernetes' own. Its error says only that the text is refused: the form has the phrase.
func byKubernetes(check func(string) []string) func(string) error {
	return func(text string) error {
		if len(check(text)) > 0 {
			return fmt.Errorf("%q is refused by Kubernetes", text)
		}
		return nil
	}
}

// checkCIDR accepts a canonical IPv4 prefix. Its error says only that it is none.
func checkCIDR(text string) error {
	prefix, err := netip.ParsePrefix(text)
	if err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked() || prefix.String() != text {
		return fmt.Errorf("%q is no IPv4 range", text)
	}
	return nil
}

// fault says what is wrong with text; fine = true if nothing is. want is the form's phrase or the catalogue's list.
func (f form) fault(text string) (want string, fine bool) {
	if f.pattern != nil && !f.pattern().MatchString(text) {
		return f.want, false
	}
	if f.check == nil {
		return "", true
	}
	err := f.check(text)
	if err == nil {
		return "", true
	}
	if _, listed, found := strings.Cut(err.Error(), ", want "); found {
		return listed, false
	}
	return f.want, false
}

// quantities are the types written as text with a unit, and the phrase for each.
var quantities = map[reflect.Type]string{reflect.TypeFor[CPU](): wantCPU, reflect.TypeFor[Memory](): wantMemory}

// want is the phrase for the values a type takes under the rule: what faults and the reference page say.
func (r rule) want(t reflect.Type) string {
	if phrase, isQuantity := quantities[t]; isQuantity {
		return phrase
	}
	if len(r.one) > 0 {
		return "one of " + join(r.one)
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number from " + r.bounds()
	case reflect.Float64:
		return "a number from " + r.bounds()
	case reflect.Slice:
		return "a list" + r.items()
	case reflect.Map:
		return "an object" + r.items()
	case reflect.Struct:
		return "an object"
	}
	return forms[r.match].want
}

func (r rule) bounds() string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	return number(r.min) + " to " + number(r.max)
}

func (r rule) items() string {
	switch {
	case r.minItems > 0 && r.maxItems > 0:
		return fmt.Sprintf(" of %d to %d entries", r.minItems, r.maxItems)
	case r.maxItems > 0:
		return fmt.Sprintf(" of at most %d entries", r.maxItems)
	}
	return ""
}

// allows reports whether text is among those enumerated.
func (r rule) allows(text string) bool { return len(r.one) == 0 || slices.Contains(r.one, text) }
