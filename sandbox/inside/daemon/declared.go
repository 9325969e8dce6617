package daemon

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
	"github.com/ragscale/ragscale/sandbox/control"
)

// declaredStore keeps what was declared over a restart: one file per resource, <dir>/<kind>/<hash of id>.json,
// readable by the owner alone (database passwords are in it).
type declaredStore struct{ dir string }

// declaration is one kept resource.
type declaration struct {
	ID   string          `json:"id"`
	Spec json.RawMessage `json:"spec"`
}

func (s declaredStore) path(kind, id string) string {
	h := sha256.Sum256([]byte(id))
	return filepath.Join(s.dir, kind, hex.EncodeToString(h[:12])+".json")
}

func (s declaredStore) save(kind, id string, spec json.RawMessage) error {
	raw, err := json.Marshal(declaration{ID: id, Spec: spec})
	if err != nil {
		return err
	}
	return keep(s.path(kind, id), raw)
}

func (s declaredStore) remove(kind, id string) error {
	if err := os.Remove(s.path(kind, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// list returns kind's declarations by id.
func (s declaredStore) list(kind string) ([]declaration, error) {
	paths, err := filepath.Glob(filepath.Join(s.dir, kind, "*.json"))
	if err != nil {
		return nil, err
	}
	var out []declaration
	for _, p := range paths {
		raw, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		var d declaration
		if err := json.Unmarshal(raw, &d); err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b declaration) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// recorded is a manager whose specs are kept: once what was asked for works, until it is gone.
type recorded struct {
	kind  string
	store declaredStore
	inner control.Manager
	order func(a, b declaration) int // in which they are resumed; nil is by id
}

func (r recorded) Put(ctx context.Context, id string, spec json.RawMessage) (any, error) {
	info, err := r.inner.Put(ctx, id, spec)
	if err != nil {
		return nil, err
	}
	return info, r.store.save(r.kind, id, spec)
}

func (r recorded) Delete(ctx context.Context, id string) error {
	if err := r.inner.Delete(ctx, id); err != nil {
		return err
	}
	return r.store.remove(r.kind, id)
}

// resume makes kept specs true again; one that cannot be does not keep the others.
func (r recorded) resume(ctx context.Context) error {
	kept, err := r.store.list(r.kind)
	if err != nil {
		return err
	}
	if r.order != nil {
		slices.SortStableFunc(kept, r.order)
	}
	var faults []error
	for _, d := range kept {
		if _, err := r.inner.Put(ctx, d.ID, d.Spec); err != nil {
			faults = append(faults, fmt.Errorf("resuming %s/%s: %w", r.kind, d.ID, err))
		}
	}
	return errors.Join(faults...)
}

// typed turns functions over a spec type into a manager.
type typed[S any] struct {
	kind   string
	put    func(ctx context.Context, id string, spec S) (any, error)
	remove func(ctx context.Context, id string) error
}

func (t typed[S]) Put(ctx context.Context, id string, raw json.RawMessage) (any, error) {
	var spec S
	if err := control.Decode(t.kind, id, raw, &spec); err != nil {
		return nil, err
	}
	return t.put(ctx, id, spec)
}

func (t typed[S]) Delete(ctx context.Context, id string) error { return t.remove(ctx, id) }

// keep writes a file of the daemon's own, readable by its owner alone.
func keep(path string, raw []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, raw, 0o600)
}
