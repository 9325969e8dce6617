package catalogue_test

import (
	"encoding/json"
	"fmt"
	"go/build"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/catalogue/redis"
)

// sourceOf reads a file of a module that go.mod requires, from the module cache. When the module is raised these tests say
// what of the catalogue is old.
func sourceOf(t *testing.T, module, file string) string {
	t.Helper()
	requirements, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^\t` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(requirements)
	if version == nil {
		t.Fatalf("go.mod requires no %s", module)
	}
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		cache = filepath.Join(filepath.SplitList(build.Default.GOPATH)[0], "pkg", "mod")
	}
	text, err := os.ReadFile(filepath.Join(cache, filepath.FromSlash(module)+"@"+string(version[1]), filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRegionsAreThoseOfTheSDK(t *testing.T) {
	var sdk struct {
		Partitions []struct{ Regions map[string]any }
	}
	text := sourceOf(t, "github.com/aws/aws-sdk-go-v2", "internal/endpoints/awsrulesfn/partitions.json")
	if err := json.Unmarshal([]byte(text), &sdk); err != nil {
		t.Fatal(err)
	}
	var regions []string
	for _, p := range sdk.Partitions {
		for name := range maps.Keys(p.Regions) {
			if !strings.HasSuffix(name, "-global") {
				regions = append(regions, name)
			}
		}
	}
	slices.Sort(regions)
	if !slices.Equal(regions, catalogue.Regions()) {
		t.Errorf("the SDK has %v, the catalogue %v", regions, catalogue.Regions())
	}
}

func TestPeriodsOfLogsAreThoseOfTheProvider(t *testing.T) {
	text := sourceOf(t, "github.com/pulumi/pulumi-aws/sdk/v6", "go/aws/cloudwatch/logGroup.go")
	listed := regexp.MustCompile(`Possible values are: ([0-9, ]+), and 0\.`).FindStringSubmatch(text)
	if listed == nil {
		t.Fatal("the provider lists no periods any more")
	}
	var days []int
	for word := range strings.SplitSeq(listed[1], ", ") {
		n, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		days = append(days, n)
	}
	if !slices.Equal(days, catalogue.LogDays()) {
		t.Errorf("the provider has %v, the catalogue %v", days, catalogue.LogDays())
	}
}

func TestInstanceTypesAreAmongTheSDKs(t *testing.T) {
	text := sourceOf(t, "github.com/aws/aws-sdk-go-v2/service/ec2", "types/enums.go")
	for _, name := range ec2.Names() {
		if !strings.Contains(text, strconv.Quote(name)) {
			t.Errorf("the SDK knows no %s", name)
		}
	}
}

// What the SDK's own documentation of a request says is what stands here.
func TestLimitsAreInTheWordsOfTheSDK(t *testing.T) {
	const database, cache = "github.com/aws/aws-sdk-go-v2/service/rds", "github.com/aws/aws-sdk-go-v2/service/elasticache"
	intervals := strings.Trim(strings.ReplaceAll(fmt.Sprint(rds.MonitoringIntervals), " ", " | "), "[]")
	for _, c := range []struct{ module, file, words string }{
		{database, "api_op_CreateDBInstance.go", "Valid Values: " + intervals},
		{database, "api_op_CreateDBInstance.go", fmt.Sprintf("RDS for PostgreSQL - Must contain from %d to %d characters.", rds.Password.Least, rds.Password.Most)},
		{database, "api_op_CreateDBInstance.go", fmt.Sprintf("Must be at least %.0f minutes.", rds.LeastWindow.Minutes())},
		{database, "api_op_CreateDBInstance.go", "Can't be a reserved word for the chosen database engine."},
		{cache, "api_op_CreateReplicationGroup.go", fmt.Sprintf("The minimum maintenance window is a %.0f minute period.", redis.LeastWindow.Minutes())},
	} {
		if text := strings.Join(strings.Fields(strings.ReplaceAll(sourceOf(t, c.module, c.file), "//", " ")), " "); !strings.Contains(text, c.words) {
			t.Errorf("%s does not say %q any more", c.file, c.words)
		}
	}
}
