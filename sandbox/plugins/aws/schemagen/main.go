// Command schemagen writes the schema of the AWS provider from the Go source of the AWS SDK that go.mod names.
//
// Owns: reading the SDK's syntax trees. Does not own: the schema's form (package schema).
// Run it from the project's root after a change of the SDK's version: go run ./sandbox/plugins/aws/schemagen
package main

import (
	"fmt"
	"os"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

const target = "sandbox/plugins/aws/schema/aws.json.gz"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1)
	}
}

func run() error {
	raw, err := generate()
	if err != nil {
		return err
	}
	gz, err := schema.Pack(raw)
	if err != nil {
		return err
	}
	if err := os.WriteFile(target, gz, 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes, %d as text\n", target, len(gz), len(raw))
	return nil
}
