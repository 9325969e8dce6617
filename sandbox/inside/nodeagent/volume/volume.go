// Package volume makes a pod's volumes: folders of this machine.
//
// Owns: the kinds of volumes, the files of those that show API objects, which change all at once. Does not own: where the
// content comes from (objects, downward), mounting into a container (process), claims and their folders (provision).
package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/downward"
	"github.com/ragscale/ragscale/sandbox/inside/nodeagent/objects"
)

// Source reads what volumes show.
type Source interface {
	ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error)
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	Token(ctx context.Context, pod *corev1.Pod, want *corev1.ServiceAccountTokenProjection) (objects.Token, error)
	ClaimFolder(ctx context.Context, namespace, claim string) (string, error)
}

// Mounter mounts volumes in memory.
type Mounter interface {
	MountMemory(dir string, size int64) error // size in bytes, 0 for the kernel's default
	Unmount(dir string) error
}

// Set is a pod's volumes on disk: one folder each under dir.
type Set struct {
	dir    string
	src    Source
	rt     Mounter
	tokens map[string]objects.Token // by volume/path
	memory []string                 // folders on which a tmpfs was mounted
}

// New are the volumes of a pod whose folder is dir.
func New(dir string, src Source, rt Mounter) *Set {
	return &Set{dir: dir, src: src, rt: rt, tokens: map[string]objects.Token{}}
}

// Release unmounts what was mounted.
func (w *Set) Release() error {
	var faults []error
	for _, dir := range w.memory {
		faults = append(faults, w.rt.Unmount(dir))
	}
	w.memory = nil
	return errors.Join(faults...)
}

// Prepare makes every volume that is not there yet and brings the content of projected ones up to date. It reports all
// volumes that cannot be had.
func (w *Set) Prepare(ctx context.Context, v downward.View) error {
	var faults []error
	for i := range v.Pod.Spec.Volumes {
		volume := &v.Pod.Spec.Volumes[i]
		if err := w.prepareOne(ctx, v, volume); err != nil {
			faults = append(faults, fmt.Errorf("volume %q: %w", volume.Name, err))
		}
	}
	return errors.Join(faults...)
}

func (w *Set) prepareOne(ctx context.Context, v downward.View, volume *corev1.Volume) error {
	dir := filepath.Join(w.dir, volume.Name)
	switch {
	case volume.EmptyDir != nil:
		return w.emptyDir(dir, volume.EmptyDir)
	case volume.HostPath != nil:
		return hostPath(volume.HostPath)
	case volume.PersistentVolumeClaim != nil:
		folder, err := w.src.ClaimFolder(ctx, v.Pod.Namespace, volume.PersistentVolumeClaim.ClaimName)
		if err != nil {
			return err
		}
		return replaceLink(folder, dir)
	}
	files, err := w.files(ctx, v, volume)
	if err != nil {
		return err
	}
	return writeFiles(dir, files)
}

// Source is the folder on the host that a mount of the volume shows.
func (w *Set) Source(volume *corev1.Volume) string {
	if volume.HostPath != nil {
		return volume.HostPath.Path
	}
	return filepath.Join(w.dir, volume.Name)
}

func (w *Set) emptyDir(dir string, e *corev1.EmptyDirVolumeSource) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if e.Medium != corev1.StorageMediumMemory {
		return os.Chmod(dir, 0o777) // whatever the umask
	}
	if slices.Contains(w.memory, dir) {
		return nil
	}
	size := int64(0)
	if e.SizeLimit != nil {
		size = e.SizeLimit.Value()
	}
	if err := w.rt.MountMemory(dir, size); err != nil {
		return err
	}
	w.memory = append(w.memory, dir)
	return nil
}

func hostPath(h *corev1.HostPathVolumeSource) error {
	kind := corev1.HostPathUnset
	if h.Type != nil {
		kind = *h.Type
	}
	switch kind {
	case corev1.HostPathDirectoryOrCreate:
		return os.MkdirAll(h.Path, 0o755)
	case corev1.HostPathFileOrCreate:
		f, err := os.OpenFile(h.Path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return err
		}
		return f.Close()
	}
	_, err := os.Stat(h.Path)
	return err
}

// ShowsObjects tells whether a volume shows API objects.
func ShowsObjects(volume *corev1.Volume) bool {
	return volume.ConfigMap != nil || volume.Secret != nil || volume.DownwardAPI != nil || volume.Projected != nil
}

// files is the content of a volume that shows API objects.
func (w *Set) files(ctx context.Context, v downward.View, volume *corev1.Volume) (map[string]file, error) {
	switch {
	case volume.ConfigMap != nil:
		c := volume.ConfigMap
		return w.configMap(ctx, v, corev1.ConfigMapProjection{LocalObjectReference: c.LocalObjectReference, Items: c.Items, Optional: c.Optional}, fileMode(c.DefaultMode))
	case volume.Secret != nil:
		s := volume.Secret
		ref := corev1.LocalObjectReference{Name: s.SecretName}
		return w.secret(ctx, v, corev1.SecretProjection{LocalObjectReference: ref, Items: s.Items, Optional: s.Optional}, fileMode(s.DefaultMode))
	case volume.DownwardAPI != nil:
		return downwardFiles(v, volume.DownwardAPI.Items, fileMode(volume.DownwardAPI.DefaultMode))
	case volume.Projected != nil:
		return w.projected(ctx, v, volume)
	}
	return nil, errors.New("is of a kind that this node does not have, want emptyDir, configMap, secret, projected, downwardAPI, hostPath or persistentVolumeClaim")
}

