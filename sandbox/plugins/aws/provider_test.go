package aws

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/failures"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

const (
	vpcToken  = "aws:ec2/vpc:Vpc"
	dbToken   = "aws:rds/instance:Instance"
	roleToken = "aws:iam/role:Role"
	trust     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
)

type object = map[string]any

// daemon is a sandbox whose answer is fixed. It keeps what it was asked for last.
type daemon struct {
	err      error
	database control.Database
	cache    control.Cache
}

func (d *daemon) Put(_ context.Context, _, _ string, in, out any) error {
	switch in := in.(type) {
	case control.Database:
		d.database = in
	case control.Cache:
		d.cache = in
	}
	if info, ok := out.(*control.DatabaseInfo); ok {
		*info = control.DatabaseInfo{Address: "db.local", Port: 5432, EngineVersion: "17.12"}
	}
	return d.err
}

func (d *daemon) Delete(context.Context, string, string) error { return d.err }

type world struct {
	t *testing.T
	*Provider
	layout layout.Layout
	daemon *daemon
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, layout: layout.Layout{Dir: t.TempDir()}, daemon: &daemon{}}
	w.restart()
	return w
}

// restart is a new plugin process on the same sandbox.
func (w *world) restart() {
	w.t.Helper()
	p, err := New(w.layout, w.daemon)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Provider = p
}

func urn(token, name string) resource.URN {
	return resource.NewURN("local", "ragscale", "", tokens.Type(token), name)
}

func properties(m object) resource.PropertyMap { return resource.NewPropertyMapFromMap(m) }

