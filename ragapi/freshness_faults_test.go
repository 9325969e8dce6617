package main

import (
	"context"
	"slices"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/ragscale/ragscale/ragapi/change"
	"github.com/ragscale/ragscale/ragapi/document"
)

// faults are what befalls the world, by name.
func (w *world) faults() map[string]func() {
	return map[string]func(){
		"the replica lags":         w.lag,
		"the replica stands":       w.stand,
		"the replica is lost":      w.loseReplica,
		"Redis is cut off":         w.cutOff,
		"Redis is slow":            w.slowRedis,
		"the databases are slow":   w.slowDatabases,
		"Redis forgets":            w.loseRedis,
		"Redis is full":            w.fillRedis,
		"a process dies":           func() { w.replaceParty(w.victim()) },
		"the worker dies":          w.replaceWorker,
		"a writer dies unheard":    w.dieUnheard,
		"a writer dies in the act": w.dieSlow,
	}
}

func (w *world) between(least, most int) time.Duration {
	return time.Duration(least+w.random.IntN(most-least+1)) * time.Millisecond
}

func (w *world) victim() *party { return w.any(w.random) }

func (w *world) lag() {
	by := w.between(0, 3000)
	switch w.random.IntN(6) {
	case 0:
		by = 0
	case 1:
		by = w.between(3000, 10_000)
	}
	w.befalls("the replica lags by %v", by)
	w.pair.Delay(w.T, by)
}

func (w *world) stand() {
	w.befalls("the replica stands")
	w.pair.Pause(w.T)
	time.Sleep(w.between(300, 2500))
	w.pair.Resume(w.T)
	w.befalls("the replica goes on")
}

func (w *world) loseReplica() {
	w.befalls("the replica is lost")
	w.crashed()
	w.pair.Crash(w.T)
	w.crashed()
	time.Sleep(w.between(0, 800))
	w.pair.Restart(w.T)
	w.befalls("the replica is back")
}

func (w *world) crashed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.position.crashes = append(w.position.crashes, time.Now())
}

func (w *world) cutOff() {
	p := w.victim()
	w.befalls("Redis is cut off from %s", p.name)
	w.disturb(true, p)
	p.cache.set(true)
	time.Sleep(w.between(300, 2500))
	p.cache.set(false)
	w.disturb(false, p)
	w.befalls("Redis is there for %s", p.name)
}

// dieUnheard has a process end that could not tell Redis what it acknowledged.
func (w *world) dieUnheard() {
	p := w.victim()
	w.befalls("Redis is cut off from %s, which will die", p.name)
	w.disturb(true, p)
	p.cache.set(true)
	time.Sleep(w.between(500, 1500))
	w.replaceParty(p)
}

func (w *world) slowRedis() {
	p := w.victim()
	by := w.between(5, 200)
	w.befalls("Redis is slow for %s by %v", p.name, by)
	p.cache.slow(by)
	time.Sleep(w.between(500, 2000))
	p.cache.slow(0)
}

// dieSlow has a process end between its commits and telling Redis of them.
func (w *world) dieSlow() {
	p := w.victim()
	w.befalls("Redis is slow for %s, which will die", p.name)
	p.cache.slow(w.between(100, 400))
	time.Sleep(w.between(300, 1000))
	w.replaceParty(p)
}

// slowDatabases keeps a process' requests in flight.
func (w *world) slowDatabases() {
	p := w.victim()
	primary, replica := w.between(0, 300), w.between(0, 300)
	w.befalls("the databases are slow for %s by %v and %v", p.name, primary, replica)
	p.primary.slow(primary)
	p.replica.slow(replica)
	time.Sleep(w.between(500, 3000))
	p.primary.slow(0)
	p.replica.slow(0)
}

func (w *world) loseRedis() {
	if w.random.IntN(4) > 0 {
		w.redis.Save(w.T)
		w.befalls("what Redis will remember")
		time.Sleep(w.between(0, 2000))
	}
	w.mu.Lock()
	all := slices.Clone(w.parties)
	w.mu.Unlock()
	w.disturb(true, all...)
	w.redis.Crash(w.T)
	time.Sleep(time.Duration(w.random.IntN(2)) * w.between(0, 500))
	empty := w.random.IntN(3) == 0
	w.redis.Restart(w.T, empty)
	w.disturb(false, all...)
	w.befalls("Redis has forgotten everything: %t", empty)
}

// fillRedis leaves Redis little room for a while. Where anything may go, what processes rely on goes too, and then they have no cache.
func (w *world) fillRedis() {
	policy := []string{"volatile-lru", "volatile-lru", "allkeys-lru", "noeviction"}[w.random.IntN(4)]
	w.mu.Lock()
	all := slices.Clone(w.parties)
	w.mu.Unlock()
	w.befalls("Redis is nearly full, %s", policy)
	if policy == "allkeys-lru" {
		w.disturb(true, all...)
	}
	w.redis.Limit(w.T, w.random.IntN(30_000), policy)
	time.Sleep(w.between(500, 2500))
	w.redis.Limit(w.T, 0, policy)
	w.disturb(false, all...)
	w.befalls("Redis has room")
}

// replaceParty kills a process with whatever it is at, or asks it to end as a roll-out does, and starts another.
func (w *world) replaceParty(p *party) {
	asked := w.random.IntN(3) == 0
	w.mu.Lock()
	w.parties = slices.DeleteFunc(w.parties, func(other *party) bool { return other == p })
	p.died = time.Now()
	w.note("%s dies, asked to: %t", p.name, asked)
	w.mu.Unlock()
	if asked {
		p.signal(syscall.SIGTERM)
		p.exit()
	}
	p.kill()
	w.join()
}

func (w *world) replaceWorker() {
	w.befalls("the worker dies")
	w.worker.kill()
	w.startWorker()
}

// failing has a pending document fail, as a worker would have it.
func (w *world) failing(id string) (failed bool, err error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return false, err
	}
	ctx := context.Background()
	var version int
	if err := w.primary.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM documents WHERE id = $1`, id).Scan(&version); err != nil {
		return false, err
	}
	if err := document.NewStore(w.primary, nil, nil, change.NewLog(w.primary, nil)).Fail(ctx, parsed, version, "nobody knows why"); err != nil {
		return false, err
	}
	err = w.primary.QueryRow(ctx, `SELECT count(*) > 0 FROM documents WHERE id = $1 AND status = 'failed'`, id).Scan(&failed)
	return failed, err
}
