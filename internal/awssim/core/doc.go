// Package core is the frame that every simulated AWS service stands in: the
// world of accounts and Regions, the pipeline that a request walks (signature,
// throttle, fault, authorization, handler, CloudTrail, answer), the codecs of
// AWS's wire protocols, and the clock.
//
// Invariants:
//   - A service's state is touched only with the world's lock held. The
//     pipeline holds it from authorization until the answer is encoded, so a
//     handler needs no locks of its own and may return pointers into its state.
//   - Nothing waits inside the lock. What AWS does "after a while" is a time
//     written into the state and compared with Call.Now on the next look.
//   - Every account and every Region has state of its own; only what AWS keeps
//     once for all (S3 bucket names) is shared.
//   - Every call leaves a CloudTrail event, also a denied one, except data
//     events.
//   - The package knows nothing of the fleet that is tested against it.
package core
