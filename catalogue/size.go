package catalogue

// Byte sizes.
const (
	MiB int64 = 1 << 20
	GiB int64 = 1 << 30
)
