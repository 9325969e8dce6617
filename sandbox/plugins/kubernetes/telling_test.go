package kubernetes

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
		`urn:x INFO "waiting: 0 of 2 available" status=true`,
		`urn:x INFO "waiting: 1 of 2 available" status=true`,
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
