// Package catalogue is the ground floor of facts: what AWS, PostgreSQL, Redis and Kubernetes are, each written once.
//
// Owns: look-up by name, byte sizes, regions, and what several services share (passwords, periods of logs, managed
// policies); a package below it for each noun. Does not own: what a stack wants, what a component or a policy demands.
//
// It imports nothing of the project. Every fact has its source and the date when it was read, or what would settle it
// and the date of the guess; `make facts-age` lists the old ones. Nothing is asked of AWS.
package catalogue
