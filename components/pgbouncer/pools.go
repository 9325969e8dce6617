package pgbouncer

// What PgBouncer needs in memory, rounded up from 1.24.1 measured on 2026-11-24: 7 MB at its start; 0.31 MB for a
// connection to a server, and 0.85 MB when server_tls_ca_file has 108 certificates, as many as RDS's global bundle,
// since each connection loads them anew (https://github.com/pgbouncer/pgbouncer/issues/1299); 10 kB for a client.
const (
	baseKiB   = 16 << 10
	serverKiB = 1 << 10
	clientKiB = 10
)

func (p Pools) servers() int { return p.ReadWrite + p.ReadOnly }

// memoryMiB is the least that a pod with full pools can live in.
func (p Pools) memoryMiB() int {
	kib := baseKiB + p.servers()*serverKiB + p.MaxClientConnections*clientKiB
	return (kib + 1023) >> 10
}
