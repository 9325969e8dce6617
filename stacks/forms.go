package stacks

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/kubernetes"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/catalogue/redis"
	"github.com/ragscale/ragscale/catalogue/window"
	"github.com/ragscale/ragscale/stacks/settings"
)

// vocabulary is what the tags of the configuration's types name.
var vocabulary = &settings.Vocabulary{Forms: forms, Limits: limits, Lists: lists}

// forms are the forms that match= and keys= name.
// Sources, read 2026-11-23: the length of tags, Tag of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/ec2@v1.307.0/types ; windows and names, CreateDBInstance of
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; labels and namespaces are judged by
// Kubernetes' own checks.
var forms = map[string]settings.Form{
	"tagKey": settings.Pattern(`[\p{L}\p{N}_.:/=+@-][\p{L}\p{N} _.:/=+@-]{0,126}`,
		"a tag key of 1 to 127 letters, digits, spaces and _.:/=+-@"),
	"tagValue": settings.Pattern(`[\p{L}\p{N} _.:/=+@-]{1,255}`, "1 to 255 letters, digits, spaces and _.:/=+-@"),
	"labelKey": {Want: "a Kubernetes label key", Check: byKubernetes(content.IsLabelKey)},
	"labelValue": {Want: "a Kubernetes label value of at most 63 letters, digits and -_.",
		Check: byKubernetes(content.IsLabelValue)},
	"scenario":        settings.Pattern(strings.Join(scenarioNames, "|"), "one of "+settings.Join(scenarioNames)),
	"budgetTerm":      settings.Pattern(limitTerm+"|"+worseTerm, limitTerm+" or "+worseTerm),
	"nodeGroup":       settings.Pattern(`system|api|burst|loadtest`, "one of system, api, burst, loadtest"),
	"zone":            settings.Pattern(`[a-z]{2}(-[a-z]+)+-[0-9][a-z]`, "an availability zone such as eu-central-1a"),
	"kubernetesMinor": settings.Pattern(`1\.[0-9]{2}`, "one of "+settings.Join(kubernetes.Minors())),
	"principalArn": settings.Pattern(`arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]{1,512}`,
		"the ARN of an IAM role or user"),
	"certificateArn": settings.Pattern(`(arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{1,64})?`,
		"the ARN of an ACM certificate, or nothing"),
	"image":             settings.Pattern(`[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|[a-z0-9][a-z0-9.:-]{0,252}(/[a-z0-9]+([._-]+[a-z0-9]+)*){1,8}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?`, "an image tag such as 0.1.0, or a full reference such as registry/repository:tag"),
	"postgresVersion":   settings.Pattern(`17(\.[0-9]{1,2})?`, `a PostgreSQL 17 version such as "17" or "17.6"`),
	"sqlName":           settings.Pattern(`[a-z][a-z0-9_]{0,62}`, "a lower-case name of at most 63 letters, digits and _"),
	"backupWindow":      settings.Pattern(window.DailyPattern, "a window such as 02:00-03:00 (UTC)"),
	"maintenanceWindow": settings.Pattern(window.WeeklyPattern, "a window such as sun:03:30-sun:04:30 (UTC)"),
	"schedule":          {Want: `a cron expression such as "30 1 * * 1-5" (UTC), or nothing`, Check: checkSchedule},
	// Keys may be fetched over https, or from the very machine that runs the pods, which is the sandbox.
	"authority": settings.Pattern(`(https://[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?|http://(localhost|127\.0\.0\.1))(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~/?=&%@:+-]{0,512})?|`, "a URL with https such as https://issuer.example.com/realm, or nothing"),
	"audience":  settings.Pattern(`[!-~]{0,256}`, "at most 256 printable ASCII characters without spaces"),
	"claim":     settings.Pattern(`[A-Za-z][A-Za-z0-9_:./-]{0,127}`, "the name of a claim such as sub"),
	"hostName": settings.Pattern(`(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}`,
		"a host name such as www.example.com"),
	"hostNameOrNone": settings.Pattern(`(([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63})?`,
		"a host name such as api.example.com, or nothing"),
	"webAclArn": settings.Pattern(`(arn:aws:wafv2:us-east-1:[0-9]{12}:global/webacl/[A-Za-z0-9_-]{1,128}/[0-9a-f-]{36})?`,
		"the ARN of a web ACL for CloudFront (global, us-east-1), or nothing"),
	"originShield": settings.Pattern(`(`+strings.Join(originShieldRegions, "|")+`)?`,
		"a region with Origin Shield ("+settings.Join(originShieldRegions)+"), or nothing"),
	"pathPattern": settings.Pattern(`\*|/[A-Za-z0-9_.$/~"'@:+&?*-]{0,254}`,
		"a path pattern such as /assets/*, or * for the rest"),
	"requestPart": settings.Pattern(`[A-Za-z0-9_.-]{1,128}|\*`, "the name of a header, query string or cookie"),
	"cacheControl": settings.Pattern(`([a-z-]+(=[0-9]+)?(, [a-z-]+(=[0-9]+)?)*)?`,
		"directives such as public, max-age=300, or nothing"),
	"email": settings.Pattern(`[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}`,
		"an e-mail address"),
	"namespace": {Want: "the name of a Kubernetes namespace, or nothing",
		Check: orNothing(byKubernetes(content.IsDNS1123Label))},
	"lambdaArn":      settings.Pattern(`(arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]{1,128})?)?`, "the ARN of a Lambda function, or nothing"),
	"parameterValue": settings.Pattern(`[!-~][ -~]{0,254}`, "the value as text, in the parameter's unit"),
	"pgParameter": {Want: "a PostgreSQL parameter",
		Check: func(s string) error { _, err := postgres.Lookup(s); return err }},
	"redisParameter": {Want: "a Redis parameter", Check: func(s string) error { _, err := redis.Lookup(s); return err }},
	"cacheNode": {Want: "an ElastiCache node type",
		Check: func(s string) error { _, err := redis.NodeType(s); return err }},
	"dbClassOrNone": {Want: "an RDS instance class, or nothing", Check: orNothing(isClass)},
	"cidr":          {Want: "an IPv4 range such as 10.0.0.0/16, without host bits", Check: checkCIDR},
	"instanceType":  {Want: "an EC2 instance type", Check: func(s string) error { _, err := ec2.Lookup(s); return err }},
	"dbClass":       {Want: "an RDS instance class", Check: isClass},
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
