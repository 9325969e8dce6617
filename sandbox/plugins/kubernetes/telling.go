package kubernetes

import (
	"context"
	"os"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/ragscale/ragscale/sandbox/plugins/kubernetes/ownership"
)

// longWait is how long something is waited for before the engine's log says so for good; until then it is a status.
const longWait = 15 * time.Second

// teller is where the engine takes messages about a resource.
type teller interface {
	Log(ctx context.Context, in *pulumirpc.LogRequest, opts ...grpc.CallOption) (*emptypb.Empty, error)
}

// engineLog is the engine's, at the address that it gives its plugins as their first argument; nil without one.
func engineLog() teller {
	if len(os.Args) < 2 {
		return nil
	}
	conn, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil // an engine that takes no messages gets none
	}
	return pulumirpc.NewEngineClient(conn)
}

// waiting tells the engine what an object is waited for: each new reason as a status, and once what holds it up.
type waiting struct {
	to      teller
	urn     resource.URN
	began   time.Time
	reason  string
	explain func() string // why, with the warnings of the object and its pods
	told    bool
}

// until says that reason still holds.
func (w *waiting) until(ctx context.Context, reason string) {
	if w.to == nil {
		return
	}
	if reason != w.reason {
		w.reason = reason
		w.say(ctx, pulumirpc.LogSeverity_INFO, reason, true)
	}
	if !w.told && time.Since(w.began) > longWait {
		w.told = true
		w.say(ctx, pulumirpc.LogSeverity_WARNING, "still waiting: "+w.explain(), false)
	}
}

// over takes the status away.
func (w *waiting) over(ctx context.Context) {
	if w.to != nil && w.reason != "" {
		w.say(ctx, pulumirpc.LogSeverity_INFO, "", true)
	}
}

func (w *waiting) say(ctx context.Context, severity pulumirpc.LogSeverity, text string, status bool) {
	// What cannot be said is no reason to end the wait.
	_, _ = w.to.Log(ctx, &pulumirpc.LogRequest{Severity: severity, Message: text, Urn: string(w.urn), Ephemeral: status})
}

// warnOfOwners tells the engine which volumes of an object's pods only open here.
func (p *provider) warnOfOwners(ctx context.Context, urn resource.URN, in resource.PropertyMap) {
	w := waiting{to: p.engine, urn: urn}
	u, err := object(in)
	if err != nil || p.engine == nil {
		return // not known before the update
	}
	for _, text := range ownership.Foreign(u) {
		w.say(ctx, pulumirpc.LogSeverity_WARNING, text, false)
	}
}
