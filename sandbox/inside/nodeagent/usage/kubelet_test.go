package usage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

func text(t *testing.T, families []*dto.MetricFamily) string {
	t.Helper()
	var out strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func TestAVolumesFillIsThatOfItsFolder(t *testing.T) {
	folder := t.TempDir()
	empty := Folder(folder)
	if err := os.MkdirAll(filepath.Join(folder, "a", "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "a", "b", "file"), make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := Folder(folder) - empty; got < 1<<20 || got > 1<<20+64<<10 {
		t.Errorf("a file of 1 MiB in two folders takes %d bytes", got)
	}
	if got := Folder(filepath.Join(folder, "none")); got != 0 {
		t.Errorf("no folder takes %d bytes", got)
	}
}

func TestTheKubeletTellsVolumesByTheirClaims(t *testing.T) {
	got := text(t, Kubelet(2, 3, []Volume{{Namespace: "vectors", Claim: "data-chroma-0", Capacity: 1 << 30, Used: 3 << 28}}))
	for _, want := range []string{
		"kubelet_running_pods 2\n", "kubelet_running_containers{container_state=\"running\"} 3\n",
		"kubelet_volume_stats_capacity_bytes{namespace=\"vectors\",persistentvolumeclaim=\"data-chroma-0\"} 1.073741824e+09\n",
		"kubelet_volume_stats_used_bytes{namespace=\"vectors\",persistentvolumeclaim=\"data-chroma-0\"} 8.05306368e+08\n",
		"kubelet_volume_stats_available_bytes{namespace=\"vectors\",persistentvolumeclaim=\"data-chroma-0\"} 2.68435456e+08\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
}

func TestWhatIsNotThereHasNoFamily(t *testing.T) {
	if got := text(t, Kubelet(0, 0, nil)); strings.Contains(got, "volume") {
		t.Errorf("got %s", got)
	}
	if got := Containers(time.Now(), nil); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestContainersAreToldWithoutTheNode(t *testing.T) {
	got := text(t, Containers(time.UnixMilli(1000), []Sample{{Namespace: "rag", Pod: "api-1", Container: "api", Usage: Usage{CPU: time.Second, Memory: 5}}}))
	if strings.Contains(got, "node_") || !strings.Contains(got, `container_memory_working_set_bytes{container="api",namespace="rag",pod="api-1"} 5 1000`) {
		t.Errorf("got %s", got)
	}
}
