package apitypes

import "time"

// LabTypeSpec is a lab type as it is applied; the fields are those of its file.
type LabTypeSpec struct {
	Name          string      `json:"name" pattern:"^[a-z0-9][a-z0-9-]{0,62}$" example:"ec2-basics"`
	Title         string      `json:"title" maxLength:"200"`
	Description   string      `json:"description,omitempty" maxLength:"4000"`
	Regions       []string    `json:"regions" nullable:"false" maxItems:"40"`
	Services      []string    `json:"services" nullable:"false" maxItems:"100" doc:"IAM prefixes that the lab allows, such as ec2"`
	MaxDuration   Duration    `json:"max_duration" maxLength:"32" example:"4h"`
	Console       bool        `json:"console,omitempty" doc:"hand out a console password"`
	Keys          bool        `json:"keys,omitempty" doc:"hand out an access key"`
	InstanceTypes []string    `json:"instance_types,omitempty" maxItems:"100"`
	Statements    []Statement `json:"statements" nullable:"false" maxItems:"200"`
	Probe         string      `json:"probe" maxLength:"100" doc:"call that shows that a key works" example:"ec2:DescribeInstances"`
}

// Statement is an IAM policy statement; its strings may hold {{.Account}},
// {{.User}}, {{.Partition}}, {{.LabPath}} and {{.Regions}}.
type Statement struct {
	Sid        string                         `json:"sid,omitempty" maxLength:"200"`
	Effect     string                         `json:"effect" enum:"Allow,Deny"`
	Actions    []string                       `json:"actions,omitempty" maxItems:"500"`
	NotActions []string                       `json:"not_actions,omitempty" maxItems:"500"`
	Resources  []string                       `json:"resources,omitempty" maxItems:"500"`
	Conditions map[string]map[string][]string `json:"conditions,omitempty"`
}

// LabType is a lab type with what the fleet knows of it.
type LabType struct {
	LabTypeSpec
	Revision int64     `json:"revision" doc:"grows with every apply; 0 came with the fleet"`
	Active   bool      `json:"active"`
	Reason   string    `json:"reason,omitempty" doc:"why it was switched off"`
	Failures int       `json:"failures" doc:"since the last success"`
	Since    time.Time `json:"since,omitzero" doc:"when it was last switched"`
}

// LabTypeCheck is the outcome of a validation.
type LabTypeCheck struct {
	Valid    bool           `json:"valid"`
	Errors   []ProblemField `json:"errors,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
	Policies []string       `json:"policies,omitempty" doc:"the IAM policies that it renders to, as JSON, for account 123456789012"`
}

// AccessQuestion asks what a lab type allows.
type AccessQuestion struct {
	Action   string              `json:"action" minLength:"3" maxLength:"128" pattern:"^[a-zA-Z0-9-]+:[a-zA-Z0-9]+$" example:"ec2:RunInstances"`
	Resource string              `json:"resource,omitempty" maxLength:"2048" doc:"ARN; default *"`
	Context  map[string][]string `json:"context,omitempty" doc:"condition keys, such as aws:RequestedRegion, with their values"`
}

// AccessAnswer says whether, and by which statements. It is IAM's own
// SimulateCustomPolicy, asked with the policies and the boundary of the lab.
type AccessAnswer struct {
	Allowed    bool        `json:"allowed"`
	Decision   string      `json:"decision" enum:"allowed,explicitDeny,implicitDeny"`
	Statements []MatchedBy `json:"statements" nullable:"false"`
	Missing    []string    `json:"missing_context,omitempty" doc:"condition keys that the policies ask for and the question does not give"`
	Boundary   *bool       `json:"allowed_by_boundary,omitempty"`
}

// MatchedBy is a statement that decided.
type MatchedBy struct {
	Policy string `json:"policy" doc:"which of the lab's policies"`
	Sid    string `json:"sid,omitempty"`
	Effect string `json:"effect,omitempty"`
	Text   string `json:"text,omitempty" doc:"the statement, as JSON"`
}
