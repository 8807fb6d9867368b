// Package events simulates Amazon EventBridge: event buses, rules with
// schedules and patterns, their targets, and events put by callers.
//
// Invariants:
//   - An enabled schedule goes on by itself: when it is due, the next look at
//     the account gives its targets an event, once per look however late it is.
//     A rule that is left over therefore keeps functions running.
//   - A rule with targets is never deleted, nor a bus with rules.
//   - Every account and Region has the bus "default", which cannot be deleted.
//
// Lambda functions get events through an Invoker, targets of the services that
// New was given Senders for through these, all of them only if the target's
// policy lets EventBridge in. Other targets are kept and get nothing.
package events
