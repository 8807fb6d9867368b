// Package cleaner empties an account of one kind of resource at a time and says
// what is left: a kind lists and deletes, the package does the rest.
//
// Invariants:
//   - A list that failed is Unknown and never read as an empty list, nor is a
//     list that failed half-way read as the part that came.
//   - Nobody's word that a thing was deleted is believed: only another list
//     makes a kind Clean.
//   - What belongs to the account or to the fleet is kept, with the reason told.
//   - A delete asks and returns; whatever must go first, it is tried again in
//     another pass or another round.
//   - Memory is bounded by one batch, however much there is to delete.
package cleaner
