// Package stacks says what a stack may be told, and derives from it everything that follows.
//
// Owns: the typed configuration with its service level objectives, defaults, validation, the sizing formulas (pools,
// connections, parameter group, placement, room kept free), the thresholds of alarms and load tests. Its tests write
// the JSON schema and the reference page.
// Does not own: how text is read and faults are told (stacks/settings), what AWS and Kubernetes are (catalogue), which
// resources exist (components) and how they are wired (infra).
//
// It is the only reader of Pulumi configuration. Every fault of a configuration is reported at once.
package stacks
