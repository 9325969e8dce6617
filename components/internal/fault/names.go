package fault

import (
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/api/validate/content"
)

var (
	name         = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	chartVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)
	// image is a repository with a tag, which is the first group, with a digest, the second, with both or neither.
	image = regexp.MustCompile(`^(?:[a-z0-9][a-z0-9.-]*(?::[0-9]+)?/)?[a-z0-9][a-z0-9._/-]*(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@sha256:[0-9a-f]{64})?$`)

	sharedNamespaces = []string{"default", "kube-system", "kube-public", "kube-node-lease"}
)

// Name wants one that can begin the names of resources.
func (l *List) Name(field, value string, longest int) {
	if !name.MatchString(value) || len(value) > longest {
		l.Add("%s is %q, want at most %d lower-case letters, digits and single hyphens, a letter first", field,
			value, longest)
	}
}

// Namespace wants a name for one of Kubernetes' namespaces.
func (l *List) Namespace(field, value string) {
	if len(content.IsDNS1123Label(value)) > 0 {
		l.Add("%s is %q, want at most 63 lower-case letters, digits and hyphens", field, value)
	}
}

// OwnNamespace wants a name for a namespace that the component makes.
func (l *List) OwnNamespace(field, value string) {
	l.Namespace(field, value)
	if slices.Contains(sharedNamespaces, value) {
		l.Add("%s is %q, want one of its own: it is created and deleted here", field, value)
	}
}

// Label wants a value that the label can have.
func (l *List) Label(field, value, label string) {
	if value == "" || len(content.IsLabelValue(value)) > 0 {
		l.Add("%s is %q, want a value of the label %s", field, value, label)
	}
}

// ChartVersion wants one version of a Helm chart.
func (l *List) ChartVersion(field, value, example string) {
	if !chartVersion.MatchString(value) {
		l.Add("%s is %q, want a pinned version such as %s", field, value, example)
	}
}

// Image wants a pinned one: a tag that is no moving one, or a digest.
func (l *List) Image(field, value, example string) {
	m := image.FindStringSubmatch(value)
	switch {
	case m == nil:
		l.Add("%s is %q, want an image such as %s", field, value, example)
	case m[2] == "" && (m[1] == "" || m[1] == ":latest"):
		l.Add("%s is %q, want a tag that names a version: what runs must not change by itself", field, value)
	}
}
