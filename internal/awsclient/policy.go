package awsclient

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// STS takes session policies of at most this many characters.
const maxSessionPolicy = 2048

type statement struct {
	Effect    string
	Action    any
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

func policy(s ...statement) string {
	b, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", s})
	if err != nil {
		panic(err) // strings and maps of strings always marshal
	}
	return string(b)
}

// untilPolicy allows everything until end. The Deny stands beside the dated
// Allow because a resource policy that names the role session can grant around
// an Allow that ended, never around a Deny.
func untilPolicy(end time.Time) string {
	at := end.UTC().Format(time.RFC3339)
	return policy(
		statement{Effect: "Allow", Action: "*", Resource: "*", Condition: map[string]map[string]string{"DateLessThan": {"aws:CurrentTime": at}}},
		statement{Effect: "Deny", Action: "*", Resource: "*", Condition: map[string]map[string]string{"DateGreaterThanEquals": {"aws:CurrentTime": at}}},
	)
}

// readActions is what a reader may do. IAM knows no wildcard in the service's
// name, so that every service is spelled out.
var readActions = map[string]string{
	"account":        "Get* List*",
	"autoscaling":    "Describe*",
	"cloudtrail":     "Describe* Get* List* Lookup*",
	"cloudwatch":     "Describe* Get* List*",
	"dynamodb":       "Describe* List*",
	"ec2":            "Describe* Get* Search*",
	"events":         "Describe* List*",
	"iam":            "Get* List* Simulate*",
	"lambda":         "Get* List*",
	"logs":           "Describe* Get* List* FilterLogEvents",
	"organizations":  "Describe* List*",
	"s3":             "Get* List*",
	"servicequotas":  "Get* List*",
	"sns":            "Get* List*",
	"sqs":            "Get* List*",
	"ssm":            "Describe* List*",
	"sts":            "GetCallerIdentity",
	"tag":            "Get*",
	"cloudformation": "Describe* List*",
	"ecr":            "Describe* List*",
	"ecs":            "Describe* List*",
	"kms":            "Describe* List*",
	"rds":            "Describe* List*",
	"secretsmanager": "Describe* List*",
}

func readPolicy() string {
	var actions []string
	for service, verbs := range readActions {
		for v := range strings.FieldsSeq(verbs) {
			actions = append(actions, service+":"+v)
		}
	}
	slices.Sort(actions)
	return policy(statement{Effect: "Allow", Action: actions, Resource: "*"})
}

var readVerbs = []string{"Describe", "Get", "List", "Lookup", "Head", "Search", "Filter", "Simulate", "BatchGet", "Query", "Scan", "Select"}

// mintsCredentials are calls that begin like reads and give power away.
var mintsCredentials = map[string]bool{"GetFederationToken": true, "GetSessionToken": true, "GetAuthorizationToken": true}

// isRead says whether an operation surely changes nothing; it goes by the verb
// that AWS's operation names begin with.
func isRead(op string) bool {
	if mintsCredentials[op] {
		return false
	}
	for _, v := range readVerbs {
		if strings.HasPrefix(op, v) {
			return true
		}
	}
	return false
}
