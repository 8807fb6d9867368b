// Package events tells what happens to sessions and accounts: to the activity
// log, to webhooks, and on the live stream, where [Hub] hands it to those who
// wait in this process.
//
// Invariants:
//   - A change of a session stands in its document, in the write that made it
//     ([Sessions]), and is told from there ([Publisher]). Whoever dies in between
//     loses nothing: the document says that it may not have been told, and a tick
//     tells it again. An event may come twice, with the same id; never zero times.
//   - A session's changes are first told in their order.
//   - Telling never fails or delays the write that it tells of.
//   - The activity log and the deliveries know an event by its id: twice is once.
//   - One who listens slowly holds up nobody: it is dropped, and told so.
package events
