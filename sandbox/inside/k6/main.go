// Command k6 runs load tests that are written for k6, in pods of its image: a runner of our own, which follows k6's
// documentation. What it does not know it names, and refuses to start.
//
// Owns: nothing but the program; run is the rest. Does not own: k6, of which no code is here.
package main

import (
	"os"

	"github.com/ragscale/ragscale/sandbox/inside/k6/js"
	"github.com/ragscale/ragscale/sandbox/inside/k6/run"
)

func main() { os.Exit(run.Main(os.Args[1:], js.Environment(), os.Stdout, os.Stderr)) }
