package database

// Limits of RDS for PostgreSQL's volumes, in GiB, IOPS and MiB/s.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html and, for the margin,
// USER_PIOPS.StorageTypes.html#USER_PIOPS.Autoscaling ; read 2026-11-23.
const (
	leastGiB  = 20
	mostGiB   = 65536
	leastIOGB = 100 // io1 and io2

	// From stripedGiB on RDS stripes gp3 over four volumes; below it the baseline cannot be raised.
	stripedGiB        = 400
	leastGP3IOPS      = 12000
	mostGP3IOPS       = 64000
	leastGP3MBps      = 500
	mostGP3MBps       = 4000
	iopsPerGP3MBps    = 4 // a volume gives 0.25 MiB/s per provisioned operation at most
	leastIOPS         = 1000
	mostIOPS          = 256000
	autoscalingMargin = 10 // per cent that the ceiling must be above the volume
)

func (f *faults) storage(s Storage) {
	switch s.Type {
	case "gp3":
		f.gp3(s)
	case "io1", "io2":
		f.provisionedIOPS(s)
	default:
		f.Add("Storage.Type is %q, want gp3, io1 or io2", s.Type)
	}
	f.Between("Storage.GiB", s.GiB, leastGiB, mostGiB)
	if least := (s.GiB*(100+autoscalingMargin) + 99) / 100; s.MaxGiB != 0 && (s.MaxGiB < least || s.MaxGiB > mostGiB) {
		f.Add("Storage.MaxGiB is %d with GiB %d, want 0 or %d to %d", s.MaxGiB, s.GiB, least, mostGiB)
	}
}

func (f *faults) gp3(s Storage) {
	if s.GiB < stripedGiB {
		if s.IOPS != 0 {
			f.Add("Storage.IOPS is %d with %d GiB of gp3, want 0 below %d GiB", s.IOPS, s.GiB, stripedGiB)
		}
		if s.ThroughputMBps != 0 {
			f.Add("Storage.ThroughputMBps is %d with %d GiB of gp3, want 0 below %d GiB", s.ThroughputMBps, s.GiB, stripedGiB)
		}
		return
	}
	if s.IOPS != 0 && (s.IOPS < leastGP3IOPS || s.IOPS > mostGP3IOPS) {
		f.Add("Storage.IOPS is %d with %d GiB of gp3, want 0 or %d to %d", s.IOPS, s.GiB, leastGP3IOPS, mostGP3IOPS)
	}
	if s.ThroughputMBps != 0 && (s.ThroughputMBps < leastGP3MBps || s.ThroughputMBps > mostGP3MBps) {
		f.Add("Storage.ThroughputMBps is %d with %d GiB of gp3, want 0 or %d to %d", s.ThroughputMBps, s.GiB, leastGP3MBps, mostGP3MBps)
	}
	if most := max(s.IOPS, leastGP3IOPS) / iopsPerGP3MBps; s.ThroughputMBps > most {
		f.Add("Storage.ThroughputMBps is %d with %d IOPS, want at most %d", s.ThroughputMBps, max(s.IOPS, leastGP3IOPS), most)
	}
}

func (f *faults) provisionedIOPS(s Storage) {
	if s.GiB < leastIOGB {
		f.Add("Storage.GiB is %d with type %s, want %d or more", s.GiB, s.Type, leastIOGB)
	}
	if s.IOPS < leastIOPS || s.IOPS > mostIOPS {
		f.Add("Storage.IOPS is %d with type %s, want %d to %d", s.IOPS, s.Type, leastIOPS, mostIOPS)
	}
	if s.ThroughputMBps != 0 {
		f.Add("Storage.ThroughputMBps is %d with type %s, want 0: only gp3 takes it", s.ThroughputMBps, s.Type)
	}
}
