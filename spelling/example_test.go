package spelling_test

import (
	"fmt"

	"github.com/ragscale/ragscale/spelling"
)

func ExampleNear() {
	fmt.Printf("%q %q", spelling.Near("replcas", []string{"replicas", "storageGiB"}), spelling.Near("colour", []string{"replicas"}))
	// Output: "replicas" ""
}
