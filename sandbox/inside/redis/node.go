package redis

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
	"github.com/ragscale/ragscale/sandbox/inside/debroot"
	"github.com/ragscale/ragscale/sandbox/inside/supervise"
)

const startLimit = 30 * time.Second

// wanted is what a node is to be.
type wanted struct {
	directives directives
	rules      map[string][]string // of users, by name
	addr       netip.Addr
	hosts      []string // names that clients may call it by
}

func (w wanted) replica() bool { return w.directives["replicaof"] != "" }

// node is one server of a cache: a folder and, most of the time, a process. What changes it holds its group's mu.
type node struct {
	group  *group
	id     string
	dir    string
	engine *engine

	life supervise.Life

	state sync.Mutex // guards want
	want  wanted

	watching sync.Mutex // guards watch
	watch    admin      // kept for Infos; its client is nil before the first
}

// ensure makes the node what want says, in place where the engine can.
func (n *node) ensure(ctx context.Context, want wanted) error {
	renewed, err := n.certify(want)
	if err != nil {
		return err
	}
	have := n.declare(want)
	switch {
	case n.life.Running() == nil:
		return n.start(ctx)
	case restarts(want.directives, have.directives):
		n.group.server.logf("cache node %s: restarting for directives that it reads at its start only", n.id)
		if err := n.stop(ctx); err != nil {
			return err
		}
		return n.start(ctx)
	}
	if err := n.change(ctx, want, have, renewed); err != nil {
		n.declare(have) // so that the next call tries again
		return err
	}
	return nil
}

// change applies what differs to the running engine.
func (n *node) change(ctx context.Context, want, have wanted, renewed bool) error {
	d := difference(want.directives, have.directives, n.engine.defaults)
	if renewed {
		for _, name := range []string{"tls-cert-file", "tls-key-file"} {
			d[name] = want.directives[name] // the same path: the engine reads it again
		}
	}
	a, err := n.admin()
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.set(ctx, d); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(want.rules)) {
		if slices.Equal(want.rules[name], have.rules[name]) {
			continue
		}
		if err := a.setUser(ctx, name, want.rules[name]); err != nil {
			return fmt.Errorf("user %s: %w", name, err)
		}
	}
	for name := range have.rules {
		if _, ok := want.rules[name]; !ok {
			if err := a.do(ctx, "ACL", "DELUSER", name); err != nil {
				return fmt.Errorf("user %s: %w", name, err)
			}
		}
	}
	return nil
}

// certify puts the node's certificate and its authority's into its folder, and says whether they are new.
func (n *node) certify(want wanted) (renewed bool, err error) {
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return false, err
	}
	pair, err := n.group.server.cfg.Issue("cache-"+n.id, want.addr, want.hosts...)
	if err != nil {
		return false, fmt.Errorf("certificate: %w", err)
	}
	for name, source := range map[string]string{"tls.crt": pair.Cert, "tls.key": pair.Key, "ca.crt": n.group.server.cfg.CAFile} {
		text, err := os.ReadFile(source)
		if err != nil {
			return false, err
		}
		path := filepath.Join(n.dir, name)
		if have, err := os.ReadFile(path); err == nil && string(have) == string(text) {
			continue
		}
		if err := atomicfile.Write(path, text, 0o600); err != nil {
			return false, err
		}
		renewed = true
	}
	return renewed, nil
}

// start starts the engine and waits until it answers.
func (n *node) start(ctx context.Context) error {
	want := n.wanted()
	if err := os.Remove(n.socket()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	name := filepath.Join(n.group.server.cfg.LogDir, "cache-"+n.id+".log")
	log, offset, err := supervise.OpenLog(name)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the engine has its own descriptor
	cmd := n.engine.command(context.WithoutCancel(ctx), n.dir, n.conf(want))
	cmd.Stdout, cmd.Stderr = log, log
	proc, err := debroot.Start(cmd)
	if err != nil {
		return err
	}
	n.life.Began(proc)
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	a, err := awaitAdmin(ctx, proc, n.socket(), n.group.password)
	if err != nil {
		ended := n.stop(context.WithoutCancel(ctx))
		return errors.Join(fmt.Errorf("it did not start: %w: %s", err, complaint(string(supervise.Tail(name, offset)))), ended)
	}
	a.close()
	go n.life.Watch(proc)
	return nil
}

// conf is the whole configuration. The password in it is on no disk: the engine reads it from a pipe.
func (n *node) conf(want wanted) string {
	text := render(want.directives) + "masterauth " + n.group.password + "\n" + login(n.group.password)
	for _, name := range slices.Sorted(maps.Keys(want.rules)) {
		text += "user " + name
		for _, rule := range want.rules[name] {
			text += " " + rule
		}
		text += "\n"
	}
	return text
}

// stop ends the engine and returns when its process is gone.
func (n *node) stop(ctx context.Context) error {
	return n.life.Stop(ctx, supervise.Step{Signal: syscall.SIGTERM, Wait: 5 * time.Second}, supervise.Step{Signal: syscall.SIGKILL, Wait: 10 * time.Second})
}

func (n *node) remove(ctx context.Context) error {
	if err := n.stop(ctx); err != nil {
		return err
	}
	return os.RemoveAll(n.dir)
}

// awaitLink waits until a replica follows its primary.
func (n *node) awaitLink(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if n.status(ctx).Healthy {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the replica is not linked to its primary: %w; cache-%s.log says why", ctx.Err(), n.id)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (n *node) admin() (admin, error) { return dialAdmin(n.socket(), n.group.password) }

func (n *node) socket() string { return filepath.Join(n.dir, socketName) }

// declare notes what is wanted and returns what was.
func (n *node) declare(want wanted) (had wanted) {
	n.state.Lock()
	defer n.state.Unlock()
	had, n.want = n.want, want
	return had
}

func (n *node) wanted() wanted {
	n.state.Lock()
	defer n.state.Unlock()
	return n.want
}
