// Package mongo keeps the fleet's documents in MongoDB: it implements the stores
// of package fleet, those of its live hints (see package redis) aside.
//
// Invariants:
//   - Every write is one command on one document, acknowledged by a majority
//     and journaled; what it decides on is in its own filter. There are no
//     transactions.
//   - A compare-and-set write carries an id of its own in the document
//     (`writes`, the last ten). If its reply is lost, the document is read back
//     and searched for that id before anything is concluded; when even that
//     does not tell, the error is the driver's, never ErrConflict.
//   - What is stored reads back equal: times are UTC in milliseconds, map keys
//     that MongoDB would take for paths are escaped.
//   - Every query shape has an index, and the commands have a closed list of
//     shapes (testdata/shapes.golden).
//   - TTL indexes tidy up the logs and nothing depends on them.
package mongo
