// Command facts-age lists the catalogue's facts that were read long ago, oldest first. It ends with 3 if there are any:
// what they say may have changed.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/ragscale/ragscale/catalogue/age"
)

func main() {
	days := flag.Int("days", 180, "how old a fact may be")
	folder := flag.String("catalogue", "catalogue", "where the facts are")
	flag.Parse()
	facts, err := age.Of(*folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	old := 0
	for _, f := range facts {
		if lived := int(time.Since(f.Read).Hours() / 24); lived > *days {
			old++
			fmt.Printf("%4d days  %s  %s\n", lived, f.Read.Format(time.DateOnly), f.Where)
		}
	}
	fmt.Fprintf(os.Stderr, "%d of %d facts are older than %d days\n", old, len(facts), *days)
	if old > 0 {
		os.Exit(3)
	}
}
