package nodeagent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// token is a service account token and when it is to be replaced.
type token struct {
	value   string
	refresh time.Time
}

// volumes are a pod's volumes on disk: one folder each under dir.
type volumes struct {
	dir    string
	src    objects
	rt     runtime
	tokens map[string]token // by volume/path
	memory []string         // folders on which a tmpfs was mounted
}

func newVolumes(dir string, src objects, rt runtime) *volumes {
	return &volumes{dir: dir, src: src, rt: rt, tokens: map[string]token{}}
}

// release unmounts what was mounted.
func (w *volumes) release() error {
	var faults []error
	for _, dir := range w.memory {
		faults = append(faults, w.rt.Unmount(dir))
	}
	w.memory = nil
	return errors.Join(faults...)
}

// prepare makes every volume that is not there yet and brings the content of projected ones up to date. It reports all
// volumes that cannot be had.
func (w *volumes) prepare(ctx context.Context, v view) error {
	var faults []error
	for i := range v.pod.Spec.Volumes {
		volume := &v.pod.Spec.Volumes[i]
		if err := w.prepareOne(ctx, v, volume); err != nil {
			faults = append(faults, fmt.Errorf("volume %q: %w", volume.Name, err))
		}
	}
	return errors.Join(faults...)
}

func (w *volumes) prepareOne(ctx context.Context, v view, volume *corev1.Volume) error {
	dir := filepath.Join(w.dir, volume.Name)
	switch {
	case volume.EmptyDir != nil:
		return w.emptyDir(dir, volume.EmptyDir)
	case volume.HostPath != nil:
		return hostPath(volume.HostPath)
	case volume.PersistentVolumeClaim != nil:
		folder, err := w.src.ClaimFolder(ctx, v.pod.Namespace, volume.PersistentVolumeClaim.ClaimName)
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

// source is the folder on the host that a mount of the volume shows.
func (w *volumes) source(volume *corev1.Volume) string {
	if volume.HostPath != nil {
		return volume.HostPath.Path
	}
	return filepath.Join(w.dir, volume.Name)
}

func (w *volumes) emptyDir(dir string, e *corev1.EmptyDirVolumeSource) error {
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

func showsObjects(volume *corev1.Volume) bool {
	return volume.ConfigMap != nil || volume.Secret != nil || volume.DownwardAPI != nil || volume.Projected != nil
}

// files is the content of a volume that shows API objects.
func (w *volumes) files(ctx context.Context, v view, volume *corev1.Volume) (map[string]file, error) {
	switch {
	case volume.ConfigMap != nil:
		c := volume.ConfigMap
		return w.configMap(ctx, v, corev1.ConfigMapProjection{LocalObjectReference: c.LocalObjectReference, Items: c.Items, Optional: c.Optional}, fileMode(c.DefaultMode))
	case volume.Secret != nil:
		s := volume.Secret
		ref := corev1.LocalObjectReference{Name: s.SecretName}
		return w.secret(ctx, v, corev1.SecretProjection{LocalObjectReference: ref, Items: s.Items, Optional: s.Optional}, fileMode(s.DefaultMode))
	case volume.DownwardAPI != nil:
		return downward(v, volume.DownwardAPI.Items, fileMode(volume.DownwardAPI.DefaultMode))
	case volume.Projected != nil:
		return w.projected(ctx, v, volume)
	}
	return nil, errors.New("is of a kind that this node does not have, want emptyDir, configMap, secret, projected, downwardAPI, hostPath or persistentVolumeClaim")
}

func (w *volumes) projected(ctx context.Context, v view, volume *corev1.Volume) (map[string]file, error) {
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
			files, err = downward(v, source.DownwardAPI.Items, mode)
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

func (w *volumes) configMap(ctx context.Context, v view, p corev1.ConfigMapProjection, mode os.FileMode) (map[string]file, error) {
	cm, err := w.src.ConfigMap(ctx, v.pod.Namespace, p.Name)
	if err != nil {
		return nil, unlessOptional(err, p.Optional)
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

func (w *volumes) secret(ctx context.Context, v view, p corev1.SecretProjection, mode os.FileMode) (map[string]file, error) {
	secret, err := w.src.Secret(ctx, v.pod.Namespace, p.Name)
	if err != nil {
		return nil, unlessOptional(err, p.Optional)
	}
	return pick(secret.Data, p.Items, mode, p.Optional)
}

func (w *volumes) token(ctx context.Context, v view, volume string, p *corev1.ServiceAccountTokenProjection, mode os.FileMode) (map[string]file, error) {
	key := volume + "/" + p.Path
	held, ok := w.tokens[key]
	if !ok || time.Now().After(held.refresh) {
		var err error
		if held, err = w.src.Token(ctx, v.pod, p); err != nil {
			return nil, err
		}
		w.tokens[key] = held
	}
	return map[string]file{p.Path: {data: []byte(held.value), mode: mode}}, nil
}

func downward(v view, items []corev1.DownwardAPIVolumeFile, mode os.FileMode) (map[string]file, error) {
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

func downwardItem(v view, item corev1.DownwardAPIVolumeFile) (string, error) {
	if item.FieldRef != nil {
		return v.field(item.FieldRef.FieldPath)
	}
	for i := range v.pod.Spec.Containers {
		if c := &v.pod.Spec.Containers[i]; item.ResourceFieldRef != nil && c.Name == item.ResourceFieldRef.ContainerName {
			return v.resourceField(c, item.ResourceFieldRef)
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
