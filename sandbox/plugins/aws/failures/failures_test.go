package failures

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func plan(t *testing.T, text string) (*Plan, string) {
	t.Helper()
	t.Setenv(Env, "")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "faults.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p, dir
}

func next(t *testing.T, p *Plan, op, token, name string) Kind {
	t.Helper()
	k, err := p.Next(op, token, name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestNoPlanIsNoFailure(t *testing.T) {
	t.Setenv(Env, "")
	p, err := Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if k := next(t, p, "create", "aws:ec2/vpc:Vpc", "x"); k != None {
		t.Error(k)
	}
}

func TestTheNthCallFailsAlsoInALaterProcess(t *testing.T) {
	p, dir := plan(t, `[{"op":"create","type":"aws:ec2/*","nth":2,"kind":"throttle"}]`)
	if k := next(t, p, "create", "aws:ec2/vpc:Vpc", "a"); k != None {
		t.Error("first:", k)
	}
	later, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if k := next(t, later, "create", "aws:ec2/subnet:Subnet", "b"); k != Throttle {
		t.Error("second:", k)
	}
	if k := next(t, later, "create", "aws:ec2/subnet:Subnet", "c"); k != None {
		t.Error("third:", k)
	}
}

func TestOtherCallsDoNotCount(t *testing.T) {
	p, _ := plan(t, `[{"op":"create","type":"aws:rds/instance:Instance","name":"db*","nth":1,"kind":"notReady"}]`)
	for _, c := range [][3]string{{"update", "aws:rds/instance:Instance", "db"}, {"create", "aws:ec2/vpc:Vpc", "db"}, {"create", "aws:rds/instance:Instance", "x"}} {
		if k := next(t, p, c[0], c[1], c[2]); k != None {
			t.Error(c, k)
		}
	}
	if k := next(t, p, "create", "aws:rds/instance:Instance", "db-1"); k != NotReady {
		t.Error(k)
	}
}

func TestTheEnvironmentWins(t *testing.T) {
	_, dir := plan(t, `[]`)
	t.Setenv(Env, `[{"op":"delete","kind":"timeout"}]`)
	p, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if k := next(t, p, "delete", "aws:ec2/vpc:Vpc", "x"); k != Timeout {
		t.Error(k)
	}
}

func TestABadPlanNamesEveryFault(t *testing.T) {
	t.Setenv(Env, `[{"op":"creat","kind":"slow","nth":-1}]`)
	_, err := Load(t.TempDir())
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`[0].op is "creat"`, `[0].kind is "slow"`, "[0].nth is -1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}
