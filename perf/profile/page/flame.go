package page

import (
	"fmt"
	"math"
	"strings"

	"github.com/ragscale/ragscale/perf/profile"
)

// Where frames are in a drawing, in its own units.
const (
	width     = 1200.0
	rowHeight = 18.0
	perLetter = 6.4 // of the font at 11 units, in the mean
	leastText = 3   // letters
	leastWide = 1.0 // a frame that is narrower is not drawn, nor what it called
	wider     = 1.2 // is what a frame has to be where there are too many
	mostRows  = 120

	// Frames of a flame graph, some 250 bytes each: on a page of its own, and on one that tells of more.
	mostFrames = 4000
	mostBeside = 600
)

// Flame is a flame graph as the page draws it, its root at the top.
type Flame struct {
	Title         string
	Width, Height float64
	Summary       string // for those who do not see it
	Frames        []Frame
	Left          int // frames that are too narrow to be drawn

	least float64 // how wide a frame has to be
}

// Frame is a function in the place where it was called.
type Frame struct {
	X, Y, Width float64
	Class       string // own, library, standard, runtime
	Title       string
	Text        string // as much of the name as fits
}

// draw places a tree's frames, the widest where there are more than some. A frame is as wide as its part of the whole.
func draw(h profile.Hotspots, root *profile.Node, most int) Flame {
	f := Flame{Title: title(h), Width: width}
	if root == nil || root.Value <= 0 {
		f.Summary = "it has no samples"
		return f
	}
	for f.least = leastWide; ; f.least *= wider {
		f.Frames, f.Left, f.Height = nil, 0, 0
		f.place(h, root, root.Value, 0, 0)
		if len(f.Frames) <= most {
			break
		}
	}
	f.Height += rowHeight
	f.Summary = fmt.Sprintf("%s, of which %s", headline(h), widest(h))
	return f
}

func widest(h profile.Hotspots) string {
	var all []string
	for _, fn := range h.Functions[:min(len(h.Functions), 5)] {
		all = append(all, fmt.Sprintf("%s %s", fn.Name, percent(fn.Share)))
	}
	return strings.Join(all, ", ")
}

func (f *Flame) place(h profile.Hotspots, n *profile.Node, whole, x float64, row int) {
	wide := width * n.Value / whole
	if wide < f.least || row >= mostRows {
		f.Left++
		return
	}
	y := float64(row) * rowHeight
	f.Height = max(f.Height, y)
	f.Frames = append(f.Frames, Frame{
		X: tenth(x), Y: y, Width: tenth(max(wide-0.5, 0.5)), Class: origin(n.Name, row), Text: fit(n.Name, wide),
		Title: fmt.Sprintf("%s\n%s per %s, %s", n.Name, amount(n.Value, h.Unit), h.Per, percent(n.Value/whole)),
	})
	for _, below := range n.Below {
		f.place(h, below, whole, x, row+1)
		x += width * below.Value / whole
	}
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// origin is whose code a function is.
func origin(name string, row int) string {
	first, _, _ := strings.Cut(name, "/")
	switch {
	case row == 0:
		return "root"
	case profile.Ours(name):
		return "own"
	case first == "runtime", strings.HasPrefix(name, "runtime."), strings.HasPrefix(name, "internal/runtime/"):
		return "runtime"
	case strings.Contains(first, ".") && strings.Contains(name, "/"):
		return "module"
	}
	return "standard"
}

// fit is a name without its path, as far as there is room; "" without room.
func fit(name string, wide float64) string {
	room := int((wide - 6) / perLetter)
	if room < leastText {
		return ""
	}
	path := name
	if bracket := strings.IndexAny(name, "[("); bracket >= 0 {
		path = name[:bracket]
	}
	short := name[strings.LastIndex(path, "/")+1:]
	letters := []rune(short)
	if len(letters) > room {
		return string(letters[:room-1]) + "…"
	}
	return short
}
