// Package failures injects the failures that AWS has on bad days, so that recovery from them can be tested.
//
// Owns: reading the plan, counting the calls, the wording. Does not own: what a caller does about a failure.
// The plan is a JSON list in <state>/faults.json or in the variable RAGSCALE_FAULTS (which wins). Counters survive
// the plugin's process, so that "the third create" may be in a later run.
package failures

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Env is the variable that holds a plan.
const Env = "RAGSCALE_FAULTS"

// Failure is one entry of a plan.
type Failure struct {
	Op   string `json:"op"`             // create, update, delete or read
	Type string `json:"type"`           // token or glob: "aws:rds/instance:Instance", "aws:ec2/*"; "" is any
	Name string `json:"name,omitempty"` // glob of the resource's name in the program; "" is any
	Nth  int    `json:"nth,omitempty"`  // which matching call fails, from 1; 0 is every one
	Kind Kind   `json:"kind"`
}

// Kind says how a call fails.
type Kind string

// The kinds.
const (
	None             Kind = ""
	Throttle         Kind = "throttle"         // refused, nothing was done
	Timeout          Kind = "timeout"          // no answer, nothing was done
	CrashAfterCreate Kind = "crashAfterCreate" // done, but the answer is lost: the provider dies
	NotReady         Kind = "notReady"         // created, but it does not become ready
)

var (
	ops   = []string{"create", "update", "delete", "read"}
	kinds = []Kind{Throttle, Timeout, CrashAfterCreate, NotReady}
)

// Plan is a list of failures with its counters.
type Plan struct {
	failures []Failure
	counters string // file
}

// Load reads the plan of the sandbox whose state folder is given. No plan is an empty plan.
func Load(state string) (*Plan, error) {
	p := &Plan{counters: filepath.Join(state, "faults-count.json")}
	source, raw := Env, []byte(os.Getenv(Env))
	if len(raw) == 0 {
		var err error
		source = filepath.Join(state, "faults.json")
		raw, err = os.ReadFile(source)
		if errors.Is(err, fs.ErrNotExist) {
			return p, nil
		}
		if err != nil {
			return nil, fmt.Errorf("failure plan: %w", err)
		}
	}
	if err := json.Unmarshal(raw, &p.failures); err != nil {
		return nil, fmt.Errorf("failure plan %s: %w", source, err)
	}
	return p, p.validate(source)
}

func (p *Plan) validate(source string) error {
	var faults []error
	for i, f := range p.failures {
		if !slices.Contains(ops, f.Op) {
			faults = append(faults, fmt.Errorf("%s: [%d].op is %q, want one of %q", source, i, f.Op, ops))
		}
		if !slices.Contains(kinds, f.Kind) {
			faults = append(faults, fmt.Errorf("%s: [%d].kind is %q, want one of %q", source, i, f.Kind, kinds))
		}
		if f.Nth < 0 {
			faults = append(faults, fmt.Errorf("%s: [%d].nth is %d, want 0 or more", source, i, f.Nth))
		}
		for _, glob := range []string{f.Type, f.Name} {
			if _, err := path.Match(glob, ""); err != nil {
				faults = append(faults, fmt.Errorf("%s: [%d]: pattern %q: %w", source, i, glob, err))
			}
		}
	}
	return errors.Join(faults...)
}

// Next counts a call and says how it fails: None for almost all. The first failure of the plan that hits wins.
func (p *Plan) Next(op, token, name string) (Kind, error) {
	hit := None
	var matching []int
	for i, f := range p.failures {
		if f.Op == op && matches(f.Type, token) && matches(f.Name, name) {
			matching = append(matching, i)
		}
	}
	if len(matching) == 0 {
		return None, nil
	}
	err := p.count(func(counts map[int]int) {
		for _, i := range matching {
			counts[i]++
			if f := p.failures[i]; hit == None && (f.Nth == 0 || f.Nth == counts[i]) {
				hit = f.Kind
			}
		}
	})
	return hit, err
}

// Message is how AWS words a failure of this kind.
func Message(k Kind, op, token string) string {
	switch k {
	case Throttle:
		return fmt.Sprintf("%s %s: ThrottlingException: Rate exceeded (injected)", op, token)
	case Timeout:
		return fmt.Sprintf("%s %s: RequestError: send request failed, caused by: context deadline exceeded (injected)", op, token)
	case NotReady:
		return fmt.Sprintf("%s: waiting for state to become 'available' (last state: 'creating', timeout: 40m0s) (injected)", token)
	default:
		return fmt.Sprintf("%s %s: the provider died after the call (injected)", op, token)
	}
}

func matches(glob, s string) bool {
	if glob == "" || glob == s {
		return true
	}
	// "/" is an ordinary character of a token: "aws:ec2/*" names a whole package, "*" everything.
	ok, err := path.Match(noSlash(glob), noSlash(s))
	return err == nil && ok
}

func noSlash(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == '/' {
			b[i] = '.'
		}
	}
	return string(b)
}

// count changes the counters while no other process does.
func (p *Plan) count(change func(map[int]int)) (err error) {
	f, err := os.OpenFile(p.counters, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("failure counters: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("failure counters: %w", err)
	}
	counts := map[int]int{}
	if info, err := f.Stat(); err != nil {
		return err
	} else if info.Size() > 0 {
		if err := json.NewDecoder(f).Decode(&counts); err != nil {
			return fmt.Errorf("failure counters %s: %w", p.counters, err)
		}
	}
	change(counts)
	raw, err := json.Marshal(counts)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(raw, 0)
	return err
}
