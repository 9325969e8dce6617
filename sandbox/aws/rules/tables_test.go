package rules

import (
	"strings"
	"testing"

	"github.com/ragscale/ragscale/sandbox/aws/schema"
)

func TestTablesNamePropertiesOfTheSchema(t *testing.T) {
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	for file, paths := range map[string]map[string][]string{"required.txt": requiredPaths, "replace.txt": replacePaths} {
		for token, list := range paths {
			r := s.Resources[token]
			if r == nil {
				t.Errorf("%s: no type %s", file, token)
				continue
			}
			for _, path := range list {
				if !hasPath(s, r.Inputs, path) {
					t.Errorf("%s: %s has no %s", file, token, path)
				}
			}
		}
	}
	for token := range byType {
		if s.Resources[token] == nil {
			t.Errorf("rules for %s, which is no type", token)
		}
	}
	for token, refs := range references {
		for _, ref := range refs {
			head, _, _ := strings.Cut(ref.path, ".")
			if _, ok := s.Resources[token].Inputs.Get(head); !ok {
				t.Errorf("references: %s has no %s", token, ref.path)
			}
		}
	}
}

func hasPath(s *schema.Schema, p *schema.Properties, path string) bool {
	for _, step := range strings.Split(strings.ReplaceAll(path, "[]", ""), ".") {
		prop, ok := p.Get(step)
		if !ok {
			return false
		}
		t := prop.Type
		for t.Elem != nil {
			t = *t.Elem
		}
		p = s.Types[t.Ref]
	}
	return true
}
