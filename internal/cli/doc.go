// Package cli is kmlctl: a command line over the HTTP API, for operators, SREs,
// backends and scripts.
//
// Invariants:
//   - It does nothing that the API does not do; what it calls, internal/apiclient
//     calls.
//   - A key is never on a command line, where other processes would see it: it
//     comes from the environment, a file, a command, or standard input. A
//     profile's key goes to that profile's server alone.
//   - What cannot be undone is confirmed by typing what it is done to; without a
//     terminal it needs --yes.
//   - Data goes to standard output; progress, questions and errors to standard
//     error. An error says what to do next, and the exit code what it was.
//   - Everything around the process (streams, terminal, environment, clock) is
//     given to it in [IO].
package cli
