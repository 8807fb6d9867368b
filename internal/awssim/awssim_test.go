package awssim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/simadmin"
)

func start(t *testing.T, o core.Options) (*awssim.Server, aws.Config) {
	t.Helper()
	s, err := awssim.Start(awssim.Config{Options: o, Organizations: []awssim.Organization{
		{Name: "alpha", ManagementAccount: "111111111111", Units: []awssim.Unit{{Name: "production", Accounts: 25}}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	url := s.URL()
	return s, aws.Config{Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 3,
		Credentials: credentials.NewStaticCredentialsProvider(s.Seeded.Fleet.AccessKeyID, s.Seeded.Fleet.SecretAccessKey, "")}
}

// assume gives a configuration of a role's session.
func assume(t *testing.T, cfg aws.Config, role string) aws.Config {
	t.Helper()
	out, err := sts.NewFromConfig(cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("test")})
	if err != nil {
		t.Fatalf("assume %s: %v", role, err)
	}
	c := out.Credentials
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	return cfg
}

// TestFleetsWay walks the way by which the fleet reaches an account: its own
// user, the management role, the member role.
func TestFleetsWay(t *testing.T) {
	t.Parallel()
	s, base := start(t, core.Options{Seed: 7, Throttle: true})
	org := s.Seeded.Organizations[0]
	management := assume(t, base, org.ManagementRole)
	var n int
	pages := organizations.NewListAccountsForParentPaginator(organizations.NewFromConfig(management), &organizations.ListAccountsForParentInput{ParentId: &org.Units[0].ID})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += len(out.Accounts)
	}
	if n != 25 {
		t.Fatalf("listed %d accounts, want 25", n)
	}
	member := org.Units[0].Accounts[3]
	cfg := assume(t, management, "arn:aws:iam::"+member+":role/"+org.MemberRole)
	id, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *id.Account != member || !strings.Contains(*id.Arn, ":assumed-role/"+org.MemberRole+"/test") {
		t.Fatalf("identity = %v, %v", id, err)
	}
	if _, err := s3.NewFromConfig(cfg).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("a-bucket-of-the-test")}); err != nil {
		t.Fatal(err)
	}
	admin := simadmin.New(s.URL())
	inventory, err := admin.Inventory(t.Context(), member)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, r := range inventory[member] {
		found = found || r.Kind == "bucket" && r.ID == "a-bucket-of-the-test" && !r.Default
	}
	if !found {
		t.Fatalf("the oracle does not know the bucket: %v", inventory[member])
	}
	before := s.World.Clock.Now()
	if err := admin.Advance(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if s.World.Clock.Now().Sub(before) < time.Hour {
		t.Fatal("the clock did not move")
	}
}

// TestCloseTwice: whoever closes what a test has closed already must not wait
// for ever.
func TestCloseTwice(t *testing.T) {
	t.Parallel()
	s, err := awssim.Start(awssim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
