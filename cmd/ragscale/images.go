package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ragscale/ragscale/perf/trial"
	"github.com/ragscale/ragscale/sandbox/inside/chroma"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/env"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/image"
	"github.com/ragscale/ragscale/sandbox/inside/nodescaler"
	"github.com/ragscale/ragscale/sandbox/inside/statemetrics"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// imagePackages are the Debian packages whose programs stand for container images.
func imagePackages() []string { return []string{"pgbouncer"} }

// pause waits until it is told to end.
const pause = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait; done"

// bundle is where the API's image has the certificates of RDS's authority; here, of the sandbox's.
const bundle = "/etc/ssl/rds/global-bundle.pem"

// agentFiles holds an empty file: what an image of a language agent copies into pods.
func agentFiles(l layout.Layout) string { return filepath.Join(l.State(), "language-agents") }

// loadGenerator is what stands for k6's image: the k6 on PATH where that is 2.x, else the sandbox's runner of the same
// scripts. A result says which.
func loadGenerator(l layout.Layout) image.Image {
	program, version := l.Tool("k6"), "the sandbox's runner of k6 scripts"
	if itself, err := exec.LookPath("k6"); err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		said, err := exec.CommandContext(ctx, itself, "version").Output()
		if err == nil && strings.HasPrefix(string(said), "k6 v2.") {
			program, version = itself, strings.TrimSpace(string(said))
		}
	}
	return image.Image{Entrypoint: []string{program}, Env: map[string]string{
		"PATH": filepath.Dir(program) + ":" + env.DefaultPath, "LOAD_GENERATOR": version,
	}}
}

// apiImage is a build of the API.
func apiImage(l layout.Layout, program string) image.Image {
	return image.Image{
		Entrypoint: []string{program},
		Env:        map[string]string{"CACHE_CA_FILE": bundle}, // on AWS the system's certificates hold Amazon's
		Files:      map[string]string{bundle: l.CA()},
	}
}

// localImages says what runs here for the container images that the program names.
func localImages(l layout.Layout) image.Table {
	return image.Table{
		"*/agentic-rag-api:*": apiImage(l, l.Tool("ragapi")),
		trialImage(trial.A):   apiImage(l, trialProgram(l, trial.A)),
		trialImage(trial.B):   apiImage(l, trialProgram(l, trial.B)),
		"*chromadb/chroma:*": {
			Entrypoint: []string{chroma.Command}, Args: chroma.Args(), Dir: "/data",
			Files: chroma.Files(l.Tool("chroma")), Root: l.Root(),
		},
		"*/aws-cli:*": {
			Entrypoint: []string{"/aws-cli/aws"},
			Env:        map[string]string{"AWS_CA_BUNDLE": bundle, "PATH": "/aws-cli:" + env.DefaultPath},
			Files:      map[string]string{bundle: l.CA(), "/aws-cli/aws": l.Tool("ragscale-sandbox")},
		},
		"*/k6:*":                 loadGenerator(l),
		"*/node:*":               {Entrypoint: []string{"/usr/bin/node"}, Root: l.Root()},
		"*/pgbouncer:*":          {Entrypoint: []string{"/usr/sbin/pgbouncer"}, Root: l.Root()},
		"*/pgbouncer-exporter:*": {Entrypoint: []string{l.Tool("pgbouncer-exporter")}},
		"*/pause:*":              {Entrypoint: []string{"/bin/sh", "-c", pause}},
		"*/kube-state-metrics:*": {Entrypoint: []string{l.Tool("ragscale-sandbox"), statemetrics.Role}},
		"*/cluster-autoscaler:*": {Entrypoint: []string{l.Tool("ragscale-sandbox"), nodescaler.Role}},
		"*/vpa-recommender:*":    {Entrypoint: []string{l.Tool("vpa-recommender")}},
		"*/adot-autoinstrumentation-*:*": {Entrypoint: []string{"/bin/true"}, Files: map[string]string{
			"/javaagent.jar": filepath.Join(agentFiles(l), "javaagent.jar"), "/autoinstrumentation": agentFiles(l),
		}},
	}
}

// writeImages tells the sandbox what to run for the images the program names.
func (p project) writeImages(path string) error {
	b, err := json.MarshalIndent(localImages(p.layout), "", "  ")
	if err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(path), agentFiles(p.layout)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(agentFiles(p.layout), "javaagent.jar"), nil, 0o644); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}
