// Package inventory is the sandbox's AWS account: what exists there, one JSON file for each resource.
//
// Owns: the files below layout.Cloud(), their atomic change under a lock that processes share, and the sealing of
// secret values, which never reach the disk in clear. Does not own: what the properties mean.
// Refresh, drift, import and delete see this, not the engine's state file.
package inventory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/sys/unix"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
)

// Resource is one resource of the account.
type Resource struct {
	Type   string // token: "aws:rds/instance:Instance"
	ID     string
	URN    string // of the program's resource that created it
	Region string
	Status Status
	// Generation tells the resources of one URN apart while a replacement and its predecessor both exist.
	Generation int
	Inputs     resource.PropertyMap // as declared
	State      resource.PropertyMap // inputs and outputs, as the account has them now

	Waiting resource.PropertyMap // modifications that AWS keeps for the maintenance window
	Since   time.Time            // when the last of them was asked for
	// Booted are the static parameters under which a database started last, by name; nil before its first start.
	Booted map[string]string
}

// Status says how far a resource is.
type Status string

// The two states. A resource that stays Creating was interrupted: a create with the same URN takes it over.
const (
	Creating Status = "creating"
	Ready    Status = "ready"
)

// ErrExists says that a resource of the same type and id is there already.
var ErrExists = errors.New("already exists")

// Store is an open inventory. Its methods may be called concurrently, also from several processes.
type Store struct {
	dir  string
	seal sealer
	mu   sync.Mutex
}

