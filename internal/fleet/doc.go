// Package fleet holds the nouns of KML: accounts, sessions, lab types,
// organizations, cleaning runs, the errors they give, the table of state
// transitions, and the interfaces of the stores that keep them.
//
// Invariants:
//   - The package imports the standard library only and does no I/O.
//   - The account document is the aggregate: every invariant about an account
//     can be decided on its document alone.
//   - [Account.State] is written by package lifecycle and by nobody else.
//   - Nothing in these types holds a secret in the clear; see [Sealed].
package fleet
