// Package ec2 is the simulated Amazon EC2: networks, instances, volumes, images
// and the account settings that belong to them.
//
// Every account and Region starts with the default VPC that AWS gives it. What
// AWS does over time (a pending instance that comes to run, a NAT gateway that
// is being deleted) stands on the state's agenda and is done by Settle.
//
// Invariants:
//   - Every thing is an Object in one store per account and Region, found by
//     its id; its kind knows error codes, filters and the type in ARNs.
//   - Views that AWS derives (an instance's interfaces, a group's permissions)
//     are derived from their objects, never kept twice by hand.
//   - A handler changes nothing before all of its input has been checked.
//   - DryRun is answered after authorization and before the handler.
package ec2
