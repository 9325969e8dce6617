package stacks

import (
	"fmt"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/catalogue/postgres"
	"github.com/ragscale/ragscale/catalogue/rds"
)

// databaseMemory is how the memory of an instance class is divided, bytes.
type databaseMemory struct {
	WorkMem            int64 // per sort or hash
	MaintenanceWorkMem int64 // per vacuum worker or index build
}

const (
	// connectionOverhead is the private memory of one PostgreSQL backend beside work_mem. With huge pages, as RDS uses
	// them, below 2 MiB was measured (A. Freund, "Measuring the memory overhead of a Postgres connection", 2020-10); 2 MiB
	// for its caches of plans and catalogue is what remains on the safe side.
	connectionOverhead = 2 * catalogue.MiB

	// workMemPerBackend is how many times work_mem each connection and parallel worker is counted with, all at the same
	// time: two sorts, or one hash, which may take hash_mem_multiplier (2) times work_mem.
	workMemPerBackend = 2

	// vacuumWorkers is PostgreSQL's autovacuum_max_workers; maintenanceWorkers counts an index build beside them.
	vacuumWorkers      = 3
	maintenanceWorkers = vacuumWorkers + 1

	// leastWorkMem is below what no connection budget is accepted: sorts of a search's result would go to disk.
	leastWorkMem = catalogue.MiB

	mostWorkMem            = 64 * catalogue.MiB
	leastMaintenanceMemory = 16 * catalogue.MiB
	mostMaintenanceMemory  = catalogue.GiB
)

// parallelWorkers is max_parallel_workers of a class.
func parallelWorkers(class rds.Class) int { return class.VCPU }

// divideMemory divides the memory of a class among connections. A quarter is shared_buffers, a quarter stays with the
// kernel as page cache, and in the other half must fit at once: the maintenance workers, and the overhead and twice the
// work_mem of every connection and parallel worker. work_mem is what remains, in steps of 64 kB and at most 64 MiB; it
// may come out too small or negative, which validation refuses.
func divideMemory(class rds.Class, connections int) databaseMemory {
	const step = 64 * 1024
	memory := class.ParameterMemory()
	backends := int64(max(1, connections+parallelWorkers(class)))
	maintenance := min(max(memory/32/catalogue.MiB*catalogue.MiB, leastMaintenanceMemory), mostMaintenanceMemory)
	left := memory/2 - maintenanceWorkers*maintenance - backends*connectionOverhead
	work := left / (backends * workMemPerBackend)
	return databaseMemory{WorkMem: min(work/step*step, mostWorkMem), MaintenanceWorkMem: maintenance}
}

// memoryUse is what a server takes when everything that its parameter group allows happens at once, bytes.
type memoryUse struct {
	shared, maintenance, backends float64
	connections, workers          float64
}

func (u memoryUse) total() float64 { return u.shared + u.maintenance + u.backends }

// memoryUseOf adds up a parameter group on a class. Every value in it must be sound.
func memoryUseOf(group []Parameter, class rds.Class) memoryUse {
	value := func(name string) float64 { return numberIn(group, name, class) }
	maintenance := value("maintenance_work_mem")
	vacuum := value("autovacuum_work_mem")
	if vacuum < 0 {
		vacuum = maintenance
	}
	u := memoryUse{
		shared: value("shared_buffers") * 8192, maintenance: (value("autovacuum_max_workers")*vacuum + maintenance) * 1024,
		connections: value("max_connections"), workers: value("max_parallel_workers"),
	}
	u.backends = (u.connections + u.workers) * (float64(connectionOverhead) + workMemPerBackend*1024*value("work_mem"))
	return u
}

// numberIn is a number of a parameter group, 0 if it is not there.
func numberIn(group []Parameter, name string, class rds.Class) float64 {
	for _, p := range group {
		if p.Name != name {
			continue
		}
		s, err := postgres.Lookup(name)
		if err != nil {
			return 0
		}
		n, err := s.Number(p.Value, class.Instance())
		if err != nil {
			return 0
		}
		return n
	}
	return 0
}

// memoryShare is the part of the memory that may be in use: a quarter stays with the kernel as page cache.
const memoryShare = 0.75

func (u memoryUse) String() string {
	const mib = float64(catalogue.MiB)
	return fmt.Sprintf("shared_buffers %.0f MiB, maintenance %.0f MiB, %.0f connections and %.0f parallel workers %.0f "+
		"MiB",
		u.shared/mib, u.maintenance/mib, u.connections, u.workers, u.backends/mib)
}
