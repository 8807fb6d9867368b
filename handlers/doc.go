// Package handlers binds task kinds to services: decode the payload, call one
// service, turn its error into an outcome. One file per group of kinds; nothing
// here knows how a thing is done.
//
// Outcomes:
//   - nil: done, or nothing (more) to do.
//   - retry after a while ([fleet.SnoozeError], a worker that shuts down, a lost
//     race): no failure, nothing is counted.
//   - a failed step of an account: counted in its document by failsafe, which
//     also names the next try; the task itself is done. A time that ran out and
//     a panic are failures too.
//   - a failed step of a cleaning run: counted likewise, and tried again.
//   - permanent: recorded, then revoked in asynq, so that it never comes back.
//   - a failed tick: revoked; the next tick is its next try.
package handlers
