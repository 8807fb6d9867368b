// Package policy renders every IAM document that a lab needs: the customer
// managed policies of a lab type, and the permissions boundary that ends the
// lab and keeps whatever the student makes inside it.
//
// Invariants:
//   - Rendering is pure: the same Input gives the same bytes, and nothing is
//     read but the Input.
//   - A document that AWS would refuse for its size is an error here.
//   - The boundary denies everything from Input.End on, whatever else is
//     attached, and [FrozenBoundary] denies everything at any time. An explicit
//     Deny of a boundary binds users, roles and all their sessions, and no
//     resource policy gets around it; an Allow that merely runs out would not.
//   - Principals that the student makes carry the same boundary, and live under
//     [LabPath]; nobody but the fleet writes under [FleetPath].
package policy

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

const (
	// FleetPath is the IAM path of what the fleet makes; students cannot write
	// there.
	FleetPath = "/kml/"
	// LabPath is the IAM path of the users and roles that students make.
	LabPath = "/lab/"
	// MaxPolicySize is IAM's limit of a managed policy in characters, white
	// space not counted.
	MaxPolicySize = 6144
	// MaxDocuments is how many policies a lab type may take: IAM attaches ten to
	// a user, and two stay free for whoever operates the account.
	MaxDocuments = 8
)

// Input is what documents are rendered for.
type Input struct {
	Account     string // 12 digits
	UserName    string // the student's user, made by the fleet
	UserARN     string // names the partition too
	BoundaryARN string
	MemberRole  string // name of the fleet's role in the account
	LabType     fleet.LabType
	// Start and End bound the lab; only [Boundary] looks at them. End is rounded
	// down to the second, the precision of aws:CurrentTime.
	Start, End time.Time
}

// Set is the documents of a lab type.
type Set struct {
	// Digest is a SHA-256 over names and documents, in hex: equal digests mean
	// that nothing has to be written again.
	Digest    string
	Documents []Document
}

// Document is one managed policy, to be made under [FleetPath].
type Document struct{ Name, Description, JSON string }

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// partition is the one of the ARNs given, "aws" if there are none.
func (in *Input) partition() string {
	for _, arn := range []string{in.UserARN, in.BoundaryARN} {
		if f := strings.SplitN(arn, ":", 3); len(f) == 3 && f[0] == "arn" && f[1] != "" {
			return f[1]
		}
	}
	return "aws"
}

// iam gives the ARNs of IAM resources of the account, such as role/lab/*.
func (in *Input) iam(resources ...string) list {
	out := make(list, len(resources))
	for i, r := range resources {
		out[i] = fmt.Sprintf("arn:%s:iam::%s:%s", in.partition(), in.Account, r)
	}
	return out
}

func (in *Input) check() error {
	switch {
	case !accountID.MatchString(in.Account):
		return &fleet.FieldError{Field: "account", Value: in.Account, Remedy: "give the 12 digits of the account"}
	case in.UserName == "":
		return &fleet.FieldError{Field: "user_name", Remedy: "name the student's user"}
	case len(in.LabType.Regions) == 0:
		return &fleet.FieldError{Field: "regions", Remedy: "name at least one Region"}
	case len(in.LabType.Services) == 0:
		return &fleet.FieldError{Field: "services", Remedy: "name at least one service, such as ec2"}
	}
	for i, s := range in.LabType.Services {
		if reason := refusal(s); reason != "" {
			return &fleet.FieldError{Field: fmt.Sprintf("services[%d]", i), Value: s, Remedy: reason}
		}
	}
	return nil
}

func (in *Input) checkBoundary() error {
	if err := in.check(); err != nil {
		return err
	}
	for _, f := range []struct{ field, value string }{{"user_arn", in.UserARN}, {"boundary_arn", in.BoundaryARN}} {
		if !strings.HasPrefix(f.value, "arn:") {
			return &fleet.FieldError{Field: f.field, Value: f.value, Remedy: "give the whole ARN"}
		}
	}
	switch {
	case in.MemberRole == "":
		return &fleet.FieldError{Field: "member_role", Remedy: "name the fleet's role in the account, so that students are kept off it"}
	case in.End.IsZero():
		return &fleet.FieldError{Field: "end", Remedy: "a lab without an end is not handed out"}
	case !in.End.After(in.Start):
		return &fleet.FieldError{Field: "end", Value: in.End.Format(time.RFC3339), Remedy: "give an end after the start " + in.Start.Format(time.RFC3339)}
	}
	return nil
}
