package planner

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

const (
	stackType = "pulumi:pulumi:Stack"
	separator = " > " // between the resources of a path
)

// monitor records registrations. It is called concurrently.
type monitor struct {
	preview bool
	known   []string // types whose outputs a preview knows

	mu      sync.Mutex
	records []record
	paths   map[string]string // by URN
	outputs int
}

type record struct {
	resource Resource
	rpc      *pulumirpc.RegisterResourceRequest
}

// NewResource records a registration and invents the outputs that a provider would compute.
func (m *monitor) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	rpc := args.RegisterRPC
	if rpc == nil {
		return "", nil, fmt.Errorf("%s %s is read, want it registered: a plan has no cloud to read from",
			args.TypeToken, args.Name)
	}
	// The mock engine drops what is unknown; the text shows it.
	inputs, err := plugin.UnmarshalProperties(rpc.GetObject(), plugin.MarshalOptions{
		KeepUnknowns: true, KeepSecrets: true, KeepResources: true,
	})
	if err != nil {
		return "", nil, fmt.Errorf("inputs of %s %s: %w", args.TypeToken, args.Name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()

	urn, path := m.place(rpc)
	if _, taken := m.paths[urn]; taken {
		return "", nil, fmt.Errorf("%s is registered twice", path)
	}
	m.paths[urn] = path
	m.records = append(m.records, record{rpc: rpc, resource: Resource{
		Type: args.TypeToken, Name: args.Name, Path: path, Custom: args.Custom, Remote: rpc.GetRemote(), Inputs: inputs,
	}})
	if m.preview && !slices.Contains(m.known, args.TypeToken) {
		return "", args.Inputs.Copy(), nil
	}
	id, state := invent(args.TypeToken, args.Name, args.Inputs)
	return id, state, nil
}

// place returns the URN, made as the engine makes it, and the path of a registration.
func (m *monitor) place(rpc *pulumirpc.RegisterResourceRequest) (urn, path string) {
	parent := resource.URN(rpc.GetParent())
	types, path := rpc.GetType(), rpc.GetType()+" "+rpc.GetName()
	if parent != "" && string(parent.QualifiedType()) != stackType {
		types = string(parent.QualifiedType()) + "$" + types
		path = m.paths[string(parent)] + separator + path
	}
	stack := "?"
	if parent != "" {
		stack = parent.Stack().String()
	}
	return fmt.Sprintf("urn:pulumi:%s::%s::%s::%s", stack, Project, types, rpc.GetName()), path
}

// prefixLists is the one function that programs here ask: the id of a managed prefix list is AWS's own in each region.
const prefixLists = "aws:ec2/getManagedPrefixList:getManagedPrefixList"

// Call answers a provider function. Components use none: they take such values as arguments.
func (m *monitor) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	if args.Token == prefixLists {
		return resource.PropertyMap{"id": resource.NewStringProperty("pl-" + args.Args["name"].StringValue()),
			"name": args.Args["name"]}, nil
	}
	return nil, fmt.Errorf("function %s is called, want none: pass the value in as an argument", args.Token)
}

// RegisterResourceOutputs counts.
func (m *monitor) RegisterResourceOutputs() (*emptypb.Empty, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outputs++
	return &emptypb.Empty{}, nil
}

func (m *monitor) plan() Plan {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := Plan{OutputsRegistered: m.outputs}
	for _, rec := range m.records {
		p.Resources = append(p.Resources, m.resource(rec))
	}
	sortByPath(p.Resources)
	return p
}

func (m *monitor) resource(rec record) Resource {
	r, rpc := rec.resource, rec.rpc
	r.Protect = rpc.GetProtect()
	r.IgnoreChanges = slices.Sorted(slices.Values(rpc.GetIgnoreChanges()))
	r.ReplaceOnChanges = slices.Sorted(slices.Values(rpc.GetReplaceOnChanges()))
	r.RetainOnDelete = rpc.GetRetainOnDelete()
	r.DeleteBeforeReplace = rpc.GetDeleteBeforeReplace()
	r.DeletedWith = m.paths[rpc.GetDeletedWith()]
	r.DependsOn = m.explicit(rpc)
	r.Inherits = m.inherited(rpc)
	r.Provider = m.provider(rpc.GetProvider())
	r.Timeouts = timeouts(rpc.GetCustomTimeouts())
	return r
}

// explicit lists the dependencies that are not explained by an input.
func (m *monitor) explicit(rpc *pulumirpc.RegisterResourceRequest) []string {
	shown := map[string]bool{}
	for _, deps := range rpc.GetPropertyDependencies() {
		for _, urn := range deps.GetUrns() {
			shown[urn] = true
		}
	}
	only := map[string]bool{}
	for _, urn := range rpc.GetDependencies() {
		if !shown[urn] {
			only[m.paths[urn]] = true
		}
	}
	return slices.Sorted(maps.Keys(only))
}

// inherited lists where each input comes from.
func (m *monitor) inherited(rpc *pulumirpc.RegisterResourceRequest) map[string][]string {
	all := map[string][]string{}
	for input, deps := range rpc.GetPropertyDependencies() {
		var paths []string
		for _, urn := range deps.GetUrns() {
			paths = append(paths, m.paths[urn])
		}
		sort.Strings(paths)
		all[input] = paths
	}
	return all
}

// provider turns a reference "urn::id" into "type name".
func (m *monitor) provider(reference string) string {
	cut := strings.LastIndex(reference, "::")
	if cut < 0 {
		return ""
	}
	path := m.paths[reference[:cut]]
	if parent := strings.LastIndex(path, separator); parent >= 0 {
		path = path[parent+len(separator):]
	}
	return path
}

func timeouts(t *pulumirpc.RegisterResourceRequest_CustomTimeouts) string {
	var set []string
	for verb, d := range map[string]string{"create": t.GetCreate(), "update": t.GetUpdate(), "delete": t.GetDelete()} {
		if d != "" {
			set = append(set, verb+" "+d)
		}
	}
	sort.Strings(set)
	return strings.Join(set, ", ")
}
