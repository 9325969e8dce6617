package catalogue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/catalogue"
)

func TestAnUnknownNameListsThoseThatBeginAlike(t *testing.T) {
	table := map[string]int{"maxmemory-policy": 1, "maxmemory-samples": 1}
	for i := range 20 {
		table[fmt.Sprintf("other-%02d", i)] = 1
	}
	_, err := catalogue.Lookup(table, "Redis parameter", "maxmemory")
	if err == nil || !strings.Contains(err.Error(), "want one of maxmemory-policy, maxmemory-samples, other-00") || !strings.HasSuffix(err.Error(), ", or 10 others") {
		t.Error(err)
	}
}

func TestEveryPeriodOfLogsIsOfferedOnce(t *testing.T) {
	days := catalogue.LogDays()
	for i := 1; i < len(days); i++ {
		if days[i] <= days[i-1] {
			t.Errorf("%v, want them rising", days)
		}
	}
	days[0] = -1
	if catalogue.LogDays()[0] != 1 {
		t.Error("a caller changes the table")
	}
}
