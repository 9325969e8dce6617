package auth

import (
	"strings"
	"testing"
)

func TestANameHasOneForm(t *testing.T) {
	for given, want := range map[string]string{
		"bob": "bob", " bob": "bob", "bob\n": "bob", "\u00a0bob\u2003": "bob", "b ob": "b ob", "jose\u0301": "jos\u00e9", "jos\u00e9": "jos\u00e9",
		" " + strings.Repeat("x", MaxUserBytes) + " ": strings.Repeat("x", MaxUserBytes),
	} {
		name, fault := Name(given)
		if again, _ := Name(name); name != want || fault != "" || again != name {
			t.Errorf("%q is %q (%s), and that is %q; want %q", given, name, fault, again, want)
		}
	}
	for _, given := range []string{"", " \t", "a\x00", "a\xff", strings.Repeat("x", MaxUserBytes+1), strings.Repeat("\U0001d160", 20)} {
		if name, fault := Name(given); fault == "" {
			t.Errorf("%q is the name %q", given, name)
		}
	}
}
