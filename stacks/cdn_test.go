package stacks_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/stacks"
)

// behaviors encodes behaviors; the rest of the paths goes to the assets unless the last says otherwise.
func behaviors(t *testing.T, list ...map[string]any) string {
	t.Helper()
	if list[len(list)-1]["path"] != "*" {
		list = append(list, map[string]any{"path": "*", "origin": "assets"})
	}
	encoded, err := json.Marshal(map[string]any{"behaviors": list})
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func TestCacheKeyIsWhatTheAPIReads(t *testing.T) {
	sessions := func(change map[string]any) map[string]any {
		b := map[string]any{"path": "/v1/sessions", "origin": "api", "maxTtlSeconds": 60, "keyQueryStrings": []string{"user", "limit", "cursor"}, "keyHeaders": []string{"Authorization"}}
		for key, value := range change {
			b[key] = value
		}
		return b
	}
	faultTable(t, []faultCase{
		{"cdn", behaviors(t, sessions(nil)), `<nil>`},
		{"cdn", behaviors(t, sessions(map[string]any{"keyQueryStrings": []string{"user", "cursor"}})),
			`ragscale:cdn.behaviors[0].keyQueryStrings lacks limit, want it: the API reads it at /v1/sessions, and one answer would be served for all of them`},
		{"cdn", behaviors(t, sessions(map[string]any{"keyQueryStrings": []string{"user", "limit", "cursor", "utm_source"}})),
			`ragscale:cdn.behaviors[0].keyQueryStrings[3] is "utm_source", which the API does not read at /v1/sessions, want some of user, limit, cursor: it splits the cache for nothing`},
		{"cdn", behaviors(t, sessions(map[string]any{"keyHeaders": []string{}})),
			`ragscale:cdn.behaviors[0].keyHeaders lacks Authorization, want it: the API reads it at /v1/sessions, and one answer would be served for all of them`},
		{"cdn", behaviors(t, sessions(map[string]any{"keyHeaders": []string{"authorization", "X-Request-Id"}})),
			`ragscale:cdn.behaviors[0].keyHeaders[1] is "X-Request-Id", which the API does not read at /v1/sessions, want some of Authorization: it splits the cache for nothing`},
		{"cdn", behaviors(t, sessions(map[string]any{"keyCookies": []string{"session"}})),
			`ragscale:cdn.behaviors[0].keyCookies[0] is "session", which the API does not read at /v1/sessions, want none: it splits the cache for nothing`},
		{"cdn", behaviors(t, sessions(map[string]any{"forwardHeaders": []string{"host"}})),
			`ragscale:cdn.behaviors[0].forwardHeaders has Host, want none: the load balancer's certificate is for its own name`},
		{"cdn", behaviors(t, sessions(map[string]any{"forwardHeaders": []string{"authorization"}})),
			`ragscale:cdn.behaviors[0].forwardHeaders has Authorization, want none: CloudFront takes it in a cache key alone`},
		{"cdn", behaviors(t, sessions(map[string]any{"path": "/v1/session?", "keyQueryStrings": []string{"user", "cursor"}})),
			`ragscale:cdn.behaviors[0].keyQueryStrings lacks limit, want it: the API reads it at /v1/session?, and one answer would be served for all of them`},
		{"cdn", behaviors(t, sessions(map[string]any{"path": "/v1/search", "keyQueryStrings": []string{"q", "mode", "limit", "cursor", "perDocument", "content", "neighbours"}})),
			`ragscale:cdn.behaviors[0].keyQueryStrings lacks metadata.KEY, want it: the API reads it at /v1/search, and one answer would be served for all of them`},
	})
}

func TestTheAPISaysWhatTheEdgeMayKeep(t *testing.T) {
	faultTable(t, []faultCase{
		{"cdn", behaviors(t, map[string]any{"path": "/v1/dashboard", "origin": "api", "minTtlSeconds": 5, "ttlSeconds": 5, "maxTtlSeconds": 60, "keyHeaders": []string{"Authorization"}}),
			`ragscale:cdn.behaviors[0].minTtlSeconds is 5, want 0: the edge would keep what the API lets nobody keep`},
		{"cdn", behaviors(t, map[string]any{"path": "/v1/*", "origin": "api", "forwardHeaders": []string{"*"}, "forwardQueryStrings": []string{"*"}, "cacheControl": "max-age=60"}),
			`ragscale:cdn.behaviors[0].cacheControl is "max-age=60", want nothing: the API says for each answer who may keep it`},
	})
}

var (
	lifetime = regexp.MustCompile("(?m)^\\| `(/v1/[^`]*)` \\| `([^`]*)` \\| `([^`]*)` \\|$")
	atEdge   = regexp.MustCompile(`^public, .*s-maxage=([0-9]+)`)
)

// What the API lets the edge keep, the edge keeps for as long as it says, and nothing else.
func TestTheEdgeKeepsWhatTheAPILetsIt(t *testing.T) {
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	c := mustParse(t, "dev", nil)
	rows := lifetime.FindAllStringSubmatch(string(page), -1)
	if len(rows) < 7 {
		t.Fatalf("docs/api.md has %d lifetimes", len(rows))
	}
	for _, row := range rows {
		path := strings.ReplaceAll(row[1], "{id}", "x")
		var seconds int
		if kept := atEdge.FindStringSubmatch(row[3]); kept != nil {
			if seconds, err = strconv.Atoi(kept[1]); err != nil {
				t.Fatal(err)
			}
		}
		i := slices.IndexFunc(c.CDN.Behaviors, func(b stacks.Behavior) bool {
			return regexp.MustCompile("^" + strings.ReplaceAll(b.Path, "*", ".*") + "$").MatchString(path)
		})
		if b := c.CDN.Behaviors[i]; b.Origin != "api" || b.MaxTTLSeconds < seconds || b.Cached() != (seconds > 0) {
			t.Errorf("%s may be kept for %d s at the edge, whose behavior is %+v", path, seconds, b)
		}
	}
}

func TestWhatPassesUncachedCarriesWhatTheAPIReads(t *testing.T) {
	faultTable(t, []faultCase{
		{"cdn", behaviors(t, map[string]any{"path": "/v1/documents", "origin": "api", "forwardQueryStrings": []string{"*"}, "forwardHeaders": []string{"x-request-id", "Authorization", "Idempotency-Key"}}),
			`ragscale:cdn.behaviors[0].forwardHeaders is x-request-id, Authorization, Idempotency-Key, want *: the API reads Authorization at /v1/documents, which CloudFront does not take by name`},
		{"cdn", behaviors(t, map[string]any{"path": "/v1/documents", "origin": "api", "forwardQueryStrings": []string{"limit", "title", "status"}, "forwardHeaders": []string{"*"}}),
			`ragscale:cdn.behaviors[0].forwardQueryStrings lacks cursor, want it: the API reads it at /v1/documents, and CloudFront drops what is not named`},
	})
}

func TestAssetsAreKeyedByTheirPathAlone(t *testing.T) {
	faultTable(t, []faultCase{
		{"cdn", behaviors(t, map[string]any{"path": "/assets/*", "origin": "assets", "maxTtlSeconds": 60, "keyQueryStrings": []string{"v"}, "forwardHeaders": []string{"*"}}),
			"ragscale:cdn.behaviors[0].forwardHeaders is *, want nothing: S3 reads neither headers nor query strings nor cookies\n" +
				`ragscale:cdn.behaviors[0].keyQueryStrings is v, want nothing: S3 reads neither headers nor query strings nor cookies`},
	})
}

func TestTTLsThatCloudFrontRefusesAreAFault(t *testing.T) {
	faultTable(t, []faultCase{
		{"cdn", behaviors(t, map[string]any{"path": "/assets/*", "origin": "assets", "compress": true}),
			`ragscale:cdn.behaviors[0].compress is true with maxTtlSeconds 0, want false: CloudFront compresses what it may cache only`},
		{"cdn", behaviors(t, map[string]any{"path": "/assets/*", "origin": "assets", "minTtlSeconds": 60, "ttlSeconds": 30, "maxTtlSeconds": 90}),
			`ragscale:cdn.behaviors[0].ttlSeconds is 30, want minTtlSeconds to maxTtlSeconds, 60 to 90`},
		{"cdn", behaviors(t, map[string]any{"path": "/v1/search", "origin": "api", "keyQueryStrings": []string{"q"}, "forwardHeaders": []string{"*"}, "forwardQueryStrings": []string{"*"}}),
			`ragscale:cdn.behaviors[0].maxTtlSeconds is 0 with a cache key, want no key parts, which belong into forward then, or a TTL`},
	})
}

func TestBehaviorsThatOverlapAreAFault(t *testing.T) {
	at := func(path string) map[string]any { return map[string]any{"path": path, "origin": "assets"} }
	tests := []struct {
		first, second, want string
	}{
		{"/a/*", "/b/*", `<nil>`},
		{"/a/b", "/a/*", `<nil>`},
		{"/a/?.js", "/a/*.js", `<nil>`},
		{"/a/*", "/a/*", `ragscale:cdn.behaviors[1].path is "/a/*" again, want each path once: cdn.behaviors[0], /a/*`},
		{"/a/*", "/a/b", `ragscale:cdn.behaviors[1].path is "/a/b", which no request reaches, want a place before cdn.behaviors[0], /a/*`},
		{"/a/*", "/a/*/c", `ragscale:cdn.behaviors[1].path is "/a/*/c", which no request reaches, want a place before cdn.behaviors[0], /a/*`},
		{"/a/*", "/*.js", `ragscale:cdn.behaviors[1].path is "/*.js", which overlaps, want a path apart from cdn.behaviors[0], /a/*, or within it`},
		{"/a?", "/?b", `ragscale:cdn.behaviors[1].path is "/?b", which overlaps, want a path apart from cdn.behaviors[0], /a?, or within it`},
	}
	for _, tt := range tests {
		faultTable(t, []faultCase{{"cdn", behaviors(t, at(tt.first), at(tt.second)), tt.want}})
	}
	faultTable(t, []faultCase{
		{"cdn", `{"behaviors": [{"path": "/a/*", "origin": "assets"}]}`, `ragscale:cdn.behaviors[0].path is "/a/*", want * in the last: CloudFront has a behavior for the rest`},
		{"cdn", `{"behaviors": [{"path": "*", "origin": "assets"}, {"path": "/a", "origin": "assets"}]}`,
			"ragscale:cdn.behaviors[1].path is \"/a\", want * in the last: CloudFront has a behavior for the rest\n" +
				`ragscale:cdn.behaviors[1].path is "/a", which no request reaches, want a place before cdn.behaviors[0], *`},
	})
}

func TestFaultOfTheDistributionNamesItsKey(t *testing.T) {
	faultTable(t, []faultCase{
		{"cdn", `{"aliases": ["www.example.com"], "certificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/abc"}`,
			`ragscale:cdn.certificateArn is of region eu-central-1, want one of us-east-1, where CloudFront looks for it`},
		{"cdn", `{"aliases": ["www.example.com"]}`, `ragscale:cdn.certificateArn is not set, want a certificate for the aliases`},
		{"cdn", `{"certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/abc"}`, `ragscale:cdn.aliases is empty with a certificate, want the host names it is for`},
		{"cdn", `{"aliases": ["a.example.com", "a.example.com"], "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/abc"}`,
			`ragscale:cdn.aliases[1] is "a.example.com" again, want each name once`},
		{"cdn", `{"originDomain": "api.example.com"}`, `ragscale:cdn.originDomain is "api.example.com", want nothing, or api.certificateArn with listenerPort 443`},
		{"api", `{"listenerPort": 443, "certificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/abc"}`,
			`ragscale:cdn.originDomain is not set, want the host name in api.certificateArn: the load balancer's own name is in no certificate`},
		{"cdn", `{"aliases": ["https://www.example.com"]}`, `ragscale:cdn.aliases[0] is "https://www.example.com", want a host name such as www.example.com`},
		{"cdn", `{"originShieldRegion": "eu-north-1"}`, `ragscale:cdn.originShieldRegion is "eu-north-1", want a region with Origin Shield (us-east-1, us-east-2, us-west-2, ap-south-1, ap-northeast-1, ap-northeast-2, ap-southeast-1, ap-southeast-2, eu-central-1, eu-west-1, eu-west-2, sa-east-1), or nothing`},
		{"cdn", `{"webAclArn": "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/a/11111111-2222-3333-4444-555555555555"}`,
			`ragscale:cdn.webAclArn is "arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/a/1…, want the ARN of a web ACL for CloudFront (global, us-east-1), or nothing`},
		{"cdn", `{"priceClass": "PriceClass_300"}`, `ragscale:cdn.priceClass is "PriceClass_300" (did you mean PriceClass_100?), want one of PriceClass_100, PriceClass_200, PriceClass_All`},
		{"cdn", `{"behaviors": [{"path": "assets/*"}]}`,
			"ragscale:cdn.behaviors[0].origin is not set, want one of assets, api\n" +
				"ragscale:cdn.behaviors[0].path is \"assets/*\", want a path pattern such as /assets/*, or * for the rest"},
		{"cdn", `{"behaviors": []}`, `ragscale:cdn.behaviors has 0 entries, want at least 1`},
	})
}

func TestProductionHasOneWayIn(t *testing.T) {
	values := onCall()
	values["aws:region"], values["ragscale:environment"] = "eu-central-1", "production"
	values["ragscale:cdn"] = `{"originDomain": "api.example.com"}`
	values["ragscale:api"] = `{"internal": false, "ingressCidrs": ["0.0.0.0/0"], "listenerPort": 443, "certificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/abc"}`
	_, err := stacks.Parse("prod", withAuth(values))
	if want := `ragscale:api.internal is false with cdn.enabled, want true: the distribution reaches the load balancer inside the VPC, and nobody shall go past it`; text(err) != want {
		t.Errorf("%v", err)
	}
}

func TestOriginShieldIsInTheStacksRegionWhereThereIsOne(t *testing.T) {
	for region, want := range map[string]string{"eu-central-1": "eu-central-1", "eu-north-1": ""} {
		values := onCall()
		values["aws:region"] = region
		c, err := stacks.Parse("prod", values)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.CDN.OriginShieldRegion; got != want {
			t.Errorf("%s: %q, want %q", region, got, want)
		}
	}
}

var endpoint = regexp.MustCompile("(?m)^\\| `[A-Z]+ (/v1/[^`?]*)(\\?[^`]*)?` \\|")

// The edge and the API must agree on what tells answers apart; docs/api.md is the contract of both.
func TestAPIReadsAreThoseOfTheContract(t *testing.T) {
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	reads := map[string]stacks.APIRead{}
	for _, r := range stacks.APIReads() {
		reads[r.Path] = r
		for _, name := range slices.Concat(r.QueryStrings, r.Headers, r.Passing) {
			if !strings.Contains(string(page), name) && name != "Content-Type" && name != "If-None-Match" {
				t.Errorf("docs/api.md has no %s, which %s is said to read", name, r.Path)
			}
		}
	}
	for _, row := range endpoint.FindAllStringSubmatch(string(page), -1) {
		path := regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(row[1], "*")
		read, known := reads[path]
		if !known {
			t.Errorf("APIReads lacks %s", path)
			continue
		}
		for name := range strings.SplitSeq(strings.TrimPrefix(row[2], "?"), "&") {
			if name = strings.TrimSuffix(name, "="); name != "" && !slices.Contains(read.QueryStrings, name) {
				t.Errorf("APIReads of %s lacks %s", path, name)
			}
		}
	}
}
