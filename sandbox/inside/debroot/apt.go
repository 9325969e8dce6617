package debroot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// EnvMirror names a Debian mirror (an URI such as https://mirror.example/debian/) for hosts whose own apt configuration
// has none.
const EnvMirror = "RAGSCALE_DEBIAN_MIRROR"

const (
	suite   = "trixie" // Debian 13
	keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
)

// notNeeded are packages that Debian's dependencies name for maintainer scripts, interactive use or optional plug-ins; no
// engine loads them. checkLibraries proves the choice: every library that a program in the root links is there.
var notNeeded = []string{
	"perl", "perl-*", "libperl*", "lib*-perl", "libgdbm*", "libdb5*",
	"adduser", "base-passwd", "passwd", "login.defs", "libsemanage*", "libsepol*", "libattr1", "libacl1",
	"debconf", "ucf", "sensible-utils", "init-system-helpers", "sysvinit-utils", "procps", "libproc2*", "libncursesw6", "debianutils", "tar",
	"ssl-cert", "openssl", "openssl-provider-legacy", "netbase", "locales", "libc-l10n", "readline-common", "gcc-*-base", "libdebconfclient0",
	"postgresql-common", "postgresql-common-dev", "postgresql-client-*", "libpam-modules", "libpam-modules-bin", "libsasl2-modules-db",
}

type fetched struct {
	archives  []string          // paths of .deb files
	installed map[string]string // package -> version
}

// fetch downloads packages and their dependencies into the folder dir, checked by apt against Debian's signatures.
func fetch(ctx context.Context, dir string, packages []string, progress io.Writer) (fetched, error) {
	a, err := newApt(ctx, dir)
	if err != nil {
		return fetched{}, err
	}
	fmt.Fprintf(progress, "engines: reading the package lists of Debian 13 at %s\n", a.mirror)
	if _, err := a.run(ctx, "update", "-o", "APT::Update::Error-Mode=any"); err != nil {
		return fetched{}, err
	}
	plan, err := a.run(ctx, append([]string{"install", "--simulate"}, packages...)...)
	if err != nil {
		return fetched{}, err
	}
	chosen := prune(parsePlan(plan), packages)
	fmt.Fprintf(progress, "engines: downloading %d packages\n", len(chosen))
	args := []string{"download"}
	for name, version := range chosen {
		args = append(args, name+"="+version)
	}
	if _, err := a.run(ctx, args...); err != nil {
		return fetched{}, err
	}
	archives, err := filepath.Glob(filepath.Join(dir, "debs", "*.deb"))
	if err != nil {
		return fetched{}, err
	}
	if len(archives) != len(chosen) {
		return fetched{}, fmt.Errorf("engine root: apt-get fetched %d archives, want %d", len(archives), len(chosen))
	}
	return fetched{archives: archives, installed: chosen}, nil
}

// apt is a private apt: its own state, cache and sources, nothing of the host's but the mirror, proxies and keys.
type apt struct {
	bin, mirror, config, debs string
}

func newApt(ctx context.Context, dir string) (*apt, error) {
	bin, err := exec.LookPath("apt-get")
	if err != nil {
		return nil, errors.New("engine root: apt-get is not on PATH, and the sandbox's engines come from Debian packages: " +
			"run on Debian 12 or 13 (amd64 or arm64), or on a derivative with the packages apt, dpkg and debian-archive-keyring")
	}
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		return nil, errors.New("engine root: dpkg-deb is not on PATH: install the package dpkg")
	}
	if _, err := os.Stat(keyring); err != nil {
		return nil, fmt.Errorf("engine root: %w: install the package debian-archive-keyring", err)
	}
	mirror, err := findMirror(ctx, bin)
	if err != nil {
		return nil, err
	}
	a := &apt{bin: bin, mirror: mirror, config: filepath.Join(dir, "apt.conf"), debs: filepath.Join(dir, "debs")}
	if err := a.write(ctx, dir); err != nil {
		return nil, fmt.Errorf("engine root: %w", err)
	}
	return a, nil
}

