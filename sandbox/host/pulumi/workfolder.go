package pulumi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"gopkg.in/yaml.v3"
)

// Config is the `config:` block of a Pulumi.<stack>.yaml.
type Config map[string]any

// ReadConfig reads the block from the project's file. Encrypted values belong to another secrets provider than the
// sandbox's and are left out.
func ReadConfig(path string) (Config, error) {
	f, err := readStackFile(path)
	if err != nil {
		return nil, err
	}
	for k, v := range f.Config {
		if m, ok := v.(map[string]any); ok && len(m) == 1 && m["secure"] != nil {
			delete(f.Config, k)
		}
	}
	return f.Config, nil
}

// stackFile is what Pulumi keeps in Pulumi.<stack>.yaml, read and written with the YAML that Pulumi has: by version 1.1, no
// would be false.
type stackFile struct {
	EncryptionSalt  string         `yaml:"encryptionsalt,omitempty"`
	SecretsProvider string         `yaml:"secretsprovider,omitempty"`
	Config          map[string]any `yaml:"config,omitempty"` // not a type of its own: nested objects would be of it too
}

func readStackFile(path string) (stackFile, error) {
	var f stackFile
	b, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	if err := yaml.Unmarshal(b, &f); err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// workFolder is where the CLI finds the project's settings. The project's own files stay untouched: no salt and no
// secret of the sandbox ends up in the repository.
type workFolder struct{ dir, project, stack string }

// write renews the settings and returns the secrets that are yet to be set.
func (w workFolder) write(cfg Config, secrets map[string]func() (string, error)) (auto.ConfigMap, error) {
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, err
	}
	project := fmt.Sprintf("name: %s\nruntime: go\n", w.project)
	if err := os.WriteFile(filepath.Join(w.dir, "Pulumi.yaml"), []byte(project), 0o600); err != nil {
		return nil, err
	}
	path := filepath.Join(w.dir, "Pulumi."+w.stack+".yaml")
	f, err := readStackFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	kept := f.Config
	f.Config = Config{}
	for k, v := range cfg {
		f.Config[k] = v
	}
	missing := auto.ConfigMap{}
	for k, value := range secrets {
		if old, ok := kept[k]; ok && f.EncryptionSalt != "" {
			f.Config[k] = old
			continue
		}
		v, err := value()
		if err != nil {
			return nil, err
		}
		missing[k] = auto.ConfigValue{Value: v, Secret: true}
	}
	b, err := yaml.Marshal(f)
	if err != nil {
		return nil, err
	}
	return missing, os.WriteFile(path, b, 0o600)
}
