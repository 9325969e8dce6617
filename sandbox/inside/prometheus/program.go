package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ragscale/ragscale/sandbox/inside/debroot"
	"github.com/ragscale/ragscale/sandbox/inside/supervise"
)

const (
	prometheusPort   = 9090
	alertmanagerPort = 9093
	alertmanagerPath = "/alertmanager" // below the workspace's, as AWS has it

	inside    = "/workspace" // where a workspace's folder is in the root of its programs
	accessDir = "/var/run/secrets/kubernetes.io/serviceaccount"
	apiHost   = "kubernetes.default.svc" // the one name that AWS's scrapers know of a cluster's

	startLimit  = 60 * time.Second
	reloadLimit = 30 * time.Second
	stopLimit   = 10 * time.Second // each of asking and of ending
)

// Bounds of a workspace. memory is what Go's garbage collector keeps to.
const (
	keepFor  = "24h"
	keepMost = "512MB"
	memory   = "256MiB"
)

// program is one process of a workspace.
type program struct {
	workspace *workspace
	name      string
	port      uint16
	path      string // below the workspace's
	args      func(p *program) []string
	life      supervise.Life
}

func newProgram(w *workspace, name string, port uint16, path string, args func(*program) []string) *program {
	p := &program{workspace: w, name: name, port: port, path: path, args: args}
	p.life.Name, p.life.Lock, p.life.Start, p.life.Logf = name+"-"+w.id, &w.mu, p.start, w.server.logf
	return p
}

func (p *program) address() netip.AddrPort { return netip.AddrPortFrom(p.workspace.address(), p.port) }

// prefix is what the paths of the program's API begin with: those of AWS's endpoint.
func (p *program) prefix() string { return workspacesPath + p.workspace.id + p.path }

func prometheusArgs(p *program) []string {
	return []string{
		"--config.file=" + inside + "/" + declaredDir + "/" + prometheusFile,
		"--storage.tsdb.path=" + inside + "/" + samplesDir,
		"--storage.tsdb.retention.time=" + keepFor, "--storage.tsdb.retention.size=" + keepMost,
		"--web.listen-address=" + p.address().String(), "--web.external-url=http://" + p.address().String() + p.prefix(),
		"--web.enable-lifecycle", "--log.level=warn",
	}
}

func alertmanagerArgs(p *program) []string {
	return []string{
		"--config.file=" + inside + "/" + declaredDir + "/" + alertmanagerFile, "--storage.path=" + inside + "/" + sentDir,
		"--web.listen-address=" + p.address().String(), "--web.external-url=http://" + p.address().String() + p.prefix(),
	}
}

// read makes the program run with the configuration on disk, which it has read already unless changed.
func (p *program) read(ctx context.Context, changed bool) error {
	if p.life.Running() == nil {
		return p.start(ctx)
	}
	if !changed {
		return nil
	}
	return p.reload(ctx)
}

// start starts the program and waits until it answers.
func (p *program) start(ctx context.Context) error {
	name := p.logFile()
	log, offset, err := supervise.OpenLog(name)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the program has its own descriptor
	binds, err := p.binds()
	if err != nil {
		return err
	}
	argv := append([]string{"/opt/" + p.name}, p.args(p)...)
	cmd := debroot.Command(context.WithoutCancel(ctx), p.workspace.server.cfg.Root, binds, debroot.EngineUID, argv...)
	cmd.Env = append(cmd.Env, p.environment()...)
	cmd.Stdout, cmd.Stderr = log, log
	proc, err := debroot.Start(cmd)
	if err != nil {
		return err
	}
	p.life.Began(proc)
	if err := p.awaitReady(ctx, proc); err != nil {
		ended := p.stop(context.WithoutCancel(ctx))
		return errors.Join(fmt.Errorf("%s did not start: %w: %s", p.name, err, complaint(supervise.Tail(name, offset))), ended)
	}
	go p.life.Watch(proc)
	return nil
}

func (p *program) logFile() string {
	return filepath.Join(p.workspace.server.cfg.LogDir, p.name+"-"+p.workspace.id+".log")
}

// binds are the program, the workspace's folder, and what a scraper finds of the cluster.
func (p *program) binds() ([]debroot.Bind, error) {
	hosts := filepath.Join(p.workspace.dir, "hosts")
	text := fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", p.workspace.server.cfg.API, apiHost)
	if err := os.WriteFile(hosts, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return []debroot.Bind{
		{Source: p.workspace.server.cfg.Tool(p.name), Target: "/opt/" + p.name, ReadOnly: true},
		{Source: p.workspace.dir, Target: inside},
		{Source: p.workspace.server.cfg.Access, Target: accessDir, ReadOnly: true},
		{Source: hosts, Target: "/etc/hosts", ReadOnly: true},
	}, nil
}

// environment is a pod's, as far as clients of the API server look at it, and where messages go.
func (p *program) environment() []string {
	cfg := p.workspace.server.cfg
	return append([]string{
		"KUBERNETES_SERVICE_HOST=" + cfg.API.String(), "KUBERNETES_SERVICE_PORT=443", "SSL_CERT_FILE=" + accessDir + "/ca.crt",
		"AWS_ENDPOINT_URL_SNS=" + cfg.SNS, "AWS_EC2_METADATA_DISABLED=true", "GOMEMLIMIT=" + memory,
	}, cfg.Env...)
}

func (p *program) awaitReady(ctx context.Context, proc *debroot.Process) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := p.ask(ctx, http.MethodGet, "/-/ready")
		if err == nil {
			return nil
		}
		select {
		case <-proc.Done():
			return errors.New("it ended")
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// reload has the program read its configuration; what it says to a fault is the error.
func (p *program) reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reloadLimit)
	defer cancel()
	var offset int64
	if info, err := os.Stat(p.logFile()); err == nil {
		offset = info.Size()
	}
	if err := p.ask(ctx, http.MethodPost, "/-/reload"); err != nil {
		return fmt.Errorf("%s: %w: %s", p.name, err, complaint(supervise.Tail(p.logFile(), offset)))
	}
	return nil
}

func (p *program) ask(ctx context.Context, method, path string) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.address().String()+p.prefix()+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	said, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(said)))
	}
	return err
}

// stop ends the program and returns when its process is gone.
func (p *program) stop(ctx context.Context) error {
	return p.life.Stop(ctx,
		supervise.Step{Signal: syscall.SIGTERM, Wait: stopLimit}, supervise.Step{Signal: syscall.SIGKILL, Wait: stopLimit})
}

var faultInLog = regexp.MustCompile(`level=ERROR .*?\berr=("(?:[^"\\]|\\.)*"|\S+)`)

// complaint is what a log says about faults, else all it says.
func complaint(log []byte) string {
	var out []string
	for _, m := range faultInLog.FindAllStringSubmatch(string(log), -1) {
		text, err := strconv.Unquote(m[1])
		if err != nil { // a word without quotes
			text = m[1]
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return strings.TrimSpace(string(log))
	}
	return strings.Join(out, "; ")
}
