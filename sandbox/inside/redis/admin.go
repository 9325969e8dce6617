package redis

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/redis/rueidis"

	"github.com/ragscale/ragscale/sandbox/control"
)

// admin is a connection to a node through its socket, as the sandbox's own user.
type admin struct{ client rueidis.Client }

func dialAdmin(socket, password string) (admin, error) {
	c, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{"node"}, Username: adminUser, Password: password, ClientSetInfo: rueidis.DisableClientSetInfo,
		ForceSingleClient: true, DisableCache: true, DisableRetry: true, PipelineMultiplex: -1,
		DialCtxFn: func(ctx context.Context, _ string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return control.Dial(ctx, socket) // long paths
		},
	})
	return admin{c}, err
}

func (a admin) close() { a.client.Close() }

// do runs a command; its error is what the engine says, without the engine's own prefix.
func (a admin) do(ctx context.Context, words ...string) error {
	err := a.client.Do(ctx, a.client.B().Arbitrary(words...).Build()).Error()
	if said, ok := rueidis.IsRedisErr(err); ok {
		text := strings.TrimPrefix(said.Error(), "ERR ")
		if _, reason, ok := strings.Cut(text, ") - "); ok && strings.HasPrefix(text, "CONFIG SET failed") {
			text = reason
		}
		return fmt.Errorf("the engine says: %s", text)
	}
	return err
}

// set changes directives in the running engine: all of them or none.
func (a admin) set(ctx context.Context, d directives) error {
	if len(d) == 0 {
		return nil
	}
	words := []string{"CONFIG", "SET"}
	for _, name := range slices.Sorted(maps.Keys(d)) {
		words = append(words, name, d[name])
	}
	return a.do(ctx, words...)
}

func (a admin) setUser(ctx context.Context, name string, rules []string) error {
	return a.do(ctx, append([]string{"ACL", "SETUSER", name}, rules...)...)
}

// config is the engine's whole configuration as it runs.
func (a admin) config(ctx context.Context) (directives, error) {
	return a.client.Do(ctx, a.client.B().ConfigGet().Parameter("*").Build()).AsStrMap()
}

// info is the engine's account of itself: "used_memory", "role", "master_link_status" and others.
func (a admin) info(ctx context.Context) (map[string]string, error) {
	text, err := a.client.Do(ctx, a.client.B().Info().Build()).ToString()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			out[name] = value
		}
	}
	return out, nil
}
