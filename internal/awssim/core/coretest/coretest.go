// Package coretest puts one simulated service behind a real HTTP server, with a
// user and nothing else, so that a service can be tried without IAM and STS.
package coretest

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// The one account and Region of a bench.
const (
	Account = "111111111111"
	Region  = "eu-west-1"
)

// Everything is a policy that allows all.
const Everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// Bench is a world with one account, one user, and its clock frozen at the time
// of its making.
type Bench struct {
	World  *core.World
	URL    string
	Config aws.Config
}

// New makes a bench whose user has the given policy document.
func New(t testing.TB, o core.Options, policy string, services ...func(*core.World) *core.Service) *Bench {
	t.Helper()
	p, err := iameval.Parse(policy, iameval.Identity)
	if err != nil {
		t.Fatalf("policy of the bench's user: %v", err)
	}
	w := core.NewWorld(o)
	w.Clock.Freeze(time.Now())
	w.Directory = oneUser{p}
	for _, s := range services {
		w.Add(s(w))
	}
	w.Do(func() { w.AddAccount(&core.Account{ID: Account}) })
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	return &Bench{World: w, URL: srv.URL, Config: aws.Config{
		Region: Region, BaseEndpoint: &srv.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
	}}
}

// Kinds counts the account's things by kind, as the oracle tells them.
func (b *Bench) Kinds() map[string]int {
	out := map[string]int{}
	for _, r := range b.World.Inventory(Account)[Account] {
		if !r.Default {
			out[r.Kind]++
		}
	}
	return out
}

// CLI runs the aws command line against the bench and gives what it prints; the
// test is skipped where there is none.
func (b *Bench) CLI(t testing.TB, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("no aws command line on this machine")
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{"--endpoint-url", b.URL, "--region", Region, "--output", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIATEST", "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "AWS_MAX_ATTEMPTS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// oneUser is a directory that knows a single key.
type oneUser struct{ policy *iameval.Policy }

func (oneUser) Lookup(key, _ string, _ time.Time) (string, *core.Principal, error) {
	if key != "AKIATEST" {
		return "", nil, core.Errorf(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	}
	return "secret", &core.Principal{AccessKeyID: key, Principal: iameval.Principal{
		ARN: "arn:aws:iam::" + Account + ":user/ada", Account: Account, UserName: "ada", UserID: "AIDATEST", Type: iameval.TypeUser}}, nil
}

func (d oneUser) Policies(*core.Principal, time.Time) iameval.Policies {
	return iameval.Policies{Identity: []iameval.Attached{{Name: "p", Policy: d.policy}}}
}
