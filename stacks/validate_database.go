package stacks

import (
	"fmt"
	"strings"
	"time"

	"github.com/ragscale/ragscale/catalogue/rds"
	"github.com/ragscale/ragscale/catalogue/window"
	"github.com/ragscale/ragscale/stacks/settings"
)

func (c *Config) checkStorage(f *settings.Faults) {
	d, path := c.Database, prefix+"database"
	limits, ok := rds.GP3Of(d.StorageGiB, d.IOPS)
	switch {
	case ok:
		d.checkStriped(path, limits, f)
	case d.IOPS > 0 || d.ThroughputMBps > 0:
		f.Add(path+".storageGiB", fmt.Sprintf("is %d with iops %d and throughput %d", d.StorageGiB, d.IOPS, d.ThroughputMBps),
			fmt.Sprintf("at least %d with either, or neither", rds.StripedGiB))
	}
	if least := rds.LeastMaxGiB(d.StorageGiB); d.MaxStorageGiB != 0 && d.MaxStorageGiB < least {
		f.Add(path+".maxStorageGiB", settings.Show(d.MaxStorageGiB),
			fmt.Sprintf("at least %d (storageGiB and a tenth), or 0", least))
	}
}

// checkStriped bounds what is provisioned of a volume that RDS stripes.
func (d Database) checkStriped(path string, limits rds.GP3, f *settings.Faults) {
	if d.IOPS > 0 && (d.IOPS < limits.LeastIOPS || d.IOPS > limits.MostIOPS) {
		f.Add(path+".iops", settings.Show(d.IOPS),
			fmt.Sprintf("%d to %d (%d per GiB), or 0", limits.LeastIOPS, limits.MostIOPS, rds.IOPSPerGiB))
	}
	if d.ThroughputMBps > 0 && (d.ThroughputMBps < limits.LeastMBps || d.ThroughputMBps > limits.MostMBps) {
		f.Add(path+".throughput", settings.Show(d.ThroughputMBps),
			fmt.Sprintf("%d to %d (a quarter of the IOPS), or 0", limits.LeastMBps, limits.MostMBps))
	}
}

// ownDatabase is the engine's own: the database that maintenance connects to, and, on one machine, the engine's owner.
const ownDatabase = "postgres"

func (c *Config) checkDatabase(f *settings.Faults) {
	d, path := c.Database, prefix+"database"
	for key, name := range map[string]string{"name": d.Name, "username": d.Username} {
		if name == ownDatabase || rds.IsReserved(name) {
			f.Add(settings.At(path, key), settings.Show(name), "a name that neither PostgreSQL nor RDS reserves")
		}
	}
	checkWindows(path, "backupWindow", d.BackupWindow, d.MaintenanceWindow, rds.LeastWindow, f)
	if region := arnRegion(d.Rotation.LambdaARN); region != "" && region != c.Region {
		f.Add(path+".rotation.lambdaArn", "is of region "+region, "one of "+c.Region+", where the secret is")
	}
}

// checkWindows checks a daily and a weekly window, whose form was checked when they were decoded: how long they are,
// and that they do not meet.
func checkWindows(path, dailyKey, dailyText, weeklyText string, least time.Duration, f *settings.Faults) {
	daily, dailyErr := window.Daily(dailyText)
	weekly, weeklyErr := window.Weekly(weeklyText)
	if dailyErr != nil || weeklyErr != nil {
		return
	}
	for key, w := range map[string]window.Window{dailyKey: daily, "maintenanceWindow": weekly} {
		if err := w.Last(least); err != nil {
			is, want, _ := strings.Cut(err.Error(), ", want ")
			f.Add(settings.At(path, key), is, want)
		}
	}
	if window.Meet(daily, weekly) {
		f.Add(path+".maintenanceWindow", settings.Show(weeklyText), "a window apart from "+dailyKey+", "+dailyText)
	}
}
