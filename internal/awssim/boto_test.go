package awssim_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// TestBoto plays testdata/smoke.py, which uses boto3's resources, transfers and
// waiters; afterwards it has left nothing but a function's logs.
func TestBoto(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil || exec.CommandContext(t.Context(), python, "-c", "import boto3").Run() != nil {
		t.Skip("no python3 with boto3 on this machine")
	}
	b := newMember(t, core.Options{Seed: 7})
	role, err := iam.NewFromConfig(b.cfg).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("fn"), AssumeRolePolicyDocument: aws.String(trustLambda)})
	ok(t, err)
	before := strings.Join(b.inventory(), "\n")
	cmd := exec.CommandContext(t.Context(), python, "testdata/smoke.py", b.account, *role.Role.Arn)
	cmd.Env = b.env(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if after := strings.Join(b.inventory(), "\n"); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}
