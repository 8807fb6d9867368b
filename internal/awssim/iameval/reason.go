package iameval

import "strings"

// ParseError is a document that AWS would refuse.
type ParseError struct {
	Kind   Kind
	Reason string // the message of AWS's MalformedPolicyDocument
	Detail string // what exactly is wrong and where; AWS does not say
}

func (e *ParseError) Error() string { return e.Reason }

// fault is a way for a document to be wrong.
type fault int

const (
	faultJSON fault = iota
	faultSyntax
	faultUnknownField
	faultVersion
	faultValue // a condition value that is not of its operator's type
	faultNoAction
	faultNoResource
	faultNoEffect
	faultNoPrincipal
	faultHasPrincipal
	faultBadPrincipal
	faultHasResource
	faultBadAction
	faultBadResource
	faultSID
)

// reasons holds AWS's words by kind; %s is the detail. IAM answers most
// mistakes in an identity policy with one sentence, trust and resource policies
// name the field, and Organizations has a single message for everything.
var reasons = map[Kind]map[fault]string{
	Identity: {
		faultJSON:         "Syntax errors in policy.",
		faultSyntax:       "Syntax errors in policy.",
		faultUnknownField: "Syntax errors in policy.",
		faultNoEffect:     "Syntax errors in policy.",
		faultVersion:      "Policy document must be version 2012-10-17 or greater.",
		faultValue:        "The policy failed legacy parsing",
		faultNoAction:     "Policy statement must contain actions.",
		faultNoResource:   "Policy statement must contain resources.",
		faultHasPrincipal: "Policy document should not specify a principal.",
		faultBadAction:    "%s",
		faultBadResource:  "%s",
		faultSID:          "%s",
	},
	Trust: {
		faultJSON:         "This policy contains invalid Json",
		faultSyntax:       "Syntax errors in policy.",
		faultUnknownField: "Unknown field %s",
		faultNoEffect:     "Missing required field Effect",
		faultVersion:      "The policy must contain a valid version string",
		faultValue:        "The policy failed legacy parsing",
		faultNoAction:     "Missing required field Action",
		faultNoPrincipal:  "Missing required field Principal",
		faultBadPrincipal: "Invalid principal in policy: %s",
		faultHasResource:  "Has prohibited field Resource",
		faultBadAction:    "%s",
		faultSID:          "%s",
	},
	Resource: {
		faultJSON:         "Policies must be valid JSON and the first byte must be '{'",
		faultSyntax:       "Could not parse the policy",
		faultUnknownField: "Unknown field %s",
		faultNoEffect:     "Missing required field Effect",
		faultVersion:      "The policy must contain a valid version string",
		faultValue:        "Could not parse the policy",
		faultNoAction:     "Missing required field Action",
		faultNoResource:   "Missing required field Resource",
		faultNoPrincipal:  "Missing required field Principal",
		faultBadPrincipal: "Invalid principal in policy",
		faultBadAction:    "Policy has invalid action",
		faultBadResource:  "Policy has invalid resource",
		faultSID:          "%s",
	},
}

const reasonSCP = "The provided policy document does not meet the requirements of the specified policy type."

// newError returns the error AWS would answer with for a fault.
func newError(kind Kind, f fault, detail string) *ParseError {
	reason := reasonSCP
	if kind != SCP {
		reason = strings.Replace(reasons[kind][f], "%s", detail, 1)
	}
	return &ParseError{Kind: kind, Reason: reason, Detail: detail}
}
