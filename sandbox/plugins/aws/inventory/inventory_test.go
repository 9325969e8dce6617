package inventory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func open(t *testing.T) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cloud")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func database() Resource {
	state := resource.PropertyMap{
		"identifier": resource.NewStringProperty("db"), "multiAz": resource.NewBoolProperty(true),
		"password": resource.MakeSecret(resource.NewStringProperty("correct horse")),
		"tags":     resource.NewObjectProperty(resource.PropertyMap{"a": resource.NewStringProperty("b")}),
	}
	return Resource{Type: "aws:rds/instance:Instance", ID: "db-1", URN: "urn:1", Region: "eu-central-1", Status: Ready, Inputs: state.Copy(), State: state}
}

func TestWhatIsPutIsRead(t *testing.T) {
	s, dir := open(t)
	if err := s.Put(database()); err != nil {
		t.Fatal(err)
	}
	other, err := Open(dir) // as another process would
	if err != nil {
		t.Fatal(err)
	}
	got, ok, err := other.Get("aws:rds/instance:Instance", "db-1")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if d := cmp.Diff(database().State.Mappable(), got.State.Mappable()); d != "" {
		t.Error(d)
	}
	if !got.State["password"].IsSecret() {
		t.Error("the password came back as no secret")
	}
}

func TestSecretsAreNotOnDiskInClear(t *testing.T) {
	s, dir := open(t)
	if err := s.Put(database()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "correct horse") {
			t.Errorf("%s has the password", e.Name())
		}
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	s, dir := open(t)
	if err := s.Put(database()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
}

func TestAnotherKeyDoesNotOpenASecret(t *testing.T) {
	s, dir := open(t)
	if err := s.Put(database()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, ".key")); err != nil {
		t.Fatal(err)
	}
	other, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = other.Get("aws:rds/instance:Instance", "db-1"); err == nil || !strings.Contains(err.Error(), "does not open with this inventory's key") {
		t.Errorf("got %v", err)
	}
}

func TestReserveRefusesWhatIsReady(t *testing.T) {
	s, _ := open(t)
	if err := s.Put(database()); err != nil {
		t.Fatal(err)
	}
	if err := s.Reserve(database()); !errors.Is(err, ErrExists) {
		t.Errorf("got %v", err)
	}
}

func TestAnInterruptedCreateIsTakenOver(t *testing.T) {
	s, _ := open(t)
	for range 2 {
		if err := s.Reserve(database()); err != nil {
			t.Fatal(err)
		}
	}
	stranger := database()
	stranger.URN = "urn:2"
	if err := s.Reserve(stranger); !errors.Is(err, ErrExists) {
		t.Errorf("another URN: got %v", err)
	}
}

func TestFreeGenerationSkipsReadyOnes(t *testing.T) {
	s, _ := open(t)
	for g, id := range []string{"a", "b"} {
		r := database()
		r.ID, r.Generation = id, g
		if err := s.Put(r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.FreeGeneration("aws:rds/instance:Instance", "urn:1")
	if err != nil || got != 2 {
		t.Errorf("got %d, %v, want 2", got, err)
	}
}

func TestListIsByType(t *testing.T) {
	s, _ := open(t)
	if err := s.Put(database()); err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]int{"aws:rds/instance:Instance": 1, "aws:rds/inst": 0, "": 1} {
		got, err := s.List(token)
		if err != nil || len(got) != want {
			t.Errorf("%q: %d resources, %v, want %d", token, len(got), err, want)
		}
	}
}

func TestEditChangesTheState(t *testing.T) {
	s, dir := open(t)
	if err := s.Put(database()); err != nil {
		t.Fatal(err)
	}
	if err := Edit(dir, "aws:rds/instance:Instance", "db-1", func(m map[string]any) { m["multiAz"] = false }); err != nil {
		t.Fatal(err)
	}
	got, _, err := s.Get("aws:rds/instance:Instance", "db-1")
	if err != nil || got.State["multiAz"].BoolValue() {
		t.Errorf("multiAz is %v, %v", got.State["multiAz"], err)
	}
	if got.State["password"].SecretValue().Element.StringValue() != "correct horse" {
		t.Error("the password was lost")
	}
}

func TestEditOfNothingIsAnError(t *testing.T) {
	_, dir := open(t)
	err := Edit(dir, "aws:ec2/vpc:Vpc", "vpc-1", func(map[string]any) {})
	if err == nil || !strings.Contains(err.Error(), `"vpc-1" is not in the inventory`) {
		t.Errorf("got %v", err)
	}
}

func TestReservationsAreExclusive(t *testing.T) {
	_, dir := open(t)
	var won, lost int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s, err := Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			r := database()
			r.URN = string(rune('a' + i))
			err = s.Reserve(r)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, ErrExists):
				lost++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 || lost != 7 {
		t.Errorf("%d won and %d lost, want 1 and 7", won, lost)
	}
}
