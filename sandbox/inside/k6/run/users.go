package run

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ragscale/ragscale/sandbox/inside/k6/executor"
	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
	"github.com/ragscale/ragscale/sandbox/inside/k6/metrics"
	"github.com/ragscale/ragscale/sandbox/inside/k6/options"
)

// most is how many users scenarios need at the same time: of those whose times overlap, the sum.
func most(o *options.Options, of func(executor.Plan) int) int {
	type change struct {
		at time.Duration
		by int
	}
	var changes []change
	for _, s := range o.Scenarios {
		p := executor.PlanOf(&s, o.Segment)
		changes = append(changes, change{s.StartTime.Duration, of(p)}, change{s.StartTime.Duration + p.Length, -of(p)})
	}
	// Users of a scenario that ends are there for one that begins at the same time.
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	now, top := 0, 0
	for _, c := range changes {
		now += c.by
		top = max(top, now)
	}
	return top
}

// makeUsers makes those that scenarios need from the beginning.
func (r *run) makeUsers(ctx context.Context) error {
	o := r.test.Options
	n := most(o, func(p executor.Plan) int { return p.Users })
	r.users = make(chan *js.User, max(n, most(o, func(p executor.Plan) int { return p.Most })))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	var one sync.Mutex
	for range n {
		group.Go(func() error {
			u, err := r.test.New(ctx, r.main, true)
			if err != nil {
				return err
			}
			one.Lock()
			defer one.Unlock()
			r.made = append(r.made, u)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	slices.SortFunc(r.made, func(a, b *js.User) int { return cmp.Compare(a.ID, b.ID) })
	for _, u := range r.made {
		r.users <- u
	}
	r.test.Initialized.Store(int64(n))
	return nil
}

// Take implements executor.Users.
func (r *run) Take(ctx context.Context) (executor.User, error) {
	select {
	case u := <-r.users:
		return u, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Give implements executor.Users.
func (r *run) Give(u executor.User) {
	user, ok := u.(*js.User)
	if !ok {
		return
	}
	select {
	case r.users <- user:
	default: // more were made than will be needed again
	}
}

// Make implements executor.Users.
func (r *run) Make(ctx context.Context) (executor.User, error) {
	u, err := r.test.New(ctx, r.main, true)
	if err != nil {
		return nil, errors.New(js.Text(err))
	}
	r.test.Initialized.Add(1)
	return u, u.SetData(r.setup)
}

// How often users are counted and thresholds are judged.
const (
	countEvery = time.Second
	judgeEvery = 2 * time.Second
)

// watch counts users and judges thresholds until the run is over.
func (r *run) watch(ctx context.Context) {
	count, judge := time.NewTicker(countEvery), time.NewTicker(judgeEvery)
	defer count.Stop()
	defer judge.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-count.C:
			e, now, tags := r.test.Engine, time.Now(), r.test.Options.Tags
			e.Add(metrics.Sample{Metric: e.VUs, Value: float64(r.test.Active.Load()), Time: now, Tags: tags},
				metrics.Sample{Metric: e.VUsMax, Value: float64(r.test.Initialized.Load()), Time: now, Tags: tags})
		case <-judge.C:
			if _, abort := r.test.Engine.Judge(r.test.Elapsed(), false); abort {
				r.stop(ThresholdsMissed, "thresholds were crossed; at least one has abortOnFail enabled, stopping test prematurely")
			}
		}
	}
}
