package control

import (
	"os"
	"time"
)

// ExitWithParent ends the process when its parent has: a provider plugin whose engine was killed must not go on
// changing what the next run changes too. (PR_SET_PDEATHSIG follows the parent's thread, which in a Go program may end
// long before the process.)
func ExitWithParent() {
	parent := os.Getppid()
	go func() {
		for range time.Tick(200 * time.Millisecond) {
			if os.Getppid() != parent {
				os.Exit(1)
			}
		}
	}()
}
