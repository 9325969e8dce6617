package twin

import (
	"cmp"
	"slices"
)

// node is one, by places for pods of the API's size.
type node struct {
	group  *Group
	pods   int // the API's
	others int
	spare  int     // places that headroom keeps
	since  float64 // unneeded since, or negative
	station
}

func (n *node) free() int { return n.group.Pods - n.pods - n.others - n.spare }

// cluster is the nodes, and what waits for one.
type cluster struct {
	stack   Stack
	groups  []*Group
	nodes   []*node
	coming  map[*Group]int
	waiting int // pods of the headroom without a place
	added   float64
}

func newCluster(s Stack) cluster {
	c := cluster{stack: s, coming: map[*Group]int{}, waiting: s.Headroom, added: -1e6}
	for i := range s.Groups {
		g := &s.Groups[i]
		c.groups = append(c.groups, g)
		others := g.Others
		for range max(g.Least, min(g.Before, g.Most)) {
			one := &node{group: g, since: -1, others: min(others, g.Pods)}
			others -= one.others
			c.nodes = append(c.nodes, one)
		}
	}
	return c
}

// place takes a place for an API pod: on the node with the most free ones, else where headroom gives way; nil for none.
func (c *cluster) place() *node {
	best := c.roomiest((*node).free)
	if best == nil {
		if best = c.roomiest(func(n *node) int { return n.spare }); best == nil {
			return nil
		}
		best.spare--
		c.waiting++
	}
	best.pods++
	best.since = -1
	return best
}

// roomiest is the node that has the most of something, nil where none has any.
func (c *cluster) roomiest(has func(*node) int) (best *node) {
	most := 0
	for _, n := range c.nodes {
		if have := has(n); have > most {
			best, most = n, have
		}
	}
	return best
}

// settle gives headroom the places that are free.
func (c *cluster) settle() {
	for _, n := range c.nodes {
		take := min(n.free(), c.waiting)
		n.spare, c.waiting = n.spare+take, c.waiting-take
	}
}

// count is how many nodes of a group there are or come.
func (c *cluster) count(g *Group) int {
	n := c.coming[g]
	for _, one := range c.nodes {
		if one.group == g {
			n++
		}
	}
	return n
}

// more is the first group that may have another node, nil for none.
func (c *cluster) more() *Group {
	for _, g := range c.groups {
		if c.count(g) < g.Most {
			return g
		}
	}
	return nil
}

// add is a node at once, before the load begins; nil where no group may have more.
func (c *cluster) add(now float64) *node {
	g := c.more()
	if g == nil {
		return nil
	}
	n := &node{group: g, since: -1}
	c.nodes, c.added = append(c.nodes, n), now
	return n
}

// scan is a round of the node autoscaler: nodes for all that wait, then those that are not needed go.
func (w *world) scan() {
	c := &w.cluster
	short := c.waiting
	for _, p := range w.pods {
		if p.phase == unscheduled {
			short++
		}
	}
	for g, n := range c.coming {
		short -= n * g.Pods
	}
	added := false
	for short > 0 {
		g := c.more()
		if g == nil {
			break
		}
		c.coming[g]++
		short -= g.Pods
		added = true
		w.Plan(w.now+w.stack.Nodes.StartSeconds, func() { w.arrive(g) })
	}
	if !added {
		w.shrink()
	}
}

// arrive is a node that takes pods from now on.
func (w *world) arrive(g *Group) {
	w.serve.advance()
	w.cluster.coming[g]--
	w.cluster.nodes = append(w.cluster.nodes, &node{group: g, since: -1})
	w.cluster.added = w.now
	w.fill()
	w.serve.changed()
}

// shrink takes nodes away that were unneeded for long enough: all empty ones, and one whose pods find place elsewhere.
func (w *world) shrink() {
	c, s := &w.cluster, w.stack.Nodes
	moved := false
	for _, n := range slices.Clone(c.nodes) {
		if !w.unneeded(n) {
			n.since = -1
			continue
		}
		if n.since < 0 {
			n.since = w.now
		}
		empty := n.pods == 0 && n.spare == 0
		if w.now-n.since < s.UnneededSeconds || w.now-c.added < s.DelayAfterAddSeconds || moved && !empty {
			continue
		}
		w.drain(n)
		moved = moved || !empty
	}
}

// unneeded says that a node has few pods, which would find place on others, and that its group may have fewer nodes.
func (w *world) unneeded(n *node) bool {
	if n.others > 0 || float64(n.pods+n.spare) >= w.stack.Nodes.Utilization*float64(n.group.Pods) ||
		w.cluster.count(n.group) <= n.group.Least {
		return false
	}
	free := 0
	for _, other := range w.cluster.nodes {
		if other != n {
			free += other.free()
		}
	}
	return free >= n.pods+n.spare
}

// drain takes a node away. Its pods are made anew elsewhere.
func (w *world) drain(n *node) {
	w.serve.advance()
	c := &w.cluster
	c.nodes = slices.DeleteFunc(c.nodes, func(one *node) bool { return one == n })
	c.waiting += n.spare
	moved := 0
	for _, p := range w.pods {
		if p.node == n && p.phase != unscheduled {
			w.evict(p)
			moved++
		}
	}
	w.pods = slices.DeleteFunc(w.pods, func(p *pod) bool { return p.phase == gone })
	for range moved {
		w.create()
	}
	w.fill()
	w.serve.changed()
}

// remove takes pods away as a ReplicaSet does: those first that do not serve, then the youngest.
func (w *world) remove(n int) {
	order := slices.Clone(w.pods)
	slices.SortStableFunc(order, func(a, b *pod) int {
		return cmp.Or(cmp.Compare(a.phase, b.phase), cmp.Compare(b.changed, a.changed))
	})
	for _, p := range order[:n] {
		w.evict(p)
	}
	w.pods = slices.DeleteFunc(w.pods, func(p *pod) bool { return p.phase == gone })
	w.serve.changed()
	w.fill()
}

// evict takes a pod off its node. Requests that it has go on.
func (w *world) evict(p *pod) {
	p.phase = gone
	if p.node != nil {
		p.node.pods--
	}
}

// fill gives pods that wait a place: the API's first, which the room kept free gives way to.
func (w *world) fill() {
	for _, p := range w.pods {
		if p.phase == unscheduled {
			if w.schedule(p); p.node == nil {
				break
			}
		}
	}
	w.cluster.settle()
}
