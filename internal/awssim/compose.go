package awssim

import (
	"net/http"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
	"github.com/kodekloud/kml/internal/awssim/services/sns"
	"github.com/kodekloud/kml/internal/awssim/services/sqs"
)

// toQueues and toTopics let EventBridge reach queues and topics.
type (
	toQueues struct{ *sqs.Service }
	toTopics struct{ *sns.Service }
)

// SendFor implements events.Sender.
func (q toQueues) SendFor(principal, rule, queue, body, group string, now time.Time) error {
	return q.DeliverFor(principal, rule, queue, sqs.Message{Body: body, Group: group, Sender: "AIDAEVENTS"}, now)
}

// SendFor implements events.Sender.
func (t toTopics) SendFor(principal, rule, topic, body, _ string, now time.Time) error {
	return t.PublishFor(principal, rule, topic, "", body, now)
}

// linkedRoles lets Auto Scaling have its role made.
type linkedRoles struct{ iam *iam.IAM }

// EnsureServiceLinkedRole implements autoscaling.Roles.
func (l linkedRoles) EnsureServiceLinkedRole(account, service string, now time.Time) string {
	return l.iam.EnsureLinkedRole(account, service, now).ARN()
}

// roles tells services what they may know of IAM.
type roles struct {
	iam   *iam.IAM
	world *core.World
}

// Assumable implements lambda.RoleChecker.
func (r roles) Assumable(arn, service string, now time.Time) bool {
	_, err := r.iam.RoleForService(arn, service, now)
	return err == nil
}

// Allows implements lambda.RoleChecker: a call of the role, authorized as the
// pipeline would.
func (r roles) Allows(arn, action, resource string, now time.Time) bool {
	role, err := r.iam.RoleForService(arn, "lambda.amazonaws.com", now)
	if err != nil {
		return false
	}
	p := r.iam.RolePrincipal(role, "lambda.amazonaws.com", "check", now)
	service, _, _ := strings.Cut(action, ":")
	c := &core.Call{World: r.world, Service: r.world.Service(service), Principal: p, Now: now,
		Region: regionOf(resource), Request: &http.Request{Header: http.Header{}}}
	return c.Service != nil && c.Authorize(core.Permission{Action: action, Resource: resource}) == nil
}

// regionOf reads the Region of an ARN.
func regionOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 5); len(parts) == 5 && parts[3] != "" {
		return parts[3]
	}
	return "us-east-1"
}
