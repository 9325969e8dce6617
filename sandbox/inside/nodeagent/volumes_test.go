package nodeagent

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func readFolder(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name()[0] == '.' {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = string(b)
	}
	return got
}

func TestVolumeShowsExactlyTheNewFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v")
	for _, files := range []map[string]string{{"a": "1", "b": "2"}, {"b": "3", "c": "4"}, {}} {
		content := map[string]file{}
		for name, text := range files {
			content[name] = file{data: []byte(text), mode: 0o640}
		}
		if err := writeFiles(dir, content); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(files, readFolder(t, dir)); diff != "" {
			t.Errorf("volume (-want +got):\n%s", diff)
		}
	}
}

func TestUnchangedVolumeIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	content := map[string]file{"sub/a": {data: []byte("1"), mode: 0o644}}
	links := make([]string, 2)
	for i := range links {
		if err := writeFiles(dir, content); err != nil {
			t.Fatal(err)
		}
		var err error
		if links[i], err = os.Readlink(filepath.Join(dir, dataLink)); err != nil {
			t.Fatal(err)
		}
	}
	if links[0] != links[1] {
		t.Errorf("content moved from %s to %s, want the same folder", links[0], links[1])
	}
}

func TestProjectedVolumeHasAllItsSources(t *testing.T) {
	src := &memoryObjects{
		configMaps: map[string]*corev1.ConfigMap{"c": {Data: map[string]string{"k": "v", "unused": "x"}}},
		token:      token{value: "tok", refresh: time.Now().Add(time.Hour)},
	}
	v := exampleView()
	v.pod.Spec.Volumes = []corev1.Volume{{Name: "p", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}, Items: []corev1.KeyToPath{{Key: "k", Path: "key"}}}},
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "name", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}}},
	}}}}}
	dir := t.TempDir()
	if err := newVolumes(dir, src, nil).prepare(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"key": "v", "token": "tok", "name": "api-0"}
	if diff := cmp.Diff(want, readFolder(t, filepath.Join(dir, "p"))); diff != "" {
		t.Errorf("volume (-want +got):\n%s", diff)
	}
}

func TestEveryMissingVolumeSourceIsReported(t *testing.T) {
	v := exampleView()
	v.pod.Spec.Volumes = []corev1.Volume{
		{Name: "a", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}}}},
		{Name: "b", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "nothing"}}},
	}
	err := newVolumes(t.TempDir(), &memoryObjects{}, nil).prepare(t.Context(), v)
	want := "volume \"a\": configmaps \"none\" not found\nvolume \"b\": secrets \"nothing\" not found"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
