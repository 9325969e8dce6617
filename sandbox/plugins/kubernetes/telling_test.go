package kubernetes

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// heard are the messages that an engine took.
type heard struct{ lines []string }

func (h *heard) Log(_ context.Context, in *pulumirpc.LogRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	h.lines = append(h.lines, fmt.Sprintf("%s %s %q status=%t", in.Urn, in.Severity, in.Message, in.Ephemeral))
	return &emptypb.Empty{}, nil
}

func TestAWaitSaysWhatFor(t *testing.T) {
	engine := &heard{}
	w := &waiting{to: engine, urn: "urn:x", began: time.Now(), explain: func() string { return "no such image" }}
	w.until(t.Context(), "0 of 2 available")
	w.until(t.Context(), "0 of 2 available")
	w.until(t.Context(), "1 of 2 available")
	w.began = w.began.Add(-longWait - time.Second)
	w.until(t.Context(), "1 of 2 available")
	w.until(t.Context(), "1 of 2 available")
	w.over(t.Context())
	want := []string{
		`urn:x INFO "0 of 2 available" status=true`,
		`urn:x INFO "1 of 2 available" status=true`,
		`urn:x WARNING "still waiting: no such image" status=false`,
		`urn:x INFO "" status=true`,
	}
	if d := cmp.Diff(want, engine.lines); d != "" {
		t.Error(d)
	}
}

func TestAnEngineThatTakesNoMessagesGetsNone(t *testing.T) {
	w := &waiting{began: time.Now().Add(-time.Hour), explain: func() string { return "" }}
	w.until(t.Context(), "a")
	w.over(t.Context())
}

func TestAPreviewTellsOfVolumesThatOnlyOpenHere(t *testing.T) {
	in := inputs(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {spec:
		{securityContext: {runAsUser: 1000}, volumes: [{name: data, persistentVolumeClaim: {claimName: a}}]}}}}`)
	urn := resource.NewURN("local", "ragscale", "", "kubernetes:apps/v1:Deployment", "a")
	for name, do := range map[string]func(*provider){
		"create": func(p *provider) {
			_, err := p.Create(t.Context(), plugin.CreateRequest{URN: urn, Properties: in, Preview: true})
			if err != nil {
				t.Error(err)
			}
		},
		"update": func(p *provider) {
			_, err := p.Update(t.Context(), plugin.UpdateRequest{URN: urn, NewInputs: in, Preview: true})
			if err != nil {
				t.Error(err)
			}
		},
	} {
		p, engine := newProvider(), &heard{}
		p.engine = engine
		do(p)
		if len(engine.lines) != 1 || !strings.Contains(engine.lines[0], "WARNING") || !strings.Contains(engine.lines[0], "volumes[data]") {
			t.Errorf("%s: got %q", name, engine.lines)
		}
	}
}
