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
