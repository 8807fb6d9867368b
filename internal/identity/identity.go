// Package identity owns the temporary IAM user of an account: made ahead of
// need and powerless, made good for a lab until its end, frozen, deleted.
//
// The user carries one managed policy as its permissions boundary, under the
// path /kml/. Version 1 of it denies everything and is never deleted; a lab
// writes a dated version and makes it the default; freezing makes version 1 the
// default again, which stops the user, everything that it made (the boundary is
// required on it) and every session of any of them in one call.
//
// Invariants:
//   - A user name carries the epoch it was made in and is never used twice.
//   - A key that no document records is deleted before another is made: its
//     secret is lost, or somebody else has it.
//   - Secrets leave this package sealed, bound to account and epoch.
package identity

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/policy"
)

// AWS is what this package needs of awsclient.
type AWS interface {
	Mutator(ctx context.Context, t awsclient.Target, purpose string) (*awsclient.Session, error)
	Reader(ctx context.Context, t awsclient.Target) (*awsclient.Session, error)
	// Management gives a configuration that acts as an organization's management role.
	Management(ctx context.Context, org string) (aws.Config, error)
	// Static gives a configuration for long-term keys that the fleet probes.
	Static(keyID, secret, region string) aws.Config
}

// Machine is what this package needs of lifecycle.
type Machine interface {
	Move(ctx context.Context, a *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error)
	Edit(ctx context.Context, a *fleet.Account, mutate func(*fleet.Account)) (*fleet.Account, error)
}

// Sealer seals and opens secrets.
type Sealer interface {
	Seal(plaintext, purpose string) (fleet.Sealed, error)
	Open(s fleet.Sealed, purpose string) (string, error)
}

// LabTypes is what this package needs of labtype.
type LabTypes interface {
	// Get gives a lab type in force.
	Get(ctx context.Context, name string) (fleet.LabType, error)
	// Revision gives a lab type as a session was accepted with it.
	Revision(ctx context.Context, name string, revision int64) (fleet.LabType, error)
}

// Config is what a Service is made of.
type Config struct {
	Accounts fleet.Accounts
	Machine  Machine
	AWS      AWS
	Orgs     map[string]fleet.Organization
	LabTypes LabTypes
	Sealer   Sealer
	Clock    clock.Clock
	// SignInURL is the endpoint that makes links into the console, without a
	// slash at its end; "" is AWS's own of the organization's partition.
	SignInURL string
	// HTTP speaks to it; default is one with a timeout that follows no redirect.
	HTTP *http.Client
}

// Service makes, opens, freezes and deletes temporary users.
type Service struct{ Config }

// New makes a Service.
func New(c Config) *Service {
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: signInTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &Service{c}
}

const (
	epochTag = "kml:epoch"
	frozen   = "v1" // the boundary's version that denies everything
)

func target(a *fleet.Account) awsclient.Target {
	return awsclient.Target{Org: a.Org, AccountID: a.ID, OU: a.OU, Epoch: a.Epoch}
}

// partition is the one of the account's organization: aws, aws-cn, aws-us-gov.
func (s *Service) partition(a *fleet.Account) string {
	if parts := strings.SplitN(s.Orgs[a.Org].ManagementRole, ":", 3); len(parts) == 3 {
		return parts[1]
	}
	return "aws"
}

func sealPurpose(account string, epoch int64) string {
	return "account/" + account + "/" + strconv.FormatInt(epoch, 10)
}

// names of what an epoch makes. The time of the state's entry is part of them,
// so that an account that left and came back does not start over with old names.
func userName(a *fleet.Account) string     { return fmt.Sprintf("kml-%d-%x", a.Epoch, a.Since.Unix()) }
func boundaryName(a *fleet.Account) string { return "kml-boundary-" + userName(a)[4:] }

func tags(a *fleet.Account) []types.Tag {
	return []types.Tag{{Key: aws.String(epochTag), Value: aws.String(userName(a))}}
}

// ours says whether the tags are those of a's epoch: only then does
// EntityAlreadyExists mean that an earlier try of ours succeeded.
func ours(ts []types.Tag, a *fleet.Account) bool {
	for _, t := range ts {
		if aws.ToString(t.Key) == epochTag && aws.ToString(t.Value) == userName(a) {
			return true
		}
	}
	return false
}

func (s *Service) input(a *fleet.Account, lt fleet.LabType, user *fleet.User, end time.Time) policy.Input {
	return policy.Input{Account: a.ID, UserName: user.Name, UserARN: user.ARN, BoundaryARN: user.BoundaryARN,
		MemberRole: s.Orgs[a.Org].MemberRole, LabType: lt, Start: s.Clock.Now().UTC(), End: end}
}

// closeSession gives the session's lease back even when the step's context ended.
func closeSession(ctx context.Context, sess *awsclient.Session) error {
	cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return sess.Close(cctx)
}

func client(sess *awsclient.Session) *iam.Client { return iam.NewFromConfig(sess.Config("")) }
