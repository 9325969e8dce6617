package volume

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/downward"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/objects"
)

// cluster is the objects of one namespace, by name.
type cluster struct {
	configMaps map[string]*corev1.ConfigMap
	token      objects.Token
}

func (c cluster) ConfigMap(_ context.Context, _, name string) (*corev1.ConfigMap, error) {
	if cm, ok := c.configMaps[name]; ok {
		return cm, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
}

func (cluster) Secret(_ context.Context, _, name string) (*corev1.Secret, error) {
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
}

func (c cluster) Token(context.Context, *corev1.Pod, *corev1.ServiceAccountTokenProjection) (objects.Token, error) {
	return c.token, nil
}

func (cluster) ClaimFolder(_ context.Context, _, claim string) (string, error) {
	return "", errors.New("no claim " + claim)
}

func podWith(volumes ...corev1.Volume) downward.View {
	return downward.View{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "api-0", Namespace: "rag"}, Spec: corev1.PodSpec{Volumes: volumes}}}
}

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
	src := cluster{
		configMaps: map[string]*corev1.ConfigMap{"c": {Data: map[string]string{"k": "v", "unused": "x"}}},
		token:      objects.Token{Value: "tok", Refresh: time.Now().Add(time.Hour)},
	}
	v := podWith(corev1.Volume{Name: "p", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}, Items: []corev1.KeyToPath{{Key: "k", Path: "key"}}}},
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "name", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}}},
	}}}})
	dir := t.TempDir()
	if err := New(dir, src, nil).Prepare(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"key": "v", "token": "tok", "name": "api-0"}
	if diff := cmp.Diff(want, readFolder(t, filepath.Join(dir, "p"))); diff != "" {
		t.Errorf("volume (-want +got):\n%s", diff)
	}
}

func TestEveryMissingVolumeSourceIsReported(t *testing.T) {
	v := podWith(
		corev1.Volume{Name: "a", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}}}},
		corev1.Volume{Name: "b", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "nothing"}}},
	)
	err := New(t.TempDir(), cluster{}, nil).Prepare(t.Context(), v)
	want := "volume \"a\": configmaps \"none\" not found\nvolume \"b\": secrets \"nothing\" not found"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
