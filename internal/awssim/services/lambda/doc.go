// Package lambda simulates AWS Lambda: functions with versions, aliases,
// permissions and URLs, event source mappings and layers. A function runs no
// code: it gives back what it was given, and writes the lines that every
// function writes to its log group if its role lets it.
//
// Invariants:
//   - What a function is (Pending, Active, being updated) follows from times in
//     its state; nothing is ever waited for.
//   - A published version never changes.
//   - An event source mapping outlives its function, as in AWS.
//   - A function URL answers strangers only if the function's policy lets them.
package lambda
