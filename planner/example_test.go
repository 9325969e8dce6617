package planner_test

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/planner"
)

// What a program would register, without an engine and without a cloud.
func ExampleRun() {
	plan, err := planner.Run(planner.Options{Stack: "dev"}, func(ctx *pulumi.Context) error {
		var queue pulumi.CustomResourceState
		return ctx.RegisterResource("aws:sqs/queue:Queue", "events", pulumi.Map{"delaySeconds": pulumi.Int(5)}, &queue)
	})
	if err != nil {
		fmt.Println(err)
	}
	for _, r := range plan.Resources {
		fmt.Print(r.Text())
	}
	// Output:
	// aws:sqs/queue:Queue events
	//   delaySeconds: 5
}
