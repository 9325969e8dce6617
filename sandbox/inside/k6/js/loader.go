package js

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grafana/sobek"
)

// Make makes a module's members for a user.
type Make func(u *User) map[string]any

// Loader finds the modules of a script. They are read and compiled once for all users.
type Loader struct {
	Native map[string]Module // k6's modules, by name

	one     sync.Mutex
	records map[string]sobek.ModuleRecord // by URL
	urls    map[any]*url.URL
	files   map[string][]byte // that scripts opened
	folder  *url.URL          // of the main script
}

// Module is a module of k6: its members' names, and how a user gets them.
type Module struct {
	Names []string
	Make  Make
}

// NewLoader has modules, those of this package among them.
func NewLoader(more map[string]Module) *Loader {
	l := &Loader{
		Native: natives(), records: map[string]sobek.ModuleRecord{}, urls: map[any]*url.URL{}, files: map[string][]byte{},
	}
	for name, m := range more {
		l.Native[name] = m
	}
	return l
}

// Main loads a script from a file.
func (l *Loader) Main(path string) (*sobek.SourceTextModuleRecord, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	at := &url.URL{Scheme: "file", Path: whole}
	l.folder = at.JoinPath("..")
	record, err := l.load(at, path)
	if err != nil {
		return nil, err
	}
	main, ok := record.(*sobek.SourceTextModuleRecord)
	if !ok {
		return nil, fmt.Errorf("%s is no script", path)
	}
	return main, main.Link()
}

// resolve finds what a module imports.
func (l *Loader) resolve(from any, specifier string) (sobek.ModuleRecord, error) {
	if specifier == "k6" || strings.HasPrefix(specifier, "k6/") {
		return l.native(specifier)
	}
	at, err := l.locate(from, specifier)
	if err != nil {
		return nil, err
	}
	return l.load(at, specifier)
}

// relative are specifiers of files.
var relative = regexp.MustCompile(`^\.{0,2}/`)

// locate is where a specifier means, from a module.
func (l *Loader) locate(from any, specifier string) (*url.URL, error) {
	if !relative.MatchString(specifier) && !strings.Contains(specifier, "://") {
		return nil, fmt.Errorf("module %q: want ./FILE, a URL, or a module of k6 that is known here", specifier)
	}
	base := l.folder.JoinPath("main")
	l.one.Lock()
	if at, ok := l.urls[from]; ok {
		base = at
	}
	l.one.Unlock()
	at, err := base.Parse(specifier)
	if err != nil {
		return nil, fmt.Errorf("module %q: %w", specifier, err)
	}
	return at, nil
}

func (l *Loader) native(name string) (sobek.ModuleRecord, error) {
	l.one.Lock()
	defer l.one.Unlock()
	if r, ok := l.records[name]; ok {
		return r, nil
	}
	m, ok := l.Native[name]
	if !ok {
		return nil, fmt.Errorf("unknown module %q: want one of k6 that is known here", name)
	}
	r := &native{Module: m, name: name}
	l.records[name] = r
	return r, nil
}

func (l *Loader) load(at *url.URL, specifier string) (sobek.ModuleRecord, error) {
	l.one.Lock()
	r, ok := l.records[at.String()]
	l.one.Unlock()
	if ok {
		return r, nil
	}
	text, err := read(at)
	if err != nil {
		return nil, fmt.Errorf("module %q: %w", specifier, err)
	}
	if strings.HasSuffix(at.Path, ".ts") {
		return nil, fmt.Errorf("module %q: TypeScript is not known here, want JavaScript", specifier)
	}
	m, err := sobek.ParseModule(at.String(), string(text), l.resolve)
	if err != nil {
		return nil, err
	}
	l.one.Lock()
	defer l.one.Unlock()
	l.records[at.String()], l.urls[m] = m, at
	return m, nil
}

// remoteWithin is how long the text of a remote module may take.
const remoteWithin = time.Minute

func read(at *url.URL) ([]byte, error) {
	if at.Scheme == "file" {
		return os.ReadFile(at.Path)
	}
	if at.Scheme != "https" && at.Scheme != "http" {
		return nil, fmt.Errorf("scheme %s, want file or https", at.Scheme)
	}
	ctx, cancel := context.WithTimeout(context.Background(), remoteWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New("answer " + response.Status)
	}
	return io.ReadAll(response.Body)
}

// open reads a file of the script's, once for all users.
func (l *Loader) open(name string) ([]byte, error) {
	at := strings.TrimPrefix(name, "file://")
	if !filepath.IsAbs(at) {
		at = filepath.Join(l.folder.Path, at)
	}
	l.one.Lock()
	defer l.one.Unlock()
	if content, ok := l.files[at]; ok {
		return content, nil
	}
	content, err := os.ReadFile(at)
	if err != nil {
		return nil, err
	}
	l.files[at] = content
	return content, nil
}

// native is a module of k6 as sobek sees it. It has all members as its default too.
type native struct {
	Module
	name string
}

// GetExportedNames implements sobek.ModuleRecord.
func (n *native) GetExportedNames(callback func([]string), _ ...sobek.ModuleRecord) bool {
	callback(append([]string{"default"}, n.Names...))
	return true
}

// ResolveExport implements sobek.ModuleRecord.
func (n *native) ResolveExport(name string, _ ...sobek.ResolveSetElement) (*sobek.ResolvedBinding, bool) {
	if name != "default" && !slices.Contains(n.Names, name) {
		return nil, false
	}
	return &sobek.ResolvedBinding{Module: n, BindingName: name}, false
}

// Link implements sobek.ModuleRecord.
func (n *native) Link() error { return nil }

// Evaluate implements sobek.ModuleRecord.
func (n *native) Evaluate(vm *sobek.Runtime) *sobek.Promise {
	p, resolve, reject := vm.NewPromise()
	u, err := userOf(vm)
	if err != nil {
		_ = reject(err) // the promise says it
		return p
	}
	_ = resolve(u.native(n)) // a promise without reactions
	return p
}

// members of a module for one user.
type members map[string]sobek.Value

// GetBindingValue implements sobek.ModuleInstance.
func (m *members) GetBindingValue(name string) sobek.Value { return (*m)[name] }

// native is the user's instance of a module.
func (u *User) native(n *native) *members {
	if m, ok := u.natives[n]; ok {
		return m
	}
	all := u.VM.NewObject()
	m := members{"default": all}
	for name, value := range n.Make(u) {
		m[name] = u.VM.ToValue(value)
		u.must(all.Set(name, m[name]))
	}
	if whole, ok := m[""]; ok { // a module whose default is an object of its own
		m["default"] = whole
	}
	u.natives[n] = &m
	return &m
}
