// Package iam simulates AWS Identity and Access Management: the control plane
// that clients speak to, and the directory that the pipeline asks on every call
// who signed it and what binds them.
//
// Invariants:
//   - The API reads and writes the entities of state.go at once; authorization
//     reads only the views of lag.go, which follow after Options.IAMDelay.
//     Every handler that changes what authorization depends on publishes the
//     entity it touched.
//   - A view is never changed once published; a change publishes a new one.
//   - Unique ids (AIDA…, AROA…) are never used twice, so that a recreated user
//     or role inherits no session and no trust of its predecessor.
//   - Names are unique without regard to case, as IAM's are.
//   - Temporary credentials hold no permissions of their own: what they may do
//     is looked up in the user or role behind them at the time of each call.
package iam
