// Package kinds holds one file per kind of AWS resource. To add a kind, copy
// ec2_keypair.go, change it, add how it is seeded to seed_test.go, and run
// go test -run 'TestConformance/<kind>'.
//
// Invariants: a kind never reads a failed call as "nothing there"; what a thing
// needs removed first is either a part of its Delete or named in After; IAM
// comes last, because services give up what they hold (a function's network
// interfaces) with the roles that students gave them.
package kinds
