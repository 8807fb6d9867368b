// Package sqs is the simulated Amazon SQS: standard and FIFO queues, spoken to
// by JSON and by the older query protocol.
//
// Invariants:
//   - A message is in at most one queue, and visible to at most one receiver
//     until its visibility timeout runs out.
//   - Within a message group of a FIFO queue nothing overtakes.
//   - Nothing waits: a long poll of an empty queue answers at once and empty.
//   - All state is touched with the world's lock held, by the pipeline or by
//     DeliverFor's caller.
//
// Where to look: queues.go has the life of a queue, attributes.go what can be
// set on it, messages.go the life of a message, batch.go the batch forms.
package sqs
