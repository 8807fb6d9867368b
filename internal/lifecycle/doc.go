// Package lifecycle is the only writer of account state.
//
// Invariants:
//   - A state changes only along [fleet.Transitions], by compare-and-set on id,
//     state and version, with the reason in the same write.
//   - The version grows by one with every write and never goes back. The epoch
//     grows with every claim ([fleet.State.Claims]).
//   - A fenced state ([fleet.State.Fenced]) is entered only when no mutating
//     session can act any more, and the write itself fails if a lease was taken
//     since the leases were looked at.
//   - No transition is lost from the activity log: the writer of the next one
//     copies the last one first, and [Machine.FlushHistory] covers accounts that
//     rest.
//   - A session's hold on an account begins with the move to Assigning and ends
//     when the account is clean (UserDeleted) or goes back untouched
//     (UserCreated); nothing in between can change it.
//
// Leaving Cleanup is not fenced. A cleaner's session that is left over can only
// do what a cleaner does: delete what does not belong to the account, which the
// reset never makes. What it could harm is the next user; so the fence stands
// before UserCreating, and again before UserCreated.
package lifecycle
