package labtest

import (
	"strconv"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// SealPurpose is what secrets of an account's user are bound to.
func SealPurpose(a *fleet.Account) string {
	return "account/" + a.ID + "/" + strconv.FormatInt(a.User.Epoch, 10)
}

// Principals is a lab whose students make users, roles and keys, and queues to
// prove them on, in two Regions.
func Principals() fleet.LabType {
	return fleet.LabType{
		Name: "principals", Regions: []string{"us-east-1", "eu-west-1"}, Services: []string{"iam", "sts", "sqs"},
		MaxDuration: 4 * time.Hour, Keys: true, Console: true, Probe: "sqs:ListQueues",
		Statements: []fleet.Statement{{Sid: "All", Effect: "Allow", Actions: []string{"iam:*", "sts:*", "sqs:*"}, Resources: []string{"*"}}},
	}
}

// Everything is a lab that may use every service which the simulated AWS has.
func Everything() fleet.LabType {
	services := []string{"iam", "sts", "sqs", "sns", "ec2", "autoscaling", "s3", "dynamodb", "lambda", "logs", "events", "cloudwatch"}
	lt := fleet.LabType{Name: "everything", Regions: []string{"us-east-1", "eu-west-1"}, Services: services, InstanceTypes: []string{"t3.micro"},
		MaxDuration: 4 * time.Hour, Keys: true, Probe: "sqs:ListQueues"}
	all := fleet.Statement{Sid: "All", Effect: "Allow", Resources: []string{"*"}}
	for _, s := range services {
		all.Actions = append(all.Actions, s+":*")
	}
	lt.Statements = []fleet.Statement{all}
	return lt
}

// Queues is a lab that is small and quickly clean: queues in one Region.
func Queues() fleet.LabType {
	return fleet.LabType{Name: "queues", Regions: []string{"eu-west-1"}, Services: []string{"sqs"}, MaxDuration: 4 * time.Hour, Keys: true, Probe: "sqs:ListQueues",
		Statements: []fleet.Statement{{Sid: "All", Effect: "Allow", Actions: []string{"sqs:*"}, Resources: []string{"*"}}}}
}
