// Package expr is DynamoDB's data model and expression language: attribute
// values, document paths, and key condition, condition, filter, projection and
// update expressions. It is a pure library.
//
// Invariants:
//   - Values are never changed in place: what writes makes copies.
//   - Errors are texts for a ValidationException.
package expr
