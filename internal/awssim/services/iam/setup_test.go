package iam_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
	"github.com/kodekloud/kml/internal/awssim/services/sts"
)

const (
	account  = "111111111111"
	other    = "222222222222"
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	denyAll  = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`
	trustOwn = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}`
)

// bundle is a world of two accounts with an administrator in the first.
type bundle struct {
	w     *core.World
	iam   *iam.IAM
	url   string
	admin *awsiam.Client
	sts   *awssts.Client
}

func setup(t *testing.T, o core.Options) *bundle {
	t.Helper()
	w := core.NewWorld(o)
	b := &bundle{w: w, iam: iam.New(w)}
	sts.New(w, b.iam)
	var creds iam.Credentials
	w.Do(func() {
		w.Clock.Freeze(time.Now()) // the SDK signs with the machine's time
		b.iam.AddAccount(account, "one")
		b.iam.AddAccount(other, "two")
		var err error
		if creds, err = b.iam.AddUser(account, "/", "admin", allowAll); err != nil {
			t.Fatal(err)
		}
	})
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	b.url = srv.URL
	b.admin, b.sts = b.clients(creds.AccessKeyID, creds.SecretAccessKey, "")
	return b
}

func (b *bundle) config(id, secret, token string) aws.Config {
	return aws.Config{Region: "eu-west-1", BaseEndpoint: &b.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token)}
}

func (b *bundle) clients(id, secret, token string) (*awsiam.Client, *awssts.Client) {
	cfg := b.config(id, secret, token)
	return awsiam.NewFromConfig(cfg), awssts.NewFromConfig(cfg)
}

// code is the AWS error code of err, "" for none.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func want(t *testing.T, what string, err error, wanted string) {
	t.Helper()
	if got := code(err); got != wanted {
		t.Fatalf("%s: error %q (%v); want %q", what, got, err, wanted)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// user makes a user with a policy and gives clients that sign as the user.
func (b *bundle) user(t *testing.T, name, policy string) (*awsiam.Client, *awssts.Client) {
	t.Helper()
	ctx := t.Context()
	must(b.admin.CreateUser(ctx, &awsiam.CreateUserInput{UserName: &name}))(t)
	if policy != "" {
		must(b.admin.PutUserPolicy(ctx, &awsiam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy}))(t)
	}
	k := must(b.admin.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: &name}))(t)
	return b.clients(*k.AccessKey.AccessKeyId, *k.AccessKey.SecretAccessKey, "")
}
