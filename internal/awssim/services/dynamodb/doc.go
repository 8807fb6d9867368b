// Package dynamodb simulates Amazon DynamoDB: tables with their indexes, items
// with the expression language, and what hangs on tables: time to live, tags,
// backups, point-in-time recovery, resource policies.
//
// Invariants:
//   - Tables are made, changed and deleted over time; a table that is not
//     ACTIVE or UPDATING has no items to anyone.
//   - A write to several items happens as a whole or not at all.
//   - What the simulator does not know (legacy parameters, PartiQL, global
//     tables) is refused with a ValidationException that names it.
//
// Expressions are in package expr below this one.
package dynamodb
