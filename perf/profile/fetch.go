package profile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/google/pprof/profile"
)

// taken is a profile with its bytes.
type taken struct {
	*profile.Profile
	raw []byte
}

// kinds takes those that last, or those that do not, all at once.
func (c *collector) kinds(ctx context.Context, address, what string, lasting bool) map[Kind]taken {
	all := map[Kind]taken{}
	var one sync.Mutex
	var every sync.WaitGroup
	for _, kind := range c.Kinds {
		if forms[kind].lasts != lasting {
			continue
		}
		every.Go(func() {
			raw, err := c.fetch(ctx, address, kind)
			var p *profile.Profile
			if err == nil {
				p, err = read(kind, raw)
			}
			if err != nil {
				c.missing(what+": "+string(kind), err)
				return
			}
			one.Lock()
			defer one.Unlock()
			all[kind] = taken{p, raw}
		})
	}
	every.Wait()
	return all
}

// fetch gets one profile.
func (c *collector) fetch(ctx context.Context, address string, kind Kind) ([]byte, error) {
	path := "/debug/pprof/" + forms[kind].path
	if forms[kind].lasts {
		path += fmt.Sprintf("?seconds=%d", int(c.Each.Seconds()))
	}
	return get(ctx, address, path, mostCompressed)
}

// get answers what a path has, bounded.
func get(ctx context.Context, address, path string, most int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("it does not answer: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, err := io.ReadAll(io.LimitReader(answer.Body, 200))
		return nil, errors.Join(fmt.Errorf("%s answers %s (%s), want a pod of ragapi that serves it on its admin port and "+
			"that nobody else profiles now", path, answer.Status, strings.TrimSpace(string(said))), err)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("%s: its answer ends before its end: %w", path, err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return text, nil
}
