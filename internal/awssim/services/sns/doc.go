// Package sns is the simulated Amazon SNS: topics and subscriptions, by the
// query protocol. Messages published reach queues of the simulated SQS; other
// protocols are subscribed to and delivered nowhere.
//
// Invariants:
//   - A subscription belongs to one topic and goes with it.
//   - A message reaches a queue only if the queue's policy lets SNS in, as with
//     AWS, and never a subscription that was not confirmed.
//   - All state is touched with the world's lock held, by the pipeline.
package sns
