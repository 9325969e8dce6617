package prometheus

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"sync"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
	"github.com/ragscale/ragscale/sandbox/control"
)

// Folders of a workspace.
const (
	declaredDir = "declared" // the configuration, as written from what is declared
	samplesDir  = "samples"
	sentDir     = "sent" // silences, and what was sent
)

// workspace is a Prometheus and, with a definition, an Alertmanager.
type workspace struct {
	server *Server
	id     string
	dir    string

	prometheus, alertmanager *program

	mu sync.Mutex // held while the workspace is changed

	at   sync.Mutex // guards addr
	addr netip.Addr
}

func newWorkspace(s *Server, id, dir string) *workspace {
	w := &workspace{server: s, id: id, dir: dir}
	w.prometheus = newProgram(w, "prometheus", prometheusPort, "", prometheusArgs)
	w.alertmanager = newProgram(w, "alertmanager", alertmanagerPort, alertmanagerPath, alertmanagerArgs)
	return w
}

func (w *workspace) programs() []*program { return []*program{w.alertmanager, w.prometheus} }

func (w *workspace) address() netip.Addr {
	w.at.Lock()
	defer w.at.Unlock()
	return w.addr
}

// ensure does the work of Server.Ensure.
func (w *workspace) ensure(ctx context.Context, spec control.Workspace, addr netip.Addr) error {
	w.at.Lock()
	w.addr = addr
	w.at.Unlock()
	want, err := w.render(spec)
	if err != nil {
		return err
	}
	have, err := w.declared()
	if err != nil {
		return err
	}
	if err := w.apply(ctx, want, have); err != nil {
		return errors.Join(err, w.restore(context.WithoutCancel(ctx), want, have))
	}
	return nil
}

// apply writes what is wanted and has both programs read it.
func (w *workspace) apply(ctx context.Context, want, have map[string]string) error {
	if err := w.write(want, have); err != nil {
		return err
	}
	if _, wanted := want[alertmanagerFile]; !wanted {
		if err := w.alertmanager.stop(ctx); err != nil {
			return err
		}
	} else if err := w.alertmanager.read(ctx, !maps.Equal(want, have)); err != nil {
		return err
	}
	return w.prometheus.read(ctx, !maps.Equal(want, have))
}

// restore goes back to what was declared before, if anything was.
func (w *workspace) restore(ctx context.Context, refused, before map[string]string) error {
	if len(before) > 0 {
		return w.apply(ctx, before, refused)
	}
	return errors.Join(w.stop(ctx), w.write(nil, refused))
}

// declared is the configuration on disk, by path within the folder.
func (w *workspace) declared() (map[string]string, error) {
	out := map[string]string{}
	root := filepath.Join(w.dir, declaredDir)
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		out[name] = string(text)
		return err
	})
	return out, err
}

// write makes the configuration on disk what is wanted.
func (w *workspace) write(want, have map[string]string) error {
	root := filepath.Join(w.dir, declaredDir)
	for name := range have {
		if _, stays := want[name]; stays {
			continue
		}
		if err := os.Remove(filepath.Join(root, name)); err != nil {
			return err
		}
	}
	for name, text := range want {
		if before, ok := have[name]; ok && before == text {
			continue
		}
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := atomicfile.Write(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (w *workspace) stop(ctx context.Context) error {
	return errors.Join(w.prometheus.stop(ctx), w.alertmanager.stop(ctx))
}

func (w *workspace) remove(ctx context.Context) error {
	if err := w.stop(ctx); err != nil {
		return err
	}
	return os.RemoveAll(w.dir)
}
