// Package pack serves the rules to the Pulumi engine as a policy pack, and holds them against one stack's
// configuration.
//
// Owns: reading the stack's configuration and its exemptions, the pack's policies, the text of a violation. Does not
// own: the rules (policies/rules), what a stack may say under ragscale: (stacks).
//
// Stack rules judge the inputs that the engine showed to the resource rules. What it shows to stack policies are
// outputs: in the first preview of a stack with a new cluster these are empty for all Kubernetes resources.
package pack
