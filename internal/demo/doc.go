// Package demo plays a class against a fleet: students in five lab types ask
// for labs, work with their own credentials through the AWS SDK, try what is
// forbidden, leave back doors and go on calling after the end. It then holds the
// fleet to its promises by the oracle of the simulated AWS.
//
// Invariants:
//   - The class speaks to the fleet as a backend does (tasks on Redis) and to AWS
//     as students do (the SDK over HTTP); nothing is called inside a process that
//     a stranger could not call.
//   - The same seed gives the same class.
//   - A promise that could not be checked is a promise that was broken: every
//     error of an observation fails the run.
package demo
