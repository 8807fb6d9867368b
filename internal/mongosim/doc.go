// Package mongosim is MongoDB for laptops and tests: it speaks MongoDB's wire
// protocol (OP_MSG over TCP) to the official drivers, and keeps its documents
// in one file.
//
// It knows the subset of MongoDB that this project uses. What always holds:
//
//   - An acknowledged write is in the file before its reply is sent, so it
//     survives kill -9 of the process (and, with Config.Sync, of the machine).
//   - A command takes effect whole and alone: writers are serialised, readers
//     see no half of a write, so of many writers racing for one document
//     exactly one wins.
//   - A write that a driver repeats with the same session and transaction
//     number is answered with the recorded reply and is not applied again,
//     also after a restart.
//   - What it does not know it refuses with an error that names the thing. It
//     never ignores an option that would change the answer.
//
// How it is built: the documents and the indexes are in memory, the file (a
// bbolt database) is the log they are rebuilt from. A write changes memory
// under the engine's lock, is committed to the file, and is undone in memory
// if the commit fails; only then does the lock open. Records are immutable
// once published, so a cursor is a snapshot and holds no lock.
//
// Left out on purpose: transactions, change streams, collations, text and
// geospatial search, Decimal128, authentication, compression.
package mongosim
