// Package autoscaling is the simulated Amazon EC2 Auto Scaling: groups that keep
// a number of instances running, whoever terminates them.
//
// A group is brought towards its desired capacity whenever it is looked at
// (Settle, before every call in its Region, and Inventory): missing instances
// are launched through EC2, dead ones replaced, surplus ones terminated.
//
// Invariants:
//   - Instances belong to EC2; a group only knows their ids and asks EC2 for
//     their state.
//   - Launch and Terminate being suspended holds for the group's own doing, not
//     for a forced deletion.
//   - A group that is being deleted launches nothing and goes once EC2 has
//     terminated its last instance.
package autoscaling
