package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func TestTheAWSCLIIsLookedForFirst(t *testing.T) {
	found := func(string) (string, error) { return "/usr/bin/aws", nil }
	missing := func(string) (string, error) { return "", exec.ErrNotFound }
	says := func(text string, err error) func(string, ...string) ([]byte, error) {
		return func(path string, args ...string) ([]byte, error) {
			if path != "/usr/bin/aws" || len(args) != 1 || args[0] != "--version" {
				t.Errorf("called %s %v", path, args)
			}
			return []byte(text), err
		}
	}
	for name, c := range map[string]struct {
		look   func(string) (string, error)
		output func(string, ...string) ([]byte, error)
		want   string // "" for no fault
	}{
		"version 2": {found, says("aws-cli/2.36.44 Python/3.13.7 Linux/6.12 exe/x86_64\n", nil), ""},
		"version 1": {found, says("aws-cli/1.44.1 Python/3.11.2\n", nil), `/usr/bin/aws is "aws-cli/1.44.1 Python/3.11.2", want AWS CLI 2`},
		"broken":    {found, says("", errors.New("exit status 127")), "/usr/bin/aws --version: exit status 127, want AWS CLI 2"},
		"none":      {missing, says("", nil), "aws is not on PATH, want AWS CLI 2"},
	} {
		err := awsCLI(c.look, c.output)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
