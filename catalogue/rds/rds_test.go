package rds_test

import (
	"strings"
	"testing"

	"github.com/ragscale/ragscale/catalogue/rds"
)

func TestNamesOfRDSAndOfPostgreSQLAreReserved(t *testing.T) {
	for name, want := range map[string]bool{
		"rdsadmin": true, "RDSAdmin": true, "rdsproxyadmin": true, "rdstopmgr": true, "rds_superuser": true, "postgres_fdw": true, "admin": true,
		"template0": true, "pg_x": true, "table": true, "public": true, "user": true,
		"ragscale": false, "postgres": false, "clusteradmin": false, "rds": false,
	} {
		if got := rds.IsReserved(name); got != want {
			t.Errorf("%s is reserved: %t, want %t", name, got, want)
		}
	}
}

func TestWhatAVolumeMayBeGiven(t *testing.T) {
	if _, ok := rds.GP3Of(399, 0); ok {
		t.Error("399 GiB may be given IOPS, want only the baseline")
	}
	for _, c := range []struct{ gib, iops, mostIOPS, mostMBps int }{
		{400, 0, 64000, 3000}, {400, 12000, 64000, 3000}, {400, 14000, 64000, 3500}, {400, 16000, 64000, 4000}, {65536, 64000, 64000, 4000},
	} {
		v, ok := rds.GP3Of(c.gib, c.iops)
		if !ok || v.LeastIOPS != 12000 || v.MostIOPS != c.mostIOPS || v.LeastMBps != 500 || v.MostMBps != c.mostMBps {
			t.Errorf("%+v: %+v", c, v)
		}
	}
}

func TestStorageGrowsByATenthAtLeast(t *testing.T) {
	for gib, want := range map[int]int{20: 22, 50: 55, 54: 60, 400: 440, 401: 442} {
		if got := rds.LeastMaxGiB(gib); got != want {
			t.Errorf("%d GiB: %d, want %d", gib, got, want)
		}
	}
}

func TestPasswordsAreASCIIOfSomeLengthAndNeverQuoted(t *testing.T) {
	for text, fine := range map[string]bool{
		strings.Repeat("a", 7): false, strings.Repeat("a", 8): true, strings.Repeat("a", 128): true, strings.Repeat("a", 129): false,
		"with space": false, "with/slash": false, "with@sign": false, `with"quote`: false, "pässwörter": false, "tab\tinside": false, "!#$%&'()*": true,
	} {
		err := rds.Password.Check(text)
		if (err == nil) != fine || err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v, want it taken: %t", text, err, fine)
		}
	}
}

func TestInsightsAreKeptForWholeMonths(t *testing.T) {
	for days, want := range map[int]bool{0: false, 7: true, 31: true, 30: false, 465: true, 713: true, 731: true, 744: false} {
		if got := rds.IsInsightsPeriod(days); got != want {
			t.Errorf("%d days: %t, want %t", days, got, want)
		}
	}
}
