package profile

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// Node is a function as it was called from those above it.
type Node struct {
	Name  string
	Value float64 // with what it called, per what the hotspots are of
	Below []*Node // the largest first

	byName map[string]*Node
}

// deepest bounds a stack: the runtime keeps at most 128 frames of one, inlined ones not counted.
const deepest = 256

// Tree joins the stacks of a tier's profiles of a kind: nil where there are none. Its root is what all have in common.
func (p *Profiles) Tree(tier string, kind Kind, of float64) (*Node, error) {
	parts := p.of(tier, kind)
	if len(parts) == 0 {
		return nil, nil
	}
	merged, err := merge(parts)
	if err != nil {
		return nil, err
	}
	value, _ := columns(merged, kind)
	root := &Node{Name: tier}
	for _, s := range merged.Sample {
		root.add(s, ratio(float64(s.Value[value]), of))
	}
	root.order()
	return root, nil
}

func (n *Node) add(s *profile.Sample, v float64) {
	n.Value += v
	stack := frames(s)
	for i, name := range slices.Backward(stack) {
		if len(stack)-i > deepest {
			return
		}
		if n.byName == nil {
			n.byName = map[string]*Node{}
		}
		below := n.byName[name]
		if below == nil {
			below = &Node{Name: name}
			n.byName[name] = below
			n.Below = append(n.Below, below)
		}
		n = below
		n.Value += v
	}
}

func (n *Node) order() {
	slices.SortFunc(n.Below, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), strings.Compare(a.Name, b.Name))
	})
	for _, below := range n.Below {
		below.order()
	}
}

// ourModule is that of the API and its workers.
const ourModule = "github.com/ragscale/ragscale/"

// Ours tells functions of the API and its workers from those of other modules, the standard library and the runtime.
func Ours(name string) bool {
	return strings.HasPrefix(name, ourModule) || strings.HasPrefix(name, "main.")
}

// Charge is what a function of the API or its workers spends: itself and in what it calls of others, but not in others
// of ours.
type Charge struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"` // per what the hotspots are of
	Share float64 `json:"share"` // of the whole
}

// Charges are the functions of ours, the most expensive first, and beside them what none of ours had called.
func (n *Node) Charges() (all []Charge, others Charge) {
	if n == nil || n.Value <= 0 {
		return nil, others
	}
	sums := map[string]float64{}
	n.charge("", sums)
	for name, v := range sums {
		if one := (Charge{name, v, v / n.Value}); name == "" {
			others = one
		} else if v > 0 {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b Charge) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), strings.Compare(a.Name, b.Name))
	})
	return all, others
}

// charge adds what a node spends itself to the innermost function of ours.
func (n *Node) charge(to string, sums map[string]float64) {
	if Ours(n.Name) {
		to = n.Name
	}
	own := n.Value
	for _, below := range n.Below {
		own -= below.Value
		below.charge(to, sums)
	}
	sums[to] += own
}
