package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/policyx"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"github.com/ragscale/ragscale/policies/rules"
	"github.com/ragscale/ragscale/stacks"
)

// garbagePercent lets the heap grow before it is collected: the process lives for one preview and takes some 100 MB.
const garbagePercent = 800

// Serve answers the engine until it hangs up. It writes the port it listens on to out, as the engine expects.
//
// policyx.Main does the same, but decodes a resource once for every policy, says of no policy that a resource is none
// of its business, and hands out only the configuration that a policy can name, while this sees all keys, unknown ones
// included. docs/architecture.md has what the pack costs a preview.
func Serve(out io.Writer) error {
	debug.SetGCPercent(garbagePercent)
	// the engine waits for every answer; further threads only wake each other: 480 ms of CPU for 380 (2026-11-24)
	runtime.GOMAXPROCS(1)
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Init: func(s *grpc.Server) error {
			pulumirpc.RegisterAnalyzerServer(s, &server{})
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, handle.Port)
	return <-handle.Done
}

// server is the engine's analyzer protocol. Handshake and ConfigureStack come before anything else.
type server struct {
	pulumirpc.UnimplementedAnalyzerServer

	pack   policyx.PolicyPack
	levels map[string]policyx.EnforcementLevel // by policy; what the engine was told to use instead of the pack's own
	agenda agenda
	judged sync.Map // URNs whose inputs resource policies saw; stack policies need no outputs of them
}

func (s *server) Handshake(context.Context,
	*pulumirpc.AnalyzerHandshakeRequest) (*pulumirpc.AnalyzerHandshakeResponse, error) {
	return &pulumirpc.AnalyzerHandshakeResponse{}, nil
}

// ConfigureStack makes the pack for the stack, or refuses its configuration.
func (s *server) ConfigureStack(_ context.Context,
	req *pulumirpc.AnalyzerStackConfigureRequest) (*pulumirpc.AnalyzerStackConfigureResponse, error) {
	values := map[string]string{}
	for key, value := range req.GetConfig() {
		values[key] = value
	}
	for _, key := range req.GetConfigSecretKeys() {
		values[key] = stacks.SecretValue
	}
	settings, err := Read(req.GetStack(), values, time.Now())
	if err != nil {
		return nil, err
	}
	if s.pack, err = New(settings); err != nil {
		return nil, err
	}
	s.agenda = agendaOf(s.pack, s.level)
	return &pulumirpc.AnalyzerStackConfigureResponse{}, nil
}

var errNoStack = errors.New("the policy pack was given no stack: run it with `pulumi preview` or `pulumi up " +
	"--policy-pack policies`")

func (s *server) GetAnalyzerInfo(context.Context, *emptypb.Empty) (*pulumirpc.AnalyzerInfo, error) {
	if s.pack == nil {
		return nil, errNoStack
	}
	info := &pulumirpc.AnalyzerInfo{Name: Name, Version: Version, SupportsConfig: true}
	for _, p := range s.pack.Policies() {
		info.Policies = append(info.Policies, &pulumirpc.PolicyInfo{
			Name: p.Name(), Description: p.Description(), EnforcementLevel: pulumirpc.EnforcementLevel(p.EnforcementLevel()),
			PolicyType: typeOf(p),
		})
	}
	return info, nil
}

func (s *server) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: Version}, nil
}

// Configure takes the levels of --policy-pack-config, defaults included. Thresholds it refuses: they are the stack's.
func (s *server) Configure(_ context.Context, req *pulumirpc.ConfigureAnalyzerRequest) (*emptypb.Empty, error) {
	if s.pack == nil {
		return nil, errNoStack
	}
	if err := checkLevels(req.GetPolicyConfig()); err != nil {
		return nil, err
	}
	s.levels = map[string]policyx.EnforcementLevel{}
	for name, c := range req.GetPolicyConfig() {
		s.levels[name] = policyx.EnforcementLevel(c.GetEnforcementLevel())
	}
	s.agenda = agendaOf(s.pack, s.level)
	return &emptypb.Empty{}, nil
}

func (s *server) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// level is that of a policy in this run. What is exempt is reported whatever the levels are.
func (s *server) level(p policyx.Policy) policyx.EnforcementLevel {
	if level, told := s.levels[p.Name()]; told && p.Name() != exemptionsPolicy {
		return level
	}
	return p.EnforcementLevel()
}

// Analyze asks the resource policies about one resource.
func (s *server) Analyze(ctx context.Context, req *pulumirpc.AnalyzeRequest) (*pulumirpc.AnalyzeResponse, error) {
	r, err := resourceFrom(req)
	if err != nil {
		return nil, err
	}
	asked := s.agenda.of(r.Type)
	var found diagnostics
	for _, p := range asked.policies {
		args := policyx.ResourceValidationArgs{Manager: found.of(p, s.level(p), r.URN), Resource: r}
		if err := p.Validate(ctx, args); err != nil {
			return nil, fmt.Errorf("policy %s: %w", p.Name(), err)
		}
		s.judged.Store(r.URN, true)
	}
	return &pulumirpc.AnalyzeResponse{Diagnostics: found.list, NotApplicable: asked.others}, nil
}

// Remediate asks the remedies about one resource, each with what the one before it made.
func (s *server) Remediate(ctx context.Context, req *pulumirpc.AnalyzeRequest) (*pulumirpc.RemediateResponse, error) {
	response := &pulumirpc.RemediateResponse{NotApplicable: s.agenda.notRemedies}
	if !rules.Mendable(req.GetType()) {
		return response, nil
	}
	r, err := resourceFrom(req)
	if err != nil {
		return nil, err
	}
	for _, p := range s.agenda.remedies {
		mended, err := p.Remediate(ctx, policyx.ResourceRemediationArgs{Resource: r})
		if err != nil {
			return nil, fmt.Errorf("policy %s: %w", p.Name(), err)
		}
		if mended == nil {
			continue
		}
		r.Properties = *mended
		properties, err := encode(r.Properties)
		if err != nil {
			return nil, err
		}
		response.Remediations = append(response.Remediations, &pulumirpc.Remediation{
			PolicyName: p.Name(), Description: p.Description(), PolicyPackName: Name, PolicyPackVersion: Version,
			Properties: properties,
		})
	}
	return response, nil
}

// AnalyzeStack asks the stack policies about all resources.
func (s *server) AnalyzeStack(ctx context.Context,
	req *pulumirpc.AnalyzeStackRequest) (*pulumirpc.AnalyzeResponse, error) {
	var resources []policyx.AnalyzerResource
	for _, shown := range req.GetResources() {
		if _, judged := s.judged.Load(shown.GetUrn()); judged {
			shown.Properties = nil
		}
		r, err := resourceFrom(shown)
		if err != nil {
			return nil, err
		}
		r.PropertyDependencies = map[string][]string{}
		for input, sources := range shown.GetPropertyDependencies() {
			r.PropertyDependencies[input] = sources.GetUrns()
		}
		resources = append(resources, r)
	}
	var found diagnostics
	for _, p := range s.agenda.stack {
		args := policyx.StackValidationArgs{Manager: found.of(p, s.level(p), ""), Resources: resources}
		if err := p.Validate(ctx, args); err != nil {
			return nil, fmt.Errorf("policy %s: %w", p.Name(), err)
		}
	}
	return &pulumirpc.AnalyzeResponse{Diagnostics: found.list}, nil
}
