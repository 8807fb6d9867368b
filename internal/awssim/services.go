package awssim

import (
	"net/http"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/autoscaling"
	"github.com/kodekloud/kml/internal/awssim/services/cloudtrail"
	"github.com/kodekloud/kml/internal/awssim/services/cloudwatch"
	"github.com/kodekloud/kml/internal/awssim/services/dynamodb"
	"github.com/kodekloud/kml/internal/awssim/services/ec2"
	"github.com/kodekloud/kml/internal/awssim/services/events"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
	"github.com/kodekloud/kml/internal/awssim/services/lambda"
	"github.com/kodekloud/kml/internal/awssim/services/logs"
	"github.com/kodekloud/kml/internal/awssim/services/organizations"
	"github.com/kodekloud/kml/internal/awssim/services/s3"
	"github.com/kodekloud/kml/internal/awssim/services/sns"
	"github.com/kodekloud/kml/internal/awssim/services/sqs"
	"github.com/kodekloud/kml/internal/awssim/services/sts"
)

// services puts all services into the world and ties those together that lean
// on each other. A new service is added here and nowhere else.
func (s *Server) services() {
	w := s.World
	s.IAM = iam.New(w)
	s.Organizations = organizations.New(w, s.IAM)
	sts.New(w, s.IAM)
	cloudtrail.New(w)
	machines := ec2.New(w, s.IAM)
	w.Add(machines.Core())
	w.Add(autoscaling.New(w, machines, linkedRoles{s.IAM}).Core())
	w.Add(s3.New(w, s3.Options{}).Core())
	queues := sqs.New(w)
	w.Add(queues.Core())
	w.Add(sns.New(w, queues).Core())
	w.Add(dynamodb.New(w).Core())
	metrics := cloudwatch.New(w, nil)
	w.Add(metrics.Core())
	groups := logs.New(w, metrics)
	w.Add(groups.Core())
	functions := lambda.New(w, lambda.Deps{Roles: roles{s.IAM, w}, Logs: groups, Metrics: metrics})
	w.Add(functions.Core())
	w.Add(events.New(w, functions, metrics).Core())
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
