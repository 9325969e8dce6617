package vectorstore

import (
	"fmt"

	"github.com/ragscale/ragscale/components/internal/fault"
)

const (
	longestName = 40
	// mostGiB is what every region gives a gp3 volume.
	mostGiB  = 16384
	mostKept = 365
	// mostTags is how many the EBS driver and AWS take beside those that they set themselves.
	mostTags = 40
)

type faults struct{ fault.List }

func validate(name string, a Args) error {
	f := faults{fault.In("vectorstore")}
	f.Name("name", name, longestName)
	f.OwnNamespace("Namespace", a.Namespace)
	f.Image("Image", a.Image, "chromadb/chroma:1.3.4")
	f.Between("StorageGiB", a.StorageGiB, 1, mostGiB)
	f.Resources("", a.Requests, a.Limits)
	a.VerticalAutoscaling.Check(&f.List, "VerticalAutoscaling")
	f.clients(a.Clients)
	f.snapshot(a.Snapshot)
	if len(a.Tags) > mostTags {
		f.Add("Tags has %d, want at most %d", len(a.Tags), mostTags)
	}
	return f.Err()
}

func (f *faults) clients(clients []Client) {
	if len(clients) == 0 {
		f.Add("Clients is empty, want who may connect")
	}
	for i, c := range clients {
		at := fmt.Sprintf("Clients[%d]", i)
		f.Namespace(at+".Namespace", c.Namespace)
		if len(c.Pods) == 0 {
			f.Add("%s.Pods is empty, want names of workloads: an empty one is every pod", at)
		}
		for j, pod := range c.Pods {
			f.Label(fmt.Sprintf("%s.Pods[%d]", at, j), pod, nameLabel)
		}
	}
}

func (f *faults) snapshot(s Snapshot) {
	if s.Schedule == "" {
		return
	}
	f.Cron("Snapshot.Schedule", s.Schedule)
	f.Between("Snapshot.Keep", s.Keep, 1, mostKept)
	f.Between("Snapshot.StorageGiB", s.StorageGiB, 1, mostGiB)
	f.Image("Snapshot.Image", s.Image, "node:24.11.1-slim")
}
