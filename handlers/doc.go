// Package handlers binds task kinds to services: decode the payload, call one
// service, turn its error into an outcome. One file per group of kinds; nothing
// here knows how a thing is done.
//
// Outcomes:
//   - nil: done, or nothing (more) to do.
//   - retry after a while ([fleet.SnoozeError], a context that ran out, a lost
//     race): no failure, nothing is counted.
//   - a failed step of an account: counted in its document by failsafe, which
//     also names the next try; the task itself is done.
//   - permanent: recorded, then revoked in asynq, so that it never comes back.
package handlers
