// Package redis holds what the fleet can afford to lose: the pool of ready
// accounts (a hint), rate budgets and limits shared by all processes, and the
// live stream of events.
//
// Invariants:
//   - Everything here can be flushed at any time; MongoDB knows it all, or it
//     does not matter. A miss is never an answer about the fleet.
//   - Every key is made in keys.go, whose table says what it holds.
package redis
