// Package tests holds the live suites: each file states one claim about a running stack and checks it.
//
// They run against the sandbox by default, and against AWS when RAGSCALE_TEST_STACK names a stack and credentials are
// set. Owns: where the suites run, and their order. Does not own: any expectation about unit behaviour.
package tests
