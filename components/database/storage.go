package database

import "github.com/ragscale/ragscale/catalogue/rds"

func (f *faults) storage(s Storage) {
	switch s.Type {
	case "gp3":
		f.gp3(s)
	case "io1", "io2":
		f.provisionedIOPS(s)
	default:
		f.Add("Storage.Type is %q, want gp3, io1 or io2", s.Type)
	}
	f.Between("Storage.GiB", s.GiB, rds.LeastGiB, rds.MostGiB)
	if least := rds.LeastMaxGiB(s.GiB); s.MaxGiB != 0 && (s.MaxGiB < least || s.MaxGiB > rds.MostGiB) {
		f.Add("Storage.MaxGiB is %d with GiB %d, want 0 or %d to %d", s.MaxGiB, s.GiB, least, rds.MostGiB)
	}
}

func (f *faults) gp3(s Storage) {
	limits, ok := rds.GP3Of(s.GiB, s.IOPS)
	if !ok {
		if s.IOPS != 0 {
			f.Add("Storage.IOPS is %d with %d GiB of gp3, want 0 below %d GiB", s.IOPS, s.GiB, rds.StripedGiB)
		}
		if s.ThroughputMBps != 0 {
			f.Add("Storage.ThroughputMBps is %d with %d GiB of gp3, want 0 below %d GiB", s.ThroughputMBps, s.GiB,
				rds.StripedGiB)
		}
		return
	}
	if s.IOPS != 0 && (s.IOPS < limits.LeastIOPS || s.IOPS > limits.MostIOPS) {
		f.Add("Storage.IOPS is %d with %d GiB of gp3, want 0 or %d to %d", s.IOPS, s.GiB, limits.LeastIOPS, limits.MostIOPS)
	}
	if s.ThroughputMBps != 0 && (s.ThroughputMBps < limits.LeastMBps || s.ThroughputMBps > limits.MostMBps) {
		f.Add("Storage.ThroughputMBps is %d with %d IOPS, want 0 or %d to %d (a quarter of the IOPS)",
			s.ThroughputMBps, max(s.IOPS, limits.LeastIOPS), limits.LeastMBps, limits.MostMBps)
	}
}

func (f *faults) provisionedIOPS(s Storage) {
	if s.GiB < rds.LeastProvisionedGiB {
		f.Add("Storage.GiB is %d with type %s, want %d or more", s.GiB, s.Type, rds.LeastProvisionedGiB)
	}
	if s.IOPS < rds.LeastProvisionedIOPS || s.IOPS > rds.MostProvisionedIOPS {
		f.Add("Storage.IOPS is %d with type %s, want %d to %d", s.IOPS, s.Type, rds.LeastProvisionedIOPS,
			rds.MostProvisionedIOPS)
	}
	if s.ThroughputMBps != 0 {
		f.Add("Storage.ThroughputMBps is %d with type %s, want 0: only gp3 takes it", s.ThroughputMBps, s.Type)
	}
}

// provisioned says the baseline of a large gp3 volume, which RDS would provide on creation but not when a volume grows
// to that size: the provider would send the volume's 3,000 IOPS along, "Invalid iops value for engine name postgres and
// storage type gp3: 3000".
// Source: https://github.com/hashicorp/terraform-provider-aws/issues/28382 (open), /33512; read 2026-11-30.
func provisioned(s Storage) Storage {
	if limits, ok := rds.GP3Of(s.GiB, s.IOPS); ok && s.Type == "gp3" {
		s.IOPS, s.ThroughputMBps = max(s.IOPS, limits.LeastIOPS), max(s.ThroughputMBps, limits.LeastMBps)
	}
	return s
}
