// Package scheduler enqueues: periodic ticks, what follows from a change of a
// document, and what a crash left behind.
//
// [Clock] is the only part that runs in the scheduler's process: it enqueues one
// tick per planned time. Ticks are tasks like any other; a worker runs them
// ([Reconciler]). Several schedulers may run: a tick is named by its planned
// time and retained for two periods, so it is enqueued once, whoever comes
// first. There is no leader to fail over.
//
// Invariants:
//   - A reconciler decides on documents and writes through the services; doing
//     its work twice, or beside itself, is harmless.
//   - What a lost task would have done is found again from the documents alone.
package scheduler