func (w *world) check(token, name string, olds resource.PropertyMap, news object) plugin.CheckResponse {
	w.t.Helper()
	r, err := w.Check(w.t.Context(), plugin.CheckRequest{URN: urn(token, name), Type: tokens.Type(token), Olds: olds, News: properties(news)})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// inputs are checked inputs.
func (w *world) inputs(token, name string, news object) resource.PropertyMap {
	w.t.Helper()
	r := w.check(token, name, nil, news)
	if len(r.Failures) > 0 {
		w.t.Fatal(r.Failures)
	}
	return r.Properties
}

func (w *world) tryCreate(token, name string, inputs resource.PropertyMap) (plugin.CreateResponse, error) {
	return w.Create(w.t.Context(), plugin.CreateRequest{URN: urn(token, name), Type: tokens.Type(token), Properties: inputs})
}

func (w *world) create(token, name string, inputs object) plugin.CreateResponse {
	w.t.Helper()
	r, err := w.tryCreate(token, name, w.inputs(token, name, inputs))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) diff(token string, old, new resource.PropertyMap, ignore ...string) plugin.DiffResult {
	w.t.Helper()
	r, err := w.Diff(w.t.Context(), plugin.DiffRequest{URN: urn(token, "x"), Type: tokens.Type(token), OldInputs: old, NewInputs: new, IgnoreChanges: ignore})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) read(token string, id resource.ID) plugin.ReadResponse {
	w.t.Helper()
	r, err := w.Read(w.t.Context(), plugin.ReadRequest{URN: urn(token, "x"), Type: tokens.Type(token), ID: id})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func database() object {
	return object{
		"identifier": "rag", "engine": "postgres", "engineVersion": "17.6", "instanceClass": "db.t4g.medium", "allocatedStorage": 20, "storageType": "gp3",
		"username": "rag", "password": "correct-horse", "skipFinalSnapshot": true,
	}
}

func refusals(r plugin.CheckResponse) string {
	var lines []string
	for _, f := range r.Failures {
		lines = append(lines, f.Reason)
	}
	return strings.Join(lines, "\n")
}

func TestAllFaultsOfStructureComeAtOnce(t *testing.T) {
	w := start(t)
	got := refusals(w.check(dbToken, "db", nil, object{"instnceClass": "db.t4g.medium", "allocatedStorage": "20"}))
	want := "allocatedStorage is string, want an integer\ninstanceClass missing, want a string\n" + `instnceClass unknown property (did you mean "instanceClass"?)`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRulesAreCheckedAfterStructure(t *testing.T) {
	w := start(t)
	in := database()
	in["iops"] = 3000
	if got := refusals(w.check(dbToken, "db", nil, in)); got != "iops is given with 20 GiB of gp3, want none below 400 GiB: the baseline is fixed there" {
		t.Errorf("got %q", got)
	}
}

func TestAnUnknownTypeIsNamed(t *testing.T) {
	w := start(t)
	_, err := w.Check(t.Context(), plugin.CheckRequest{URN: urn("aws:ec2/vcp:Vcp", "x"), Type: "aws:ec2/vcp:Vcp"})
	if err == nil || !strings.Contains(err.Error(), `no resource type "aws:ec2/vcp:Vcp" (did you mean "aws:ec2/vpc:Vpc"?)`) {
		t.Errorf("got %v", err)
	}
}

func TestAGeneratedNameStaysOverUpdates(t *testing.T) {
	w := start(t)
	first := w.inputs(roleToken, "api", object{"assumeRolePolicy": trust})
	if name := props.Str(first, "name"); !strings.HasPrefix(name, "api-") || len(name) != len("api-0123456") {
		t.Errorf("name %q", name)
	}
	second := w.check(roleToken, "api", first, object{"assumeRolePolicy": trust, "description": "new"})
	if d := cmp.Diff(props.Str(first, "name"), props.Str(second.Properties, "name")); d != "" {
		t.Error(d)
	}
}

func TestAReplacementGetsAnotherNameAndID(t *testing.T) {
	w := start(t)
	first := w.create(roleToken, "api", object{"assumeRolePolicy": trust})
	second := w.create(roleToken, "api", object{"assumeRolePolicy": trust, "path": "/team/"}) // the first still exists
	if first.ID == second.ID {
		t.Errorf("both are %s", first.ID)
	}
	a, b := w.create(vpcToken, "v", object{"cidrBlock": "10.0.0.0/16"}), w.create(vpcToken, "v", object{"cidrBlock": "10.1.0.0/16"})
	if a.ID == b.ID {
		t.Errorf("both are %s", a.ID)
	}
}

func TestANameTooLongIsRefused(t *testing.T) {
	w := start(t)
	got := refusals(w.check("aws:lb/targetGroup:TargetGroup", strings.Repeat("x", 30), nil, object{"port": 80, "protocol": "HTTP", "vpcId": "vpc-1"}))
	if !strings.Contains(got, "38 characters, want at most 32") {
		t.Errorf("got %q", got)
	}
}

func TestATakenNameIsRefused(t *testing.T) {
	w := start(t)
	w.create(roleToken, "a", object{"assumeRolePolicy": trust, "name": "same"})
	_, err := w.tryCreate(roleToken, "b", properties(object{"assumeRolePolicy": trust, "name": "same"}))
	if err == nil || !strings.Contains(err.Error(), `aws:iam/role:Role "same" already exists`) {
		t.Errorf("got %v", err)
	}
	sns := object{"name": "group", "vpcId": w.create(vpcToken, "v", object{"cidrBlock": "10.0.0.0/16"}).ID.String()}
	w.create("aws:ec2/securityGroup:SecurityGroup", "a", sns)
	_, err = w.tryCreate("aws:ec2/securityGroup:SecurityGroup", "b", properties(sns))
	if err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("security group: got %v", err)
	}
}

func TestPreviewNeedsNoSandboxAndWritesNothing(t *testing.T) {
	w := start(t)
	w.daemon.err = control.ErrNotRunning
	r, err := w.Create(t.Context(), plugin.CreateRequest{URN: urn(dbToken, "db"), Type: dbToken, Properties: w.inputs(dbToken, "db", database()), Preview: true})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Properties["endpoint"].IsComputed() || props.Str(r.Properties, "identifier") != "rag" {
		t.Errorf("endpoint %v, identifier %v", r.Properties["endpoint"], r.Properties["identifier"])
	}
	if all, err := w.store.List(""); err != nil || len(all) > 0 {
		t.Errorf("inventory has %v, %v", all, err)
	}
}

func TestWithoutASandboxAnEngineIsNotCreated(t *testing.T) {
	w := start(t)
	w.daemon.err = control.ErrNotRunning
	_, err := w.tryCreate(dbToken, "db", w.inputs(dbToken, "db", database()))
	if !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("got %v", err)
	}
	if all, err := w.store.List(""); err != nil || len(all) > 0 {
		t.Errorf("inventory has %v, %v", all, err)
	}
}

func TestTheEnginesAnswersAreOutputs(t *testing.T) {
	w := start(t)
	r := w.create(dbToken, "db", database())
	if got := props.Str(r.Properties, "endpoint"); got != "db.local:5432" {
		t.Errorf("endpoint %q", got)
	}
}

func TestAHalfMadeResourceIsFinishedByAnUpdate(t *testing.T) {
	w := start(t)
	inputs := w.inputs(dbToken, "db", database())
	w.daemon.err = errors.New("initdb: no space left")
	_, err := w.tryCreate(dbToken, "db", inputs)
	failed := initFailed(t, err)
	if failed.Id == "" || !strings.Contains(failed.Reasons[0], "no space left") {
		t.Fatalf("got %v", failed)
	}
	w.daemon.err = nil
	r, err := w.Update(t.Context(), plugin.UpdateRequest{URN: urn(dbToken, "db"), Type: dbToken, ID: resource.ID(failed.Id), OldInputs: inputs, NewInputs: inputs})
	if err != nil || props.Str(r.Properties, "endpoint") != "db.local:5432" {
		t.Errorf("got %v, %v", r.Properties["endpoint"], err)
	}
}

func initFailed(t *testing.T, err error) *pulumirpc.ErrorResourceInitFailed {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, d := range rpcerror.Convert(err).Details() {
		if f, ok := d.(*pulumirpc.ErrorResourceInitFailed); ok {
			return f
		}
	}
	t.Fatalf("no half-made resource in %v", err)
	return nil
}

func TestSecretsStaySecretAndOffTheDisk(t *testing.T) {
	w := start(t)
	r := w.create(dbToken, "db", database())
	if !r.Properties["password"].IsSecret() {
		t.Error("the output is no secret")
	}
	read := w.read(dbToken, r.ID)
	if !read.Inputs["password"].IsSecret() || !read.Outputs["password"].IsSecret() {
		t.Error("the password that was read is no secret")
	}
	err := filepath.WalkDir(w.layout.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if strings.Contains(string(raw), "correct-horse") {
			t.Errorf("%s has the password", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDriftIsReadAndShowsInTheDiff(t *testing.T) {
	w := start(t)
	inputs := w.inputs(dbToken, "db", database())
	r := w.create(dbToken, "db", database())
	if d := w.diff(dbToken, w.read(dbToken, r.ID).Inputs, inputs); d.Changes != plugin.DiffNone {
		t.Errorf("before the drift: %v", d.ChangedKeys)
	}
	err := inventory.Edit(w.layout.Cloud(), dbToken, string(r.ID), func(m map[string]any) { m["allocatedStorage"] = 50 })
	if err != nil {
		t.Fatal(err)
	}
	d := w.diff(dbToken, w.read(dbToken, r.ID).Inputs, inputs)
	if diff := cmp.Diff([]resource.PropertyKey{"allocatedStorage"}, d.ChangedKeys); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsGoneReadsEmpty(t *testing.T) {
	w := start(t)
	if r := w.read(vpcToken, "vpc-1"); r.ID != "" || r.Outputs != nil {
		t.Errorf("got %+v", r)
	}
}

func TestAnImportNeedsTheIDOnly(t *testing.T) {
	w := start(t)
	id := w.create(vpcToken, "v", object{"cidrBlock": "10.0.0.0/16"}).ID
	w.restart()
	r := w.read(vpcToken, id)
	if r.ID != id || props.Str(r.Inputs, "cidrBlock") != "10.0.0.0/16" || !strings.HasSuffix(props.Str(r.Outputs, "arn"), string(id)) {
		t.Errorf("got %+v", r)
	}
}

func TestADatabaseIsNotReplacedByTuning(t *testing.T) {
	w := start(t)
	old := properties(database())
	change := database()
	change["instanceClass"], change["allocatedStorage"], change["parameterGroupName"], change["password"] = "db.r7g.large", 400, "other", "another-secret"
	d := w.diff(dbToken, old, properties(change))
	if len(d.ReplaceKeys) > 0 || len(d.ChangedKeys) != 4 {
		t.Errorf("replace %v, changed %v", d.ReplaceKeys, d.ChangedKeys)
	}
}

func TestAChangeThatAWSCannotMakeReplaces(t *testing.T) {
	w := start(t)
	d := w.diff(vpcToken, properties(object{"cidrBlock": "10.0.0.0/16"}), properties(object{"cidrBlock": "10.1.0.0/16"}))
	if diff := cmp.Diff([]resource.PropertyKey{"cidrBlock"}, d.ReplaceKeys); diff != "" {
		t.Error(diff)
	}
	if d.DeleteBeforeReplace {
		t.Error("a VPC can be made before the old one goes")
	}
}

func TestAFixedNameIsDeletedBeforeItIsReplaced(t *testing.T) {
	w := start(t)
	old := properties(object{"name": "fixed", "path": "/"})
	d := w.diff(roleToken, old, properties(object{"name": "fixed", "path": "/team/"}))
	if !d.DeleteBeforeReplace {
		t.Error("two roles of one name cannot be")
	}
	generated := properties(object{"name": "api-0123456", "path": "/team/", "__defaults": []any{"name"}})
	if w.diff(roleToken, old, generated).DeleteBeforeReplace {
		t.Error("a generated name needs no delete first")
	}
}

func TestIgnoredChangesDoNotShow(t *testing.T) {
	w := start(t)
	const token = "aws:eks/nodeGroup:NodeGroup"
	old := properties(object{"scalingConfig": object{"desiredSize": 3, "maxSize": 5}})
	change := properties(object{"scalingConfig": object{"desiredSize": 2, "maxSize": 6}})
	d := w.diff(token, old, change, "scalingConfig.desiredSize")
	if diff := cmp.Diff(map[string]plugin.PropertyDiff{"scalingConfig.maxSize": {Kind: plugin.DiffUpdate, InputDiff: true}}, d.DetailedDiff); diff != "" {
		t.Error(diff)
	}
}

func TestKnownToUnknownIsAChange(t *testing.T) {
	w := start(t)
	old := properties(object{"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/20"})
	change := old.Copy()
	change["vpcId"] = resource.MakeComputed(resource.NewStringProperty(""))
	d := w.diff("aws:ec2/subnet:Subnet", old, change)
	if diff := cmp.Diff([]resource.PropertyKey{"vpcId"}, d.ReplaceKeys); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyAndAbsentAreTheSame(t *testing.T) {
	w := start(t)
	d := w.diff(vpcToken, properties(object{"tags": object{}}), properties(object{}))
	if d.Changes != plugin.DiffNone {
		t.Error(d.ChangedKeys)
	}
}

func TestAKeyWithADotIsOneStep(t *testing.T) {
	w := start(t)
	d := w.diff(vpcToken, properties(object{}), properties(object{"tags": object{"kubernetes.io/role/elb": "1"}}))
	if diff := cmp.Diff([]resource.PropertyKey{"tags"}, d.ChangedKeys); diff != "" {
		t.Error(diff)
	}
	tags := properties(object{"tags": object{"a": "1", "kubernetes.io/role/elb": "1"}})
	d = w.diff(vpcToken, properties(object{"tags": object{"a": "1"}}), tags, `tags["kubernetes.io/role/elb"]`)
	if d.Changes != plugin.DiffNone {
		t.Errorf("ignored, but changed: %v", d.DetailedDiff)
	}
}

func TestUpdateGivesALaunchTemplateANewVersion(t *testing.T) {
	w := start(t)
	const token = "aws:ec2/launchTemplate:LaunchTemplate"
	inputs := w.inputs(token, "lt", object{})
	id := w.create(token, "lt", object{}).ID
	change := inputs.Copy()
	change["imageId"] = resource.NewStringProperty("ami-1")
	r, err := w.Update(t.Context(), plugin.UpdateRequest{URN: urn(token, "lt"), Type: token, ID: id, OldInputs: inputs, NewInputs: change})
	if err != nil || props.Int(r.Properties, "latestVersion", 0) != 2 || props.Int(r.Properties, "defaultVersion", 0) != 1 {
		t.Errorf("latest %v, default %v, %v", r.Properties["latestVersion"], r.Properties["defaultVersion"], err)
	}
}

func TestUpdatePreviewKeepsWhatStays(t *testing.T) {
	w := start(t)
	created := w.create(dbToken, "db", database())
	change := properties(database())
	change["multiAz"] = resource.NewBoolProperty(true)
	r, err := w.Update(t.Context(), plugin.UpdateRequest{
		URN: urn(dbToken, "db"), Type: dbToken, ID: created.ID, OldOutputs: created.Properties, NewInputs: change, Preview: true,
	})
	if err != nil || props.Str(r.Properties, "endpoint") != "db.local:5432" || !props.Bool(r.Properties, "multiAz", false) {
		t.Errorf("endpoint %v, multiAz %v, %v", r.Properties["endpoint"], r.Properties["multiAz"], err)
	}
}

func TestTheClustersSecurityGroupIsUnknownInAPreview(t *testing.T) {
	w := start(t)
	const token = "aws:eks/cluster:Cluster"
	in := w.inputs(token, "c", object{"roleArn": "arn:x", "vpcConfig": object{"subnetIds": []any{"subnet-1", "subnet-2"}}})
	r, err := w.Create(t.Context(), plugin.CreateRequest{URN: urn(token, "c"), Type: token, Properties: in, Preview: true})
	if err != nil || !props.Unknown(r.Properties, "vpcConfig.clusterSecurityGroupId") {
		t.Errorf("got %v, %v", r.Properties["vpcConfig"], err)
	}
}

func TestDeleteRefusesWhatIsInUse(t *testing.T) {
	w := start(t)
	vpc := w.create(vpcToken, "v", object{"cidrBlock": "10.0.0.0/16"}).ID
	const subnet = "aws:ec2/subnet:Subnet"
	sub := w.create(subnet, "s", object{"vpcId": string(vpc), "cidrBlock": "10.0.0.0/20"}).ID
	del := func(token string, id resource.ID) error {
		_, err := w.Delete(t.Context(), plugin.DeleteRequest{URN: urn(token, "x"), Type: tokens.Type(token), ID: id})
		return err
	}
	if err := del(vpcToken, vpc); err == nil || !strings.Contains(err.Error(), "DependencyViolation") {
		t.Errorf("got %v", err)
	}
	for _, step := range []struct {
		token string
		id    resource.ID
	}{{subnet, sub}, {vpcToken, vpc}, {vpcToken, vpc}} { // twice: what is gone is fine
		if err := del(step.token, step.id); err != nil {
			t.Error(err)
		}
	}
	if all, err := w.store.List(""); err != nil || len(all) > 0 {
		t.Errorf("left: %v, %v", all, err)
	}
}

func TestFaultsHitAndTheNextTryConverges(t *testing.T) {
	in := object{"cidrBlock": "10.0.0.0/16"}
	for _, c := range []struct {
		kind failures.Kind
		want string
	}{
		{failures.Throttle, "ThrottlingException: Rate exceeded"},
		{failures.Timeout, "context deadline exceeded"},
		{failures.CrashAfterCreate, "exit 1"},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Setenv(failures.Env, `[{"op":"create","type":"`+vpcToken+`","nth":1,"kind":"`+string(c.kind)+`"}]`)
			dir := t.TempDir()
			w := &world{t: t, layout: layout.Layout{Dir: dir}, daemon: &daemon{}}
			w.restart()
			w.exit = func(int) { panic(errors.New("exit 1")) }
			if err := crashing(func() error { _, err := w.tryCreate(vpcToken, "v", properties(in)); return err }); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			w.restart()
			w.create(vpcToken, "v", in)
			if all, err := w.store.List(""); err != nil || len(all) != 1 {
				t.Errorf("the account has %d resources, %v, want 1", len(all), err)
			}
		})
	}
}

// crashing turns the end of a process into an error.
func crashing(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = r.(error)
		}
	}()
	return f()
}

func TestANotReadyResourceIsReportedWithItsState(t *testing.T) {
	t.Setenv(failures.Env, `[{"op":"create","nth":1,"kind":"notReady"}]`)
	w := start(t)
	_, err := w.tryCreate(vpcToken, "v", properties(object{"cidrBlock": "10.0.0.0/16"}))
	if f := initFailed(t, err); f.Id == "" || f.Properties.Fields["arn"] == nil || f.Inputs.Fields["cidrBlock"] == nil {
		t.Errorf("got %v", f)
	}
}

func TestDefaultTagsReachTagsAll(t *testing.T) {
	w := start(t)
	_, err := w.Configure(t.Context(), plugin.ConfigureRequest{Inputs: properties(object{"region": "eu-west-1", "defaultTags": `{"tags":{"project":"ragscale"}}`})})
	if err != nil {
		t.Fatal(err)
	}
	r := w.create(vpcToken, "v", object{"cidrBlock": "10.0.0.0/16"})
	if props.Str(r.Properties, "tagsAll.project") != "ragscale" || !strings.Contains(props.Str(r.Properties, "arn"), ":eu-west-1:") {
		t.Errorf("tagsAll %v, arn %v", r.Properties["tagsAll"], r.Properties["arn"])
	}
}

func TestBadProviderConfigurationIsNamed(t *testing.T) {
	w := start(t)
	r, err := w.CheckConfig(t.Context(), plugin.CheckConfigRequest{News: properties(object{
		"regoin": "eu-central-1", "region": "frankfurt", "allowedAccountIds": `["1"]`, "version": "6.83.4",
	})})
	if err != nil {
		t.Fatal(err)
	}
	got := refusals(plugin.CheckResponse{Failures: r.Failures})
	for _, want := range []string{`regoin unknown property (did you mean "region"?)`, `region is "frankfurt"`, `allowedAccountIds is ["1"] without the sandbox's account 123456789012`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
}

func TestAnotherRegionReplacesTheProvider(t *testing.T) {
	w := start(t)
	r, err := w.DiffConfig(t.Context(), plugin.DiffConfigRequest{OldInputs: properties(object{"region": "a"}), NewInputs: properties(object{"region": "b"})})
	if err != nil || len(r.ReplaceKeys) != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// What AWS answers otherwise than it was sent differs at the next update, without a refresh; what it answers as sent does not.
func TestAnotherAnswerDiffersAtEveryUpdate(t *testing.T) {
	w := start(t)
	base := object{"engine": "redis", "userId": "rag-default", "userName": "default", "accessString": "off ~* -@all"}
	with := func(more object) object {
		all := object{}
		for _, m := range []object{base, more} {
			for k, v := range m {
				all[k] = v
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		inputs object
		want   string // path that differs
	}{
		"a":  {with(object{"authenticationMode": object{"type": "no-password-required"}}), "authenticationMode.type"},
		"b":  {with(object{"userId": "rag-b", "noPasswordRequired": true}), ""},
		"cc": {with(object{"userId": "rag-c", "noPasswordRequired": true, "accessString": "on allkeys allcommands"}), "accessString"},
	} {
		made := w.create("aws:elasticache/user:User", name, c.inputs)
		inputs := w.inputs("aws:elasticache/user:User", name, c.inputs)
		r, err := w.Diff(t.Context(), plugin.DiffRequest{
			URN: urn("aws:elasticache/user:User", name), Type: "aws:elasticache/user:User", ID: made.ID,
			OldInputs: inputs, OldOutputs: made.Properties, NewInputs: inputs,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, differs := r.DetailedDiff[c.want]; differs != (c.want != "") || len(r.DetailedDiff) > 1 {
			t.Errorf("%s: got %v, want %q", name, r.DetailedDiff, c.want)
		}
	}
}

func TestASecondClusterIsRefusedInThePreview(t *testing.T) {
	const token = "aws:eks/cluster:Cluster"
	w := start(t)
	in := object{"name": "first", "version": "1.36", "roleArn": "arn:x", "vpcConfig": object{"subnetIds": []any{"subnet-a", "subnet-b"}}}
	if err := w.store.Put(inventory.Resource{Type: token, ID: "first", URN: string(urn(token, "first")), Region: "eu-central-1", Status: inventory.Ready, State: properties(in)}); err != nil {
		t.Fatal(err)
	}
	if r := w.check(token, "first", nil, in); len(r.Failures) > 0 {
		t.Errorf("its own cluster: %v", r.Failures)
	}
	in["name"] = "second"
	r := w.check(token, "second", nil, in)
	want := `name is "second": the sandbox holds one cluster and that is "first", want that one deleted first`
	if len(r.Failures) != 1 || r.Failures[0].Reason != want {
		t.Errorf("got %v, want %s", r.Failures, want)
	}
	other := plugin.CheckRequest{URN: resource.NewURN("prod", "ragscale", "", tokens.Type(token), "second"), Type: tokens.Type(token), News: properties(in)}
	if r, err := w.Check(t.Context(), other); err != nil || len(r.Failures) > 0 {
		t.Errorf("the preview of another stack: %v (%v)", r.Failures, err)
	}
}
