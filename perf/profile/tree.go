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
