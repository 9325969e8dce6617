package rds

// Volumes of RDS for PostgreSQL, in GiB.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html ; read 2026-11-23.
const (
	LeastGiB = 20
	MostGiB  = 65_536
)

// StorageTypes are what a volume may be.
// Source: CreateDBInstance (StorageType) of https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/rds@v1.119.3 ; read
// 2026-11-23. Of gp2 and standard no limits stand here.
var StorageTypes = []string{"gp2", "gp3", "io1", "io2", "standard"}

// StripedGiB is from where RDS stripes gp3 over four volumes; below it the baseline is fixed.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage ; read 2026-11-23.
const StripedGiB = 400

// Baseline of gp3 below StripedGiB: nothing else can be had. Source: as StripedGiB; read 2026-11-23.
const (
	SmallIOPS = 3_000
	SmallMBps = 125
)

// What may be provisioned of gp3 from StripedGiB on; the least is the baseline there. A GiB carries 500 operations,
// which binds no volume of that size, and a MiB/s wants four. Source: as StripedGiB; read 2026-11-23.
const (
	LeastIOPS   = 12_000
	MostIOPS    = 64_000
	LeastMBps   = 500
	MostMBps    = 4_000
	IOPSPerGiB  = 500
	IOPSPerMBps = 4
)

// io1 and io2. Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#USER_PIOPS ; read
// 2026-11-23.
const (
	LeastProvisionedGiB  = 100
	LeastProvisionedIOPS = 1_000
	MostProvisionedIOPS  = 256_000
)

// growth is by how much the limit of storage autoscaling has to be above the volume, per cent.
// Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html ; read 2026-11-23.
const growth = 10

// GP3 is what may be provisioned of a gp3 volume, beside nothing.
type GP3 struct {
	LeastIOPS, MostIOPS int
	LeastMBps, MostMBps int // MiB/s
}

// GP3Of a volume of so many GiB with so many IOPS, 0 for the baseline. ok = false where nothing can be provisioned.
func GP3Of(gib, iops int) (limits GP3, ok bool) {
	if gib < StripedGiB {
		return GP3{}, false
	}
	return GP3{
		LeastIOPS: LeastIOPS, MostIOPS: min(MostIOPS, gib*IOPSPerGiB),
		LeastMBps: LeastMBps, MostMBps: min(MostMBps, max(iops, LeastIOPS)/IOPSPerMBps),
	}, true
}

// LeastMaxGiB is the lowest limit of storage autoscaling that RDS takes for a volume.
func LeastMaxGiB(gib int) int { return (gib*(100+growth) + 99) / 100 }
