// Package logs simulates Amazon CloudWatch Logs: log groups and streams, the
// events in them, retention, metric and subscription filters, and the policies
// of an account.
//
// Invariants:
//   - Events of a stream are sorted by timestamp.
//   - A group with deletion protection is never deleted.
//   - A filter pattern that the simulator cannot evaluate is refused, never
//     taken for one that matches nothing.
package logs
