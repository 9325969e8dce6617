// Command policies is ragscale's policy pack as a process: `pulumi preview --policy-pack policies` starts it.
//
// Owns: the process. Does not own: the rules (policies/rules) and how the engine asks for them (policies/pack).
package main

import (
	"fmt"
	"os"

	"github.com/ragscale/ragscale/policies/pack"
)

func main() {
	if err := pack.Serve(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
