package core

import (
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// ServiceAllowed tells whether a resource's policy lets an AWS service, such as
// "sns.amazonaws.com", do an action on the resource, on behalf of the source
// with an ARN (a topic, a rule). owner is the account of the resource; more are
// condition keys beside those that every such call has.
func ServiceAllowed(principal, source, action string, policy iameval.Attached, owner string, now time.Time, more map[string][]string) bool {
	keys := map[string][]string{
		"aws:SourceArn": {source}, "aws:SecureTransport": {"true"}, "aws:CurrentTime": {now.UTC().Format("2006-01-02T15:04:05Z")},
	}
	if p := strings.Split(source, ":"); len(p) > 4 && p[4] != "" {
		keys["aws:SourceAccount"] = []string{p[4]}
	}
	for k, v := range more {
		keys[k] = v
	}
	return iameval.Evaluate(iameval.Request{
		Action: action, Resource: policy.ARN, Context: keys,
		Principal: iameval.Principal{Type: iameval.TypeService, Service: principal},
	}, iameval.Policies{Resource: &policy, ResourceAccount: owner}).Allowed
}
