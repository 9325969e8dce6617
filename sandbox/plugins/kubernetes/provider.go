// Package kubernetes is the sandbox's Kubernetes provider plugin: every resource of the program becomes an object of
// the real API server by server-side apply, awaited as the official provider awaits it.
//
// Owns: the plugin protocol for any kind and for Helm releases, identity, diff, awaiting, drift. Does not own: the
// cluster, nor what runs in it. Helm charts are not rendered: a release of a controller the sandbox knows installs
// that controller's stand-in (charts.go); any other chart is refused.
package kubernetes

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"github.com/ragscale/ragscale/sandbox/control"
)

// Version is that of the SDK the program is compiled with; the engine looks the plugin up by it.
const Version = "4.30.0"

const releaseToken = "kubernetes:helm.sh/v3:Release"

// provider implements plugin.Provider. One process serves one configuration, and the engine calls it concurrently.
type provider struct {
	plugin.UnimplementedProvider

	cancel context.CancelFunc // ends every wait; called when the user interrupts
	ctx    context.Context

	mu        sync.Mutex
	engine    teller   // nil for one that takes no messages
	cluster   *cluster // nil until Configure
	options   options
	namespace string // default namespace of namespaced objects
}

// Main serves the plugin until the engine goes away; it prints the port it listens on, as the engine expects.
func Main() int {
	control.ExitWithParent()
	p := newProvider()
	p.engine = engineLog()
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Init: func(s *grpc.Server) error {
			pulumirpc.RegisterResourceProviderServer(s, plugin.NewProviderServer(p))
			return nil
		},
		Options: rpcutil.OpenTracingServerInterceptorOptions(nil),
	})
	if err == nil {
		fmt.Printf("%d\n", handle.Port)
		err = <-handle.Done
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubernetes plugin:", err)
		return 1
	}
	return 0
}

func newProvider() *provider {
	ctx, cancel := context.WithCancel(context.Background())
	return &provider{ctx: ctx, cancel: cancel, namespace: "default"}
}

func (p *provider) Handshake(context.Context, plugin.ProviderHandshakeRequest) (*plugin.ProviderHandshakeResponse, error) {
	return &plugin.ProviderHandshakeResponse{AcceptSecrets: true, AcceptResources: true}, nil
}

func (p *provider) Close() error { p.cancel(); return nil }

// SignalCancellation ends the waits; what was applied stays and is found again by the next update.
func (p *provider) SignalCancellation(context.Context) error { p.cancel(); return nil }

func (p *provider) GetPluginInfo(context.Context) (plugin.PluginInfo, error) {
	v := semver.MustParse(Version)
	return plugin.PluginInfo{Version: &v}, nil
}

func (p *provider) CheckConfig(_ context.Context, r plugin.CheckConfigRequest) (plugin.CheckConfigResponse, error) {
	failures := unservedFaults(r.News)
	if fault := kubeconfigFault(r.News["kubeconfig"]); fault != "" {
		failures = append(failures, plugin.CheckFailure{Property: "kubeconfig", Reason: "kubeconfig " + fault})
	}
	return plugin.CheckConfigResponse{Properties: r.News, Failures: failures}, nil
}

func kubeconfigFault(v resource.PropertyValue) string {
	v = reveal(v)
	switch {
	case v.IsNull():
		return "is not set, want the provider's argument or the setting kubernetes:kubeconfig: the sandbox reads neither $KUBECONFIG nor ~/.kube/config, which may be of a real cluster"
	case !v.IsString():
		return "" // not known yet
	}
	if _, err := restConfig(v.StringValue()); err != nil {
		return "is of no use: " + err.Error()
	}
	return ""
}

// DiffConfig never replaces: a replaced provider would replace every object. The cluster of a new kubeconfig is the
// same cluster reached otherwise, or one whose objects are gone, which Read reports.
func (p *provider) DiffConfig(_ context.Context, r plugin.DiffConfigRequest) (plugin.DiffConfigResponse, error) {
	if r.OldInputs.DeepEquals(r.NewInputs) {
		return plugin.DiffResult{Changes: plugin.DiffNone}, nil
	}
	return plugin.DiffResult{Changes: plugin.DiffSome}, nil
}

func (p *provider) Configure(_ context.Context, r plugin.ConfigureRequest) (plugin.ConfigureResponse, error) {
	kc := reveal(r.Inputs["kubeconfig"])
	if !kc.IsString() {
		return plugin.ConfigureResponse{}, nil // not known in this preview: nothing below is asked of us
	}
	c, err := newCluster(kc.StringValue())
	if err != nil {
		return plugin.ConfigureResponse{}, fmt.Errorf("kubeconfig: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cluster, p.options = c, optionsOf(r.Inputs)
	if ns := reveal(r.Inputs["namespace"]); ns.IsString() && ns.StringValue() != "" {
		p.namespace = ns.StringValue()
	}
	return plugin.ConfigureResponse{}, nil
}

func (p *provider) connected() (*cluster, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cluster == nil {
		return nil, fmt.Errorf("the provider has no kubeconfig")
	}
	return p.cluster, nil
}

// Invoke serves no function: a program that reads the cluster uses resources' Get.
func (p *provider) Invoke(_ context.Context, r plugin.InvokeRequest) (plugin.InvokeResponse, error) {
	return plugin.InvokeResponse{}, fmt.Errorf("function %s is not served by the sandbox", r.Tok)
}

// waitContext is the context of one operation: it ends with the plugin, with the request, or after seconds (0: none).
func (p *provider) waitContext(ctx context.Context, seconds float64) (context.Context, context.CancelFunc) {
	joined, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(p.ctx, cancel)
	done := func() { stop(); cancel() }
	if seconds <= 0 {
		return joined, done
	}
	timed, cancelTimed := context.WithTimeout(joined, secondsToDuration(seconds))
	return timed, func() { cancelTimed(); done() }
}

func isRelease(urn resource.URN) bool { return strings.EqualFold(string(urn.Type()), releaseToken) }
