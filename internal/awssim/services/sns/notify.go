package sns

import (
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// PublishFor publishes for an AWS service, such as "events.amazonaws.com", on
// behalf of source (the ARN of an alarm or rule). The topic's policy must let
// the service in. Errors are *core.Error. Lock held.
func (s *Service) PublishFor(principal, source, topicARN, subject, message string, now time.Time) error {
	t := s.topic(topicARN)
	if t == nil {
		return core.Errorf(404, "NotFound", "Topic does not exist")
	}
	// The policy that a topic has by itself lets in whom aws:SourceOwner names:
	// CloudWatch sends it, EventBridge needs a policy that names the service.
	more := map[string][]string{}
	if p := strings.Split(source, ":"); principal == "cloudwatch.amazonaws.com" && len(p) > 4 {
		more["aws:SourceOwner"] = []string{p[4]}
	}
	if !core.ServiceAllowed(principal, source, "sns:Publish", iameval.Attached{ARN: t.arn, Policy: t.policy}, t.account, now, more) {
		return core.Errorf(403, "AuthorizationError", "%s is not authorized to perform: SNS:Publish on resource: %s", principal, t.arn)
	}
	n := Notice{Message: message, Subject: subject}
	if t.fifo {
		n.MessageGroupID = source
	}
	_, err := s.accept(t, n, now)
	return err
}

// Notify carries out an alarm's action: it implements cloudwatch.Notifier.
func (s *Service) Notify(alarmARN, topicARN, subject, message string, now time.Time) error {
	return s.PublishFor("cloudwatch.amazonaws.com", alarmARN, topicARN, subject[:min(len(subject), 100)], message, now)
}
