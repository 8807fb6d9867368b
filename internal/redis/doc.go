// Package redis holds what the fleet can afford to lose: the pool of ready
// accounts (a hint) and rate budgets shared by all processes.
//
// Invariants:
//   - Everything here can be flushed at any time; MongoDB knows it all, or it
//     does not matter. A miss is never an answer about the fleet.
//   - Every key is made in keys.go, whose table says what it holds.
package redis
