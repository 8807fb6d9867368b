// Package redisdev starts a Redis for a laptop or a test: the redis-server
// found on the PATH, else miniredis in this process.
//
// Invariants:
//   - It listens on the loopback interface unless told otherwise, and is spoken
//     to over a socket like any other Redis.
//   - It ends with Close or with the context, whichever comes first; only the
//     process that was started here is ended, by its pid.
package redisdev
