// Package awsclient gives the role sessions with which the fleet acts in AWS,
// and says what an AWS error means.
//
// Invariants:
//   - A mutating session lives two minutes at a time and AWS itself ends it (its
//     session policy compares aws:CurrentTime). It is renewed only after a lease
//     for the account's epoch was taken again, so a worker that was paused and
//     wakes finds its credentials dead and its epoch stale.
//   - A lease is given back only when nothing sent under it can still arrive:
//     calls in flight are waited for, and after a call whose fate is unknown the
//     lease is left to run out.
//   - Whether an account is protected is asked before every single attempt that
//     is not known to be a read; what is not known to be a read is a change.
//   - No secret is logged, returned in an error or kept longer than its session.
package awsclient
