package querylog

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	capacity      = 10_000 // records that wait at most: ten seconds' at 1,000 searches per second
	batchSize     = 1000
	flushInterval = time.Second
	flushWithin   = 5 * time.Second
)

// Recorder writes records behind the requests' backs. It holds a bounded number of them: what the database does not take
// in time is dropped and counted, and no request waits.
type Recorder struct {
	pool    *pgxpool.Pool
	log     *slog.Logger
	seen    func(written bool, records int)
	waiting chan Record
	stop    sync.Once
	stopped chan struct{}
	done    chan struct{}
}

// NewRecorder starts a recorder; seen is told of every record, written or dropped. Close ends it.
func NewRecorder(pool *pgxpool.Pool, seen func(written bool, records int), log *slog.Logger) *Recorder {
	r := &Recorder{pool: pool, log: log, seen: seen, waiting: make(chan Record, capacity), stopped: make(chan struct{}), done: make(chan struct{})}
	go r.run()
	return r
}

// Record takes a record, or drops it if too many wait.
func (r *Recorder) Record(rec Record) {
	select {
	case r.waiting <- rec:
	default:
		r.seen(false, 1)
	}
}

// Close writes what waits, until ctx ends. Records that come later are dropped.
func (r *Recorder) Close(ctx context.Context) {
	r.stop.Do(func() { close(r.stopped) })
	select {
	case <-r.done:
	case <-ctx.Done():
	}
}

func (r *Recorder) run() {
	defer close(r.done)
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	batch := make([]Record, 0, batchSize)
	for {
		select {
		case rec := <-r.waiting:
			if batch = append(batch, rec); len(batch) < batchSize {
				continue
			}
		case <-tick.C:
		case <-r.stopped:
			r.drain(batch)
			return
		}
		r.flush(batch)
		batch = batch[:0]
	}
}

func (r *Recorder) drain(batch []Record) {
	for {
		select {
		case rec := <-r.waiting:
			if batch = append(batch, rec); len(batch) == batchSize {
				r.flush(batch)
				batch = batch[:0]
			}
		default:
			r.flush(batch)
			return
		}
	}
}

func (r *Recorder) flush(batch []Record) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	err := write(ctx, r.pool, batch)
	for repeatable(err) {
		err = write(ctx, r.pool, batch)
	}
	if err != nil {
		r.log.Warn("query log not written", "records", len(batch), "error", err.Error())
	}
	r.seen(err == nil, len(batch))
}
