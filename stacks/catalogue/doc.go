// Package catalogue holds facts about the AWS instance types, database classes and cache node types that a stack may name.
//
// Owns: vCPU, memory, network, architecture and list price of each, what a Kubernetes node of a type can allocate, the parameters of
// the database and cache engines (unit, range, when a change takes effect), look-up by name.
// Does not own: bills (stacks/pricing), quotas, which of them a stack uses.
//
// Every figure is a constant with its source and the date it was read, or with what settles it; nothing is asked of AWS.
package catalogue
