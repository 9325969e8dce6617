// Package rules says what every stack must hold to: one table, each entry a rule with its sentence, its fix, its
// threshold's origin, its level per environment and its check.
//
// Owns: the rules, how they read a resource's inputs, the text of a finding, the page that documents them. Does not
// own: the engine's protocol, a stack's exemptions (policies/pack), the objectives (stacks).
//
// A value that a preview does not know yet is undecided: no rule finds fault with it.
package rules
