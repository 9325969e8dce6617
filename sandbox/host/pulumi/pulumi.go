// Package pulumi runs Pulumi programs against the sandbox: the real CLI with a home, a backend and plugins of its own.
//
// Owns: PULUMI_HOME and the file backend under the sandbox's folder, the provider plugins' places, the passphrase, the
// work folder of each stack. Does not own: the program, its configuration file, the sandbox's processes.
package pulumi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/sandbox/layout"
)

// Plugins maps each provider the sandbox stands in for to the version of the SDK that programs are compiled with.
var Plugins = map[string]string{"aws": "6.83.4", "kubernetes": "4.30.0"}

// Engine is the Pulumi engine of one sandbox.
type Engine struct {
	layout layout.Layout
	home   string
	env    map[string]string
}

// New prepares the engine's folders; it starts nothing. The CLI and the sandbox's binary must have been built.
func New(l layout.Layout) (*Engine, error) {
	e := &Engine{layout: l, home: filepath.Join(l.Pulumi(), "home")}
	for _, tool := range []string{"pulumi", "ragscale-sandbox"} {
		if _, err := os.Stat(l.Tool(tool)); err != nil {
			return nil, fmt.Errorf("%s is not built: run `make build` (%w)", l.Tool(tool), err)
		}
	}
	for _, d := range []string{e.home, e.backend()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	for name, version := range Plugins {
		if err := e.linkPlugin(name, version); err != nil {
			return nil, fmt.Errorf("plugin %s: %w", name, err)
		}
	}
	passphrase, err := secretFile(filepath.Join(l.Pulumi(), "passphrase"))
	if err != nil {
		return nil, err
	}
	e.env = e.environment(passphrase)
	return e, e.withoutLog()
}

// withoutLog puts a file where the engine would make a folder for its log of every call, which it always keeps, and goes on
// without: writing it took a quarter of a preview's time (docs/architecture.md, Figures). No setting turns it off as of
// CLI 3.259.
func (e *Engine) withoutLog() error {
	path := filepath.Join(e.home, "logs")
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return nil
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return os.WriteFile(path, nil, 0o600)
}

// Home is the engine's PULUMI_HOME.
func (e *Engine) Home() string { return e.home }

func (e *Engine) backend() string { return filepath.Join(e.layout.Pulumi(), "backend") }

// linkPlugin puts the sandbox's binary where the engine looks for a provider. The binary tells its role by its name.
func (e *Engine) linkPlugin(name, version string) error {
	dir := filepath.Join(e.home, "plugins", fmt.Sprintf("resource-%s-v%s", name, version))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	link, target := filepath.Join(dir, "pulumi-resource-"+name), e.layout.Tool("ragscale-sandbox")
	if now, err := os.Readlink(link); err == nil && now == target {
		return nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(target, link)
}

// environment keeps the engine off the network and off the user's own Pulumi and AWS set-up.
func (e *Engine) environment(passphrase string) map[string]string {
	return map[string]string{
		"PULUMI_HOME":                                   e.home,
		"PULUMI_BACKEND_URL":                            "file://" + e.backend(),
		"PULUMI_CONFIG_PASSPHRASE":                      passphrase,
		"PULUMI_SKIP_UPDATE_CHECK":                      "true",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION":   "true",
		"PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
		"AWS_SHARED_CREDENTIALS_FILE":                   filepath.Join(e.layout.PKI(), "aws-credentials"),
		"AWS_CONFIG_FILE":                               filepath.Join(e.layout.PKI(), "aws-config"),
		"AWS_PROFILE":                                   "default",
		"AWS_ACCESS_KEY_ID":                             "",
		"AWS_SECRET_ACCESS_KEY":                         "",
		"AWS_SESSION_TOKEN":                             "",
		"AWS_EC2_METADATA_DISABLED":                     "true",
		layout.EnvDir:                                   e.layout.Dir,
		layout.EnvBin:                                   e.layout.Bin,
		layout.EnvIP:                                    e.layout.HostIP(),
	}
}

// Open selects the stack, creating it in the backend when it is new, with the configuration cfg and the secrets:
// values for the keys that cfg leaves out, called for once and then kept, encrypted, in the stack's work folder.
func (e *Engine) Open(ctx context.Context, project, stack string, program pulumi.RunFunc, cfg Config, secrets map[string]func() (string, error)) (auto.Stack, error) {
	cmd, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: filepath.Dir(e.layout.Bin)})
	if err != nil {
		return auto.Stack{}, fmt.Errorf("%s: %w", e.layout.Tool("pulumi"), err)
	}
	w := workFolder{dir: filepath.Join(e.layout.Pulumi(), "work", stack), project: project, stack: stack}
	missing, err := w.write(cfg, secrets)
	if err != nil {
		return auto.Stack{}, err
	}
	s, err := auto.UpsertStackInlineSource(ctx, stack, project, program,
		auto.Pulumi(cmd), auto.WorkDir(w.dir), auto.EnvVars(e.env), auto.SecretsProvider("passphrase"))
	if err != nil {
		return auto.Stack{}, err
	}
	if len(missing) > 0 {
		err = s.SetAllConfig(ctx, missing)
	}
	return s, err
}

// secretFile returns the secret kept in a file of the user's alone, made at the first call.
func secretFile(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil && len(b) > 0 {
		return string(b), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	s := rand.Text() + hex.EncodeToString([]byte(rand.Text()[:4]))
	return s, os.WriteFile(path, []byte(s), 0o600)
}
