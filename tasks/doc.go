// Package tasks is the fleet's work as asynq tasks: kinds, payloads, queues,
// ids, deadlines. It is public: a backend imports it to enqueue a lab
// assignment (see [NewAssign]) with nothing but an asynq client.
//
// Which task an account or a cleaning run needs next is told by its document
// alone ([ForAccount], [ForRun]). Whoever changes a document enqueues what it
// tells; a sweeper does the same, under the same id, for documents that rest too
// long: a task that is known conflicts, one that is lost is back. So a lost task
// is never lost work, and a long one is never made twice.
//
// Invariants:
//   - A payload holds ids and plain request fields, never a secret.
//   - A task's id is kind/entity/epoch/step/attempt. It is never combined with
//     asynq's Unique: a retained or archived task keeps its id, and a conflict
//     must mean "this very try is known already" and nothing else.
//   - Attempts are counted in the documents. asynq's own retry is only for what
//     a handler asks to be tried again, so MaxRetry is out of reach.
//
// The table of kinds:
//
//	kind            queue     deadline  retention  what it does
//	lab:assign      critical  30 s      1 h        accept a request, match the waiting list
//	lab:match       critical  30 s      none       match the waiting list with the pool
//	lab:start       critical  30 s      none       put a scheduled request on the waiting list
//	lab:handout     critical  1 min     none       give a claimed account to its student
//	lab:expire      critical  30 s      none       end a session whose time is over
//	cleanup:freeze  freeze    90 s      none       freeze an account, stop what runs by itself, plan
//	cleanup:sweep   cleanup   5 min     none       one service, one Region, one wave
//	cleanup:verify  cleanup   5 min     none       list one service in one Region again
//	cleanup:settle  cleanup   2 min     none       wait for late trail events
//	user:create     fleet     2 min     none       make the warm user
//	user:delete     fleet     2 min     none       delete it after the cleaning
//	account:reset   fleet     5 min     none       restore and verify account settings
//	org:sync        fleet     10 min    none       sync one organization
//	readiness:check fleet     1 min     none       look at a ready account again
//	webhook:deliver webhooks  30 s      none       try to deliver an event once
//	tick:*          tick      1 min     2 periods  periodic work, one per planned time
package tasks
