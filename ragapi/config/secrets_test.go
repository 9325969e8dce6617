package config

import (
	"strings"
	"testing"
)

func TestFaultsShowNoSecretOfAURL(t *testing.T) {
	for name, value := range map[string]string{
		"VECTOR_URL": "ftp://u:SECRET@x", "EMBEDDING_URL": "http://u:SECRET@x:99999?key=SECRET", "AUTH_ISSUER": "http://u:SECRET@x", "AUTH_JWKS_URL": "http://x?SECRET",
	} {
		_, err := load(map[string]string{name: value})
		if err == nil || !strings.Contains(err.Error(), name+" is ") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
