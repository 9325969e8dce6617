// Package component is the frame in which every component is declared.
//
// Owns: registering a component and its outputs, and whose an error is. Does not own: what is in the component.
package component

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Declare registers c under its type token ("ragscale:cache:Cache"), declares what is in it, and registers its outputs,
// which are read when everything is declared.
func Declare[C pulumi.ComponentResource](
	ctx *pulumi.Context, token, name string, c C, opts []pulumi.ResourceOption,
	declare func(C) error, outputs func(C) pulumi.Map,
) (C, error) {
	err := ctx.RegisterComponentResource(token, name, c, opts...)
	if err == nil {
		err = declare(c)
	}
	if err != nil {
		var none C
		return none, fmt.Errorf("%s %q: %w", strings.Split(token, ":")[1], name, err)
	}
	return c, ctx.RegisterResourceOutputs(c, outputs(c))
}
