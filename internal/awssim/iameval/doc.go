// Package iameval decides whether AWS would allow a request: it parses policy
// documents as IAM does and evaluates them as the "Policy evaluation logic"
// page of the IAM User Guide says. It is a pure library: no clock, no network,
// no state. Time, Region and every other fact of a request come in as context
// keys.
//
// Invariants:
//   - An explicit Deny in any policy that applies beats every Allow.
//   - What cannot be resolved never grants: a variable without a value, a
//     context value that does not parse and a principal of unknown type match
//     nothing.
//   - A *Policy is immutable once parsed, so one copy may serve any number of
//     goroutines and accounts. All case folding, splitting and number, date and
//     address parsing of the document happens in Parse.
//   - Facts about the caller (aws:PrincipalArn, aws:userid, aws:PrincipalTag/…)
//     come from Principal alone; a context entry of that name is ignored.
//
// Where to look: parse.go and validate.go turn text into a Policy, pattern.go
// has wildcards and policy variables, operator.go and condition.go the
// Condition element, principal.go the Principal element, evaluate.go the order
// of the decision, decision.go the words of a denial.
package iameval
