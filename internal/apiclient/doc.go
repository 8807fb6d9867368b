// Package apiclient calls the HTTP API from Go: a method for each operation, an
// iterator for each list, and streams of events that find their place again.
//
// Invariants:
//   - A call is tried again only if doing it twice is doing it once: reading,
//     replacing, deleting, and POST under the idempotency key that the client
//     gives every POST, the same for all tries.
//   - An error of the server is an *[apitypes.Problem], found by errors.As; one
//     on the way there matches [ErrUnreachable]; what the context ends is the
//     context's error.
//   - The key and what the server hides behind it are never in an error.
//   - Nothing goes on in the background: what runs ends with its call.
package apiclient
