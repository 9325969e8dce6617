// Command infra is the Pulumi program: `pulumi up` runs it.
package main

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

func main() { pulumi.Run(declare) }