func (a *apt) write(ctx context.Context, dir string) error {
	for _, d := range []string{"state/lists/partial", "cache/archives/partial", "parts", "debs"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	proxies, err := hostTransport(ctx)
	if err != nil {
		return err
	}
	files := map[string]string{
		a.config:                           proxies + aptConf(dir),
		filepath.Join(dir, "sources.list"): fmt.Sprintf("deb [signed-by=%s] %s %s main\n", keyring, a.mirror, suite),
		filepath.Join(dir, "status"):       "", // nothing is installed: every dependency is fetched
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// aptConf is the configuration of an apt whose world is the folder dir.
func aptConf(dir string) string {
	var b strings.Builder
	for _, kv := range [][2]string{
		{"Dir::State", dir + "/state/"},
		{"Dir::State::status", dir + "/status"},
		{"Dir::Cache", dir + "/cache/"},
		{"Dir::Etc::sourcelist", dir + "/sources.list"},
		{"Dir::Etc::sourceparts", dir + "/parts/"},
		{"Dir::Etc::parts", dir + "/parts/"},
		{"Dir::Etc::main", dir + "/none"},
		{"Dir::Etc::preferences", dir + "/none"},
		{"Dir::Etc::preferencesparts", dir + "/parts/"},
		{"APT::Sandbox::User", "root"}, // do not change to a download user: an ordinary user cannot, root need not
		{"APT::Install-Recommends", "false"},
		{"APT::Get::Assume-Yes", "true"},
		{"Acquire::Languages", "none"},
		{"Acquire::Retries", "3"},
		{"Acquire::http::Timeout", "20"},
	} {
		fmt.Fprintf(&b, "%s %q;\n", kv[0], kv[1])
	}
	return b.String()
}

// hostTransport is the part of the host's apt configuration that says how to reach mirrors (proxies, certificates).
func hostTransport(ctx context.Context) (string, error) {
	out, err := output(exec.CommandContext(ctx, "apt-config", "dump", "Acquire"))
	if err != nil {
		return "", err
	}
	return transportLines(out), nil
}

func transportLines(dump string) string {
	var b strings.Builder
	for line := range strings.Lines(dump) {
		if strings.HasPrefix(line, "Acquire::http") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func findMirror(ctx context.Context, bin string) (string, error) {
	if m := os.Getenv(EnvMirror); m != "" {
		return m, nil
	}
	out, err := output(exec.CommandContext(ctx, bin, "indextargets", "--format", "$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)"))
	if err != nil {
		return "", fmt.Errorf("engine root: the host's apt sources: %w", err)
	}
	if m := mainArchive(out); m != "" {
		return m, nil
	}
	return "", fmt.Errorf("engine root: the host's apt sources name no Debian main archive: set %s to the URI of a Debian mirror", EnvMirror)
}

var debianSuite = regexp.MustCompile(`^(stable|oldstable|testing|unstable|sid|bookworm|trixie|forky|duke)$`)

// mainArchive picks, from lines "created-by release component uri", the URI that the host gets Debian itself from:
// neither security, updates and backports, nor another vendor's archive. "" when there is none.
func mainArchive(targets string) string {
	for line := range strings.Lines(targets) {
		f := strings.Fields(line)
		if len(f) == 4 && f[0] == "Packages" && debianSuite.MatchString(f[1]) && f[2] == "main" {
			return f[3]
		}
	}
	return ""
}

// run runs apt-get in its private configuration and returns its standard output.
func (a *apt) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, a.bin, append([]string{"-q"}, args...)...)
	cmd.Dir = a.debs // where `apt-get download` writes
	cmd.Env = append(os.Environ(), "APT_CONFIG="+a.config, "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	out, err := output(cmd)
	if err != nil {
		return "", a.explain(args[0], err)
	}
	return out, nil
}

var unknownPackage = regexp.MustCompile(`(?:Unable to locate package|no installation candidate|Couldn't find any package by).*`)

// explain says what an apt-get error means here.
func (a *apt) explain(verb string, err error) error {
	text := err.Error()
	switch {
	case unknownPackage.MatchString(text):
		return fmt.Errorf("engine root: Debian 13 (%s) has no such package: %s", a.mirror, unknownPackage.FindString(text))
	case strings.Contains(text, "NO_PUBKEY"):
		return fmt.Errorf("engine root: %s does not hold Debian 13's key: update the package debian-archive-keyring: %w", keyring, err)
	case strings.Contains(text, "does not have a Release file"):
		return fmt.Errorf("engine root: %s does not carry Debian 13: set %s to a mirror that does: %w", a.mirror, EnvMirror, err)
	case regexp.MustCompile(`Failed to fetch|Could not (resolve|connect)|Connection (failed|timed out)`).MatchString(text):
		return fmt.Errorf("engine root: the Debian mirror %s cannot be reached: check the network and the proxy settings, or set %s: %w", a.mirror, EnvMirror, err)
	}
	return fmt.Errorf("engine root: apt-get %s: %w", verb, err)
}

// output runs cmd; its error holds what the command said on standard error.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

var planLine = regexp.MustCompile(`(?m)^Inst (\S+) (?:\[\S+\] )?\((\S+) `)

// parsePlan reads the packages and versions that `apt-get install --simulate` would install.
func parsePlan(plan string) map[string]string {
	out := map[string]string{}
	for _, m := range planLine.FindAllStringSubmatch(plan, -1) {
		out[m[1]] = m[2]
	}
	return out
}

// prune drops the packages that no engine needs, unless they were asked for.
func prune(plan map[string]string, requested []string) map[string]string {
	asked := map[string]bool{}
	for _, r := range requested {
		asked[r] = true
	}
	out := map[string]string{}
	for name, version := range plan {
		if asked[name] || !matchAny(notNeeded, name) {
			out[name] = version
		}
	}
	return out
}

func matchAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); err == nil && ok {
			return true
		}
	}
	return false
}