func (w *Set) projected(ctx context.Context, v downward.View, volume *corev1.Volume) (map[string]file, error) {
	mode := fileMode(volume.Projected.DefaultMode)
	all := map[string]file{}
	for _, source := range volume.Projected.Sources {
		var files map[string]file
		var err error
		switch {
		case source.ConfigMap != nil:
			files, err = w.configMap(ctx, v, *source.ConfigMap, mode)
		case source.Secret != nil:
			files, err = w.secret(ctx, v, *source.Secret, mode)
		case source.DownwardAPI != nil:
			files, err = downwardFiles(v, source.DownwardAPI.Items, mode)
		case source.ServiceAccountToken != nil:
			files, err = w.token(ctx, v, volume.Name, source.ServiceAccountToken, mode)
		default:
			err = errors.New("has a projected source that this node does not have, want configMap, secret, downwardAPI or serviceAccountToken")
		}
		if err != nil {
			return nil, err
		}
		for path, f := range files {
			all[path] = f
		}
	}
	return all, nil
}

func (w *Set) configMap(ctx context.Context, v downward.View, p corev1.ConfigMapProjection, mode os.FileMode) (map[string]file, error) {
	cm, err := w.src.ConfigMap(ctx, v.Pod.Namespace, p.Name)
	if err != nil {
		return nil, objects.UnlessOptional(err, p.Optional)
	}
	data := map[string][]byte{}
	for key, value := range cm.Data {
		data[key] = []byte(value)
	}
	for key, value := range cm.BinaryData {
		data[key] = value
	}
	return pick(data, p.Items, mode, p.Optional)
}

func (w *Set) secret(ctx context.Context, v downward.View, p corev1.SecretProjection, mode os.FileMode) (map[string]file, error) {
	secret, err := w.src.Secret(ctx, v.Pod.Namespace, p.Name)
	if err != nil {
		return nil, objects.UnlessOptional(err, p.Optional)
	}
	return pick(secret.Data, p.Items, mode, p.Optional)
}

func (w *Set) token(ctx context.Context, v downward.View, volume string, p *corev1.ServiceAccountTokenProjection, mode os.FileMode) (map[string]file, error) {
	key := volume + "/" + p.Path
	held, ok := w.tokens[key]
	if !ok || time.Now().After(held.Refresh) {
		var err error
		if held, err = w.src.Token(ctx, v.Pod, p); err != nil {
			return nil, err
		}
		w.tokens[key] = held
	}
	return map[string]file{p.Path: {data: []byte(held.Value), mode: mode}}, nil
}

func downwardFiles(v downward.View, items []corev1.DownwardAPIVolumeFile, mode os.FileMode) (map[string]file, error) {
	files := map[string]file{}
	for _, item := range items {
		value, err := downwardItem(v, item)
		if err != nil {
			return nil, err
		}
		m := mode
		if item.Mode != nil {
			m = os.FileMode(*item.Mode)
		}
		files[item.Path] = file{data: []byte(value), mode: m}
	}
	return files, nil
}

func downwardItem(v downward.View, item corev1.DownwardAPIVolumeFile) (string, error) {
	if item.FieldRef != nil {
		return v.Field(item.FieldRef.FieldPath)
	}
	for i := range v.Pod.Spec.Containers {
		if c := &v.Pod.Spec.Containers[i]; item.ResourceFieldRef != nil && c.Name == item.ResourceFieldRef.ContainerName {
			return v.ResourceField(c, item.ResourceFieldRef)
		}
	}
	return "", fmt.Errorf("item %s has neither a fieldRef nor a resourceFieldRef to a container of the pod", item.Path)
}

// pick selects and renames keys; without items it takes all.
func pick(data map[string][]byte, items []corev1.KeyToPath, mode os.FileMode, optional *bool) (map[string]file, error) {
	files := map[string]file{}
	if len(items) == 0 {
		for key, value := range data {
			files[key] = file{data: value, mode: mode}
		}
	}
	for _, item := range items {
		value, ok := data[item.Key]
		switch {
		case ok && item.Mode != nil:
			files[item.Path] = file{data: value, mode: os.FileMode(*item.Mode)}
		case ok:
			files[item.Path] = file{data: value, mode: mode}
		case optional == nil || !*optional:
			return nil, fmt.Errorf("references non-existent key %s", item.Key)
		}
	}
	return files, nil
}

func fileMode(m *int32) os.FileMode {
	if m == nil {
		return 0o644
	}
	return os.FileMode(*m)
}
