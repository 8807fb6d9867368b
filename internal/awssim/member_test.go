package awssim_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/awssim/core"
)

// member is an account of an organization in a served world, and the session of
// its administrator.
type member struct {
	*awssim.Server
	account string
	cfg     aws.Config
	boss    aws.Config // of the management account
}

func newMember(t *testing.T, o core.Options) *member {
	t.Helper()
	s, base := start(t, o)
	org := s.Seeded.Organizations[0]
	b := &member{Server: s, account: org.Units[0].Accounts[0]}
	b.boss = assume(t, base, org.ManagementRole)
	b.cfg = assume(t, b.boss, "arn:aws:iam::"+b.account+":role/"+org.MemberRole)
	b.cfg.Region = "eu-west-1"
	return b
}

// inventory names everything in the account, told by the oracle.
func (b *member) inventory() []string {
	var out []string
	for _, r := range b.World.Inventory(b.account)[b.account] {
		if !r.Default {
			out = append(out, fmt.Sprintf("%s %s %s %s", r.Service, r.Kind, r.Region, r.ID))
		}
	}
	return out
}

// env is the environment of a client that is pointed at the world by nothing
// else, whatever the environment of the test says of AWS.
func (b *member) env(t *testing.T) []string { return environment(t, b.cfg) }

// management is the same for the organization's management account.
func (b *member) management(t *testing.T) []string { return environment(t, b.boss) }

func environment(t *testing.T, cfg aws.Config) []string {
	t.Helper()
	keys, err := cfg.Credentials.Retrieve(t.Context())
	ok(t, err)
	var out []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "AWS_") {
			out = append(out, e)
		}
	}
	return append(out, "AWS_ENDPOINT_URL="+*cfg.BaseEndpoint, "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID="+keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey, "AWS_SESSION_TOKEN="+keys.SessionToken,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "NO_PROXY=*")
}
