package policy

import (
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// SampleAccount is the account of samples: AWS's documentation uses it, nobody
// owns it.
const SampleAccount = "123456789012"

// Sample is an Input of a lab of lt that begins at start and is as long as it may
// be, in an account that does not exist: for those who want to see, or to ask
// about, what a lab type renders to.
func Sample(lt fleet.LabType, start time.Time) Input {
	const iam, name = "arn:aws:iam::" + SampleAccount + ":", "kml-sample"
	return Input{Account: SampleAccount, UserName: name, UserARN: iam + "user" + FleetPath + name,
		BoundaryARN: iam + "policy" + FleetPath + "kml-boundary-sample", MemberRole: "OrganizationAccountAccessRole",
		LabType: lt, Start: start, End: start.Add(lt.MaxDuration)}
}
