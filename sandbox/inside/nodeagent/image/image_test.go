package image

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImageLookupPrefersTheExactNameThenTheMostSpecificPattern(t *testing.T) {
	images := Table{
		"*/api:*":       {Entrypoint: []string{"any registry"}},
		"ecr.aws/api:*": {Entrypoint: []string{"ecr"}},
		"ecr.aws/api:1": {Entrypoint: []string{"exact"}},
		"busybox*":      {Entrypoint: []string{"prefix"}},
		"*:debug":       {Entrypoint: []string{"suffix"}},
	}
	for name, want := range map[string]string{
		"ecr.aws/api:1":  "exact",
		"ecr.aws/api:2":  "ecr",
		"docker.io/api:": "any registry",
		"busybox":        "prefix",
		"busybox:1.36":   "prefix",
		"x:debug":        "suffix",
		"ecr.aws/web:1":  "",
		"api:1":          "",
	} {
		got := ""
		if image, ok := images.Lookup(name); ok {
			got = image.Entrypoint[0]
		}
		if got != want {
			t.Errorf("Lookup(%q) is %q, want %q", name, got, want)
		}
	}
}

func TestCommandReplacesEntrypointAndArgsAsKubernetesDoes(t *testing.T) {
	image := Image{Entrypoint: []string{"/app"}, Args: []string{"serve"}}
	for _, c := range []struct{ command, args, want []string }{
		{nil, nil, []string{"/app", "serve"}},
		{nil, []string{"migrate"}, []string{"/app", "migrate"}},
		{[]string{"sh"}, nil, []string{"sh"}},
		{[]string{"sh"}, []string{"-c", "x"}, []string{"sh", "-c", "x"}},
	} {
		if diff := cmp.Diff(c.want, image.Command(c.command, c.args)); diff != "" {
			t.Errorf("command %v, args %v (-want +got):\n%s", c.command, c.args, diff)
		}
	}
}

func TestImageTableWithoutAnEntrypointIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "images.json")
	if err := os.WriteFile(path, []byte(`{"api:1": {"args": ["x"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path)
	want := "image table " + path + `: image "api:1" has no entrypoint, want a command`
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