// Open opens the inventory in folder dir, which is made if need be.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("inventory: %w", err)
	}
	s := &Store{dir: dir}
	err := s.locked(func() (err error) {
		s.seal, err = openSealer(filepath.Join(dir, ".key"))
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// record is the file's form of a Resource.
type record struct {
	Type   string         `json:"type"`
	ID     string         `json:"id"`
	URN    string         `json:"urn"`
	Region string         `json:"region"`
	Status Status         `json:"status"`
	Gen    int            `json:"generation"`
	Inputs map[string]any `json:"inputs"`
	State  map[string]any `json:"state"`

	Waiting map[string]any    `json:"waiting,omitempty"`
	Since   time.Time         `json:"since,omitzero"`
	Booted  map[string]string `json:"booted,omitempty"`
}

// Reserve writes r with status Creating. A ready resource with the same type and id gives ErrExists, as does one
// that another URN is creating.
func (s *Store) Reserve(r Resource) error {
	return s.locked(func() error {
		old, ok, err := s.read(s.path(r.Type, r.ID))
		if err != nil {
			return err
		}
		if ok && (old.Status == Ready || old.URN != r.URN) {
			return ErrExists
		}
		r.Status = Creating
		return s.write(r)
	})
}

// Put writes r as it is.
func (s *Store) Put(r Resource) error { return s.locked(func() error { return s.write(r) }) }

// Delete removes a resource; what is not there is fine.
func (s *Store) Delete(token, id string) error {
	return s.locked(func() error {
		if err := os.Remove(s.path(token, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("inventory: %w", err)
		}
		return nil
	})
}

// Get returns a resource; ok is false when there is none.
func (s *Store) Get(token, id string) (r Resource, ok bool, err error) {
	rec, ok, err := s.read(s.path(token, id))
	if !ok || err != nil {
		return Resource{}, false, err
	}
	r, err = s.decode(rec)
	return r, err == nil, err
}

// List returns the resources of a type, by file name; all of them for the token "".
func (s *Store) List(token string) ([]Resource, error) {
	names, err := filepath.Glob(filepath.Join(s.dir, "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var out []Resource
	for _, name := range names {
		if token != "" && !strings.HasPrefix(filepath.Base(name), prefix(token)) {
			continue
		}
		rec, ok, err := s.read(name)
		if err != nil {
			return nil, err
		}
		if !ok { // deleted meanwhile
			continue
		}
		r, err := s.decode(rec)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// FreeGeneration is the first generation that no ready resource of the URN has.
func (s *Store) FreeGeneration(token, urn string) (int, error) {
	all, err := s.List(token)
	if err != nil {
		return 0, err
	}
	used := map[int]bool{}
	for _, r := range all {
		if r.URN == urn && r.Status == Ready {
			used[r.Generation] = true
		}
	}
	g := 0
	for used[g] {
		g++
	}
	return g, nil
}

// Edit changes a resource behind Pulumi's back, in the inventory in folder dir: change gets the state as plain JSON
// values (sealed ones stay sealed). The next refresh sees it.
func Edit(dir, token, id string, change func(state map[string]any)) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	return s.locked(func() error {
		rec, ok, err := s.read(s.path(token, id))
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%s %q is not in the inventory %s", token, id, dir)
		}
		change(rec.State)
		return s.writeRecord(rec)
	})
}

func prefix(token string) string {
	return strings.NewReplacer(":", "_", "/", "_").Replace(token) + "--"
}

func (s *Store) path(token, id string) string {
	sum := sha256.Sum256([]byte(id))
	return filepath.Join(s.dir, prefix(token)+hex.EncodeToString(sum[:8])+".json")
}

func (s *Store) read(path string) (record, bool, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, fmt.Errorf("inventory: %w", err)
	}
	var rec record
	if err := json.Unmarshal(raw, &rec); err != nil {
		return record{}, false, fmt.Errorf("inventory: %s: %w", path, err)
	}
	return rec, true, nil
}

func (s *Store) decode(rec record) (Resource, error) {
	r := Resource{
		Type: rec.Type, ID: rec.ID, URN: rec.URN, Region: rec.Region, Status: rec.Status, Generation: rec.Gen, Since: rec.Since, Booted: rec.Booted,
	}
	var err error
	if r.Inputs, err = s.seal.decodeMap(rec.Inputs); err != nil {
		return Resource{}, fmt.Errorf("inventory: inputs of %s %q: %w", rec.Type, rec.ID, err)
	}
	if r.State, err = s.seal.decodeMap(rec.State); err != nil {
		return Resource{}, fmt.Errorf("inventory: state of %s %q: %w", rec.Type, rec.ID, err)
	}
	if r.Waiting, err = s.seal.decodeMap(rec.Waiting); err != nil {
		return Resource{}, fmt.Errorf("inventory: what waits of %s %q: %w", rec.Type, rec.ID, err)
	}
	return r, nil
}

func (s *Store) write(r Resource) error {
	rec := record{Type: r.Type, ID: r.ID, URN: r.URN, Region: r.Region, Status: r.Status, Gen: r.Generation, Since: r.Since, Booted: r.Booted}
	var err error
	if rec.Inputs, err = s.seal.encodeMap(r.Inputs); err != nil {
		return fmt.Errorf("inventory: inputs of %s %q: %w", r.Type, r.ID, err)
	}
	if rec.State, err = s.seal.encodeMap(r.State); err != nil {
		return fmt.Errorf("inventory: state of %s %q: %w", r.Type, r.ID, err)
	}
	if rec.Waiting, err = s.seal.encodeMap(r.Waiting); err != nil {
		return fmt.Errorf("inventory: what waits of %s %q: %w", r.Type, r.ID, err)
	}
	return s.writeRecord(rec)
}

func (s *Store) writeRecord(rec record) error {
	raw, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return fmt.Errorf("inventory: %s %q: %w", rec.Type, rec.ID, err)
	}
	if err := atomicfile.Write(s.path(rec.Type, rec.ID), raw, 0o600); err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	return nil
}

// locked runs f while no one else, in this process or another, changes the inventory.
func (s *Store) locked(f func() error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lock, err := os.OpenFile(filepath.Join(s.dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }() // closing gives the lock back
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("inventory: lock %s: %w", lock.Name(), err)
	}
	return f()
}
