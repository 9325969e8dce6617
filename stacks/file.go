package stacks

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ragscale/ragscale/stacks/settings"
)

// fileKeys are the top-level keys of a Pulumi stack file.
var fileKeys = []string{"config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider"}

// ReadFile reads a Pulumi.<stack>.yaml into the values that Parse takes. Objects and lists become JSON; of an encrypted
// value only the fact that it is there is kept, as SecretValue. Errors name the file.
func ReadFile(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err // names the file already
	}
	values, err := readStackFile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return values, nil
}

func readStackFile(text []byte) (map[string]string, error) {
	file, err := decodeFile(text)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(file)) {
		if !slices.Contains(fileKeys, key) {
			errs = append(errs, settings.Fault{Path: key, Is: "is no known key" + settings.DidYouMean(key, fileKeys),
				Want: "one of " + settings.Join(fileKeys)})
		}
	}
	config := map[string]json.RawMessage{}
	if raw, present := file["config"]; present {
		if err := json.Unmarshal(raw, &config); err != nil {
			errs = append(errs, settings.Fault{Path: "config", Is: "is no object", Want: "keys such as " + prefix + "slo"})
		}
	}
	values := map[string]string{}
	for key, raw := range config {
		if !strings.Contains(key, ":") {
			errs = append(errs, settings.Fault{Path: "config." + key, Is: "has no namespace", Want: "a key such as " +
				prefix + key})
		}
		values[key] = configValue(raw)
	}
	return values, errors.Join(errs...)
}

// decodeFile reads YAML as the engine does: by version 1.2, in which no, on and y are texts.
func decodeFile(text []byte) (map[string]json.RawMessage, error) {
	var whole any
	if err := yaml.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(whole)
	if err != nil {
		return nil, err // a key that is no text
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal(asJSON, &file); err != nil {
		return nil, fmt.Errorf("is no object with the keys %s", settings.Join(fileKeys))
	}
	return file, nil
}

// configValue is the text that Pulumi hands to a program for a value in a stack file.
func configValue(raw json.RawMessage) string {
	var plain string
	if json.Unmarshal(raw, &plain) == nil && raw[0] == '"' {
		return plain
	}
	var secret map[string]json.RawMessage
	if json.Unmarshal(raw, &secret) == nil && len(secret) == 1 && secret["secure"] != nil {
		return SecretValue
	}
	return string(raw)
}

// ParseFile reads what a stack file says, as ReadFile does.
func ParseFile(text []byte) (map[string]string, error) { return readStackFile(text) }
