package s3_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
	"github.com/kodekloud/kml/internal/awssim/services/s3"
)

const (
	ada    = "111111111111"
	bob    = "222222222222"
	region = "eu-west-1"
)

// rootOf before an account's id makes a key that of its root user.
const rootOf = "ROOT"

// people is a directory of users who may do everything in their own accounts:
// the access key of account N is AKIAN.
type people struct{ policy *iameval.Policy }

func (people) Lookup(key, _ string, _ time.Time) (string, *core.Principal, error) {
	account, ok := strings.CutPrefix(key, "AKIA")
	if !ok || len(account) < 12 {
		return "", nil, core.Errorf(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	}
	if account, root := strings.CutPrefix(account, rootOf); root {
		return "secret", &core.Principal{AccessKeyID: key, Principal: iameval.Principal{
			ARN: "arn:aws:iam::" + account + ":root", Account: account, UserID: account, Type: iameval.TypeRoot}}, nil
	}
	return "secret", &core.Principal{AccessKeyID: key, Principal: iameval.Principal{
		ARN: "arn:aws:iam::" + account + ":user/u", Account: account, UserName: "u", UserID: "AIDA" + account, Type: iameval.TypeUser}}, nil
}

func (p people) Policies(*core.Principal, time.Time) iameval.Policies {
	return iameval.Policies{Identity: []iameval.Attached{{Name: "p", Policy: p.policy}}}
}

// bench is a world with S3 in it, behind a real HTTP server.
type bench struct {
	t   testing.TB
	w   *core.World
	svc *s3.Service
	url string
	env []string // of the command line
}

func setup(t testing.TB, o s3.Options) *bench {
	t.Helper()
	p, err := iameval.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, iameval.Identity)
	if err != nil {
		t.Fatal(err)
	}
	w := core.NewWorld(core.Options{Seed: 1, StateDelay: time.Second})
	w.Directory = people{p}
	svc := s3.New(w, o)
	w.Add(svc.Core())
	w.Do(func() { w.AddAccount(&core.Account{ID: ada}); w.AddAccount(&core.Account{ID: bob}) })
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	return &bench{t: t, w: w, svc: svc, url: srv.URL}
}

// client is the real SDK in an account and Region.
func (b *bench) client(account, region string) *sdk.Client {
	return sdk.NewFromConfig(aws.Config{
		// Retries are on: an answer that comes within microseconds now and then
		// meets the SDK still closing the request's body, and it drops the
		// connection before it has read the answer.
		Region: region, BaseEndpoint: &b.url, RetryMaxAttempts: 3,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA"+account, "secret", ""),
	})
}

// bucket makes a bucket of Ada's in the bench's Region.
func (b *bench) bucket(name string) *sdk.Client {
	b.t.Helper()
	c := b.client(ada, region)
	b.make(c, name, region)
	return c
}

func (b *bench) make(c *sdk.Client, name, region string) {
	b.t.Helper()
	if err := create(b.t.Context(), c, name, region); err != nil {
		b.t.Fatalf("CreateBucket %s: %v", name, err)
	}
}

func create(ctx context.Context, c *sdk.Client, name, region string) error {
	in := &sdk.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = location(region)
	}
	_, err := c.CreateBucket(ctx, in)
	return err
}

func put(t testing.TB, c *sdk.Client, bucket, key, body string) *sdk.PutObjectOutput {
	t.Helper()
	out, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatalf("PutObject %s/%s: %v", bucket, key, err)
	}
	return out
}

// wantCode fails unless err is an answer of AWS with the code.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("error = %v; want code %s", err, code)
	}
}

// cli runs the aws command line as Ada, or skips the test where there is none.
func (b *bench) cli(args ...string) string {
	b.t.Helper()
	path, err := exec.LookPath("aws")
	if err != nil {
		b.t.Skip("no aws command line on this machine")
	}
	cmd := exec.CommandContext(b.t.Context(), path, append([]string{"--endpoint-url", b.url, "--region", region, "--output", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIA"+ada, "AWS_SECRET_ACCESS_KEY=secret", "AWS_MAX_ATTEMPTS=1",
		"AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
	cmd.Env = append(cmd.Env, b.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
