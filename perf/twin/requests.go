package twin

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/ragscale/ragscale/perf/twin/queueing"
)

// station is servers that work on requests one by one, first come, first served: the cores of a pod that has a limit,
// or those of a node, which its pods share.
type station struct {
	queueing.Station
	busy  int
	queue []*request
	head  int
}

func (s *station) length() int { return len(s.queue) - s.head }

func (s *station) push(r *request) { s.queue = append(s.queue, r) }

func (s *station) pop() *request {
	r := s.queue[s.head]
	s.queue[s.head] = nil
	if s.head++; s.head > 1024 && 2*s.head > len(s.queue) {
		s.queue, s.head = append(s.queue[:0], s.queue[s.head:]...), 0
	}
	return r
}

// request is one.
type request struct {
	came   float64
	waited float64 // for a core
	pod    *pod
}

// requests serves each request by itself.
type requests struct {
	w        *world
	random   *rand.Rand // its own, so that pods start alike however requests are served
	pods     []*pod
	stations []*station
	database station
	idle     float64 // until when pods' idle CPU is counted
	peak     float64
	turn     int
	waits    func(seconds float64) // of tests: each wait for a core
}

func (q *requests) begin() {
	q.peak, q.idle = q.w.load.Peak(), q.w.now
	q.changed()
	q.next()
}

func (q *requests) waiting() float64 {
	n := q.database.length()
	for _, s := range q.stations {
		n += s.length()
	}
	return float64(n)
}

// advance counts what pods use without requests. What requests use is counted with each.
func (q *requests) advance() {
	for _, p := range q.pods {
		p.cpu += q.w.stack.Work.IdleCores * (q.w.now - q.idle)
	}
	q.idle = q.w.now
}

func (q *requests) changed() {
	s := q.w.stack
	q.pods, q.stations = nil, nil
	onNode := map[*node]int{}
	for _, p := range q.w.pods {
		if p.phase == serving {
			q.pods = append(q.pods, p)
			onNode[p.node]++
		}
	}
	for _, p := range q.pods {
		of := &p.node.station
		cores := s.cores(p.node.group.Cores, onNode[p.node])
		if s.Pod.LimitCores > 0 {
			of, cores = &p.own, cores/float64(onNode[p.node])
		}
		if p.station = of; !slices.Contains(q.stations, of) {
			of.Station = s.tier(cores)
			q.stations = append(q.stations, of)
		}
	}
	q.database.Station = s.Database.station(len(q.pods))
	for _, s := range q.stations {
		q.free(s)
	}
}

// next is the next arrival: a Poisson process whose rate follows the load, by thinning one of its peak (Lewis and
// Shedler, 1979).
func (q *requests) next() {
	w := q.w
	w.Plan(w.now+q.random.ExpFloat64()/q.peak, func() {
		if q.random.Float64()*q.peak < w.load.Rate(max(0, w.now)) {
			q.arrive()
		}
		q.next()
	})
}

// arrive gives a request to the pod with the fewest; of several, to each in turn.
func (q *requests) arrive() {
	var best *pod
	for i := range q.pods {
		p := q.pods[(q.turn+i)%len(q.pods)]
		if best == nil || p.outstanding < best.outstanding {
			if best = p; p.outstanding == 0 {
				break
			}
		}
	}
	q.turn++
	q.w.period.arrived++
	if best == nil {
		q.w.period.count(1, 1, 1)
		return
	}
	best.outstanding++
	r := &request{came: q.w.now, pod: best}
	if best.station.busy < best.station.Servers {
		q.work(r)
	} else {
		best.station.push(r)
	}
}

func (q *requests) holds() (cores, connections float64) {
	for _, s := range q.stations {
		cores += s.Most()
	}
	if len(q.stations) == 0 {
		return 0, 0
	}
	return cores, q.w.stack.Database.most(q.database.Station)
}

// end counts those who have waited for longer than the objective.
func (q *requests) end() {
	for _, s := range q.stations {
		for _, r := range s.queue[s.head:] {
			if q.w.now-r.came > q.w.stack.Objective.Seconds {
				q.w.period.count(1, 1, 0)
			}
		}
	}
}

// work is a request's time on a core.
func (q *requests) work(r *request) {
	w, at := q.w, r.pod.station
	at.busy++
	r.waited = w.now - r.came
	if q.waits != nil {
		q.waits(r.waited)
	}
	demand := q.sample(queueing.Station{Seconds: w.stack.Work.CPUSeconds, CV2: w.stack.Work.CV2}.Service())
	w.Plan(w.now+demand*at.Seconds/w.stack.Work.CPUSeconds, func() {
		r.pod.cpu += demand
		at.busy--
		q.free(at)
		q.ask(r)
	})
}

// free lets cores begin with what waits for them. Who has waited for too long has left.
func (q *requests) free(at *station) {
	for at.length() > 0 && at.busy < at.Servers {
		r := at.pop()
		if q.w.now-r.came > q.w.stack.Work.TimeoutSeconds {
			r.pod.outstanding--
			q.w.period.count(1, 1, 1)
			continue
		}
		q.work(r)
	}
}

// ask leads a request to the database, unless a cache answers.
func (q *requests) ask(r *request) {
	d := q.w.stack.Database
	switch {
	case !d.asked() || q.random.Float64() >= d.Share:
		q.finish(r)
	case q.database.busy < q.database.Servers:
		q.answer(r)
	default:
		q.database.push(r)
	}
}

// answer is a request's time at the database.
func (q *requests) answer(r *request) {
	q.database.busy++
	q.w.Plan(q.w.now+q.sample(q.database.Service()), func() {
		q.database.busy--
		if q.database.length() > 0 && q.database.busy < q.database.Servers {
			q.answer(q.database.pop())
		}
		q.finish(r)
	})
}

// finish is the rest of a request, which waits for nothing that others have.
func (q *requests) finish(r *request) {
	w := q.w
	w.Plan(w.now+q.sample(w.stack.Work.Elsewhere), func() {
		r.pod.outstanding--
		took := w.now - r.came
		over := 0.0
		if took > w.stack.Objective.Seconds {
			over = 1
		}
		w.period.count(1, over, 0)
		w.period.took.add(took)
		w.period.served++
	})
}

// sample is a gamma distributed time.
func (q *requests) sample(t queueing.Time) float64 {
	switch {
	case t.Mean <= 0:
		return 0
	case t.Variance <= 1e-12*t.Mean*t.Mean:
		return t.Mean
	case math.Abs(t.Variance-t.Mean*t.Mean) < 1e-12*t.Variance:
		return q.random.ExpFloat64() * t.Mean
	}
	return distuv.Gamma{Alpha: t.Mean * t.Mean / t.Variance, Beta: t.Mean / t.Variance, Src: q.random}.Rand()
}
