package window_test

import (
	"fmt"
	"time"

	"github.com/ragscale/ragscale/catalogue/window"
)

// A backup may not fall into the week's maintenance.
func ExampleMeet() {
	backup, err := window.Daily("02:00-04:00")
	if err != nil {
		fmt.Println(err)
	}
	maintenance, err := window.Weekly("sun:03:30-sun:04:30")
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(window.Meet(backup, maintenance))
	// Output: true
}

func ExampleNext() {
	friday := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	begin, ok := window.Next("sun:03:30-sun:04:30", friday)
	fmt.Println(begin, ok)
	// Output: 2026-11-29 03:30:00 +0000 UTC true
}
