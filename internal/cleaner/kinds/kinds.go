package kinds

import (
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/cleaner"
)

var all []cleaner.Kind

func register(k cleaner.Kind) { all = append(all, k) }

// All gives every kind of this build.
func All() []cleaner.Kind { return slices.Clone(all) }

// Registry gives the kinds of this build in the order of their deletion.
func Registry() (*cleaner.Registry, error) { return cleaner.NewRegistry(all...) }

// fleetPath is the IAM path of what the fleet itself put into the account: the
// boundary, the lab's policies, the temporary user.
const fleetPath = "/kml/"

// kept gives the reason for which something of an IAM path stays, or "".
func kept(path string) string {
	switch {
	case strings.HasPrefix(path, fleetPath):
		return "the fleet's own"
	case strings.HasPrefix(path, "/aws-service-role/"):
		return "service-linked: AWS's own, some cannot be deleted"
	case strings.HasPrefix(path, "/aws-reserved/"):
		return "reserved by AWS"
	}
	return ""
}

// ofDefaultVPC is why the parts of the default VPC stay; that they are as AWS
// made them is the reset's job.
const (
	ofDefaultVPC = "part of the default VPC"
	goesWithVPC  = "goes with its VPC"
)

// runsUnderRoles are the kinds that act under roles made in the account.
var runsUnderRoles = []string{"autoscaling.group", "ec2.instance", "events.rule", "lambda.event_source_mapping", "lambda.function"}

// afterRoles gives runsUnderRoles and more.
func afterRoles(more ...string) []string { return append(more, runsUnderRoles...) }
