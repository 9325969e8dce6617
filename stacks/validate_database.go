package stacks

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What RDS for PostgreSQL allows of gp3: nothing to set below 400 GiB; from there 12,000 to 64,000 IOPS and 500 to 4,000
// MiB/s, at most 500 IOPS per GiB and a MiB/s for every four IOPS.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage ; read 2026-11-23.
const (
	gp3StripedGiB     = 400
	gp3BaseIOPS       = 12_000
	gp3BaseThroughput = 500
	gp3IOPSPerGiB     = 500
	gp3IOPSPerMBps    = 4
)

func (c *Config) checkStorage(f *faults) {
	d, path := c.Database, prefix+"database"
	if d.StorageGiB < gp3StripedGiB {
		if d.IOPS > 0 || d.ThroughputMBps > 0 {
			f.add(path+".storageGiB", fmt.Sprintf("is %d with iops %d and throughput %d", d.StorageGiB, d.IOPS, d.ThroughputMBps),
				fmt.Sprintf("at least %d with either, or neither", gp3StripedGiB))
		}
	} else {
		d.checkStriped(path, f)
	}
	if d.MaxStorageGiB != 0 && d.MaxStorageGiB*10 < d.StorageGiB*11 {
		f.add(path+".maxStorageGiB", show(d.MaxStorageGiB), fmt.Sprintf("at least %d (storageGiB and a tenth), or 0", (d.StorageGiB*11+9)/10))
	}
}

// checkStriped bounds what is provisioned of a volume from 400 GiB.
func (d Database) checkStriped(path string, f *faults) {
	mostIOPS := min(64_000, d.StorageGiB*gp3IOPSPerGiB)
	if d.IOPS > 0 && (d.IOPS < gp3BaseIOPS || d.IOPS > mostIOPS) {
		f.add(path+".iops", show(d.IOPS), fmt.Sprintf("%d to %d (%d per GiB), or 0", gp3BaseIOPS, mostIOPS, gp3IOPSPerGiB))
	}
	mostThroughput := max(d.IOPS, gp3BaseIOPS) / gp3IOPSPerMBps
	if d.ThroughputMBps > 0 && (d.ThroughputMBps < gp3BaseThroughput || d.ThroughputMBps > mostThroughput) {
		f.add(path+".throughput", show(d.ThroughputMBps), fmt.Sprintf("%d to %d (a quarter of the IOPS), or 0", gp3BaseThroughput, mostThroughput))
	}
}

// reservedNames are taken by PostgreSQL or RDS.
var reservedNames = []string{"postgres", "rdsadmin", "rdsrepladmin", "rdstopmgr", "template0", "template1", "public", "user", "admin", "default", "table", "select"}

func (c *Config) checkDatabase(f *faults) {
	d, path := c.Database, prefix+"database"
	for key, name := range map[string]string{"name": d.Name, "username": d.Username} {
		if slices.Contains(reservedNames, name) || strings.HasPrefix(name, "pg_") || strings.HasPrefix(name, "rds_") {
			f.add(at(path, key), show(name), "a name that neither PostgreSQL nor RDS reserves")
		}
	}
	checkWindows(path, "backupWindow", d.BackupWindow, d.MaintenanceWindow, 30*time.Minute, f)
	if region := arnRegion(d.Rotation.LambdaARN); region != "" && region != c.Region {
		f.add(path+".rotation.lambdaArn", "is of region "+region, "one of "+c.Region+", where the secret is")
	}
}

// checkWindows checks a daily and a weekly window: how long they are, and that they do not meet.
func checkWindows(path, dailyKey, dailyText, weeklyText string, least time.Duration, f *faults) {
	daily, weekly := backupWindow(dailyText), maintenanceWindow(weeklyText)
	for key, w := range map[string]window{dailyKey: daily, "maintenanceWindow": weekly} {
		if w.length < least {
			f.add(at(path, key), "lasts "+w.length.String(), fmt.Sprintf("at least %d minutes", int(least.Minutes())))
		}
	}
	if weekly.length > 24*time.Hour {
		f.add(path+".maintenanceWindow", "lasts "+weekly.length.String(), "at most 24 hours")
	}
	if overlaps(daily, weekly) {
		f.add(path+".maintenanceWindow", show(weeklyText), "a window apart from "+dailyKey+", "+dailyText)
	}
}

const day, week = 24 * time.Hour, 7 * 24 * time.Hour

// window is a recurring span: it begins at start after the beginning of each period.
type window struct{ start, length, period time.Duration }

// backupWindow reads "02:00-03:00"; maintenanceWindow "sun:03:30-sun:04:30". Both forms were checked when decoded.
func backupWindow(text string) window {
	from, to, _ := strings.Cut(text, "-")
	return between(clockTime(from), clockTime(to), day)
}

func maintenanceWindow(text string) window {
	from, to, _ := strings.Cut(text, "-")
	return between(weekTime(from), weekTime(to), week)
}

func between(from, to, period time.Duration) window {
	return window{start: from, length: (to - from + period) % period, period: period}
}

func clockTime(text string) time.Duration {
	if len(text) != len("02:00") {
		return 0
	}
	digit := func(i int) time.Duration { return time.Duration(text[i] - '0') }
	return (digit(0)*10+digit(1))*time.Hour + (digit(3)*10+digit(4))*time.Minute
}

func weekTime(text string) time.Duration {
	name, clock, _ := strings.Cut(text, ":")
	return time.Duration(slices.Index([]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, name))*day + clockTime(clock)
}

// overlaps reports whether a daily window meets a weekly one.
func overlaps(daily, weekly window) bool {
	for start := daily.start - day; start < week+day; start += day {
		if start < weekly.start+weekly.length && weekly.start < start+daily.length {
			return true
		}
	}
	return false
}
