package awssim

import (
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
	buckets := s3.New(w, s3.Options{})
	w.Add(buckets.Core())
	queues := sqs.New(w)
	w.Add(queues.Core())
	topics := sns.New(w, queues)
	w.Add(topics.Core())
	w.Add(dynamodb.New(w).Core())
	metrics := cloudwatch.New(w, topics)
	w.Add(metrics.Core())
	groups := logs.New(w, metrics)
	w.Add(groups.Core())
	functions := lambda.New(w, lambda.Deps{Roles: roles{s.IAM, w}, Logs: groups, Metrics: metrics, Network: machines, Objects: buckets})
	w.Add(functions.Core())
	w.Add(events.New(w, functions, map[string]events.Sender{"sqs": toQueues{queues}, "sns": toTopics{topics}}, metrics).Core())
}
