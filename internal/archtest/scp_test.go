package archtest

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// maxSCP is what an SCP is designed to hold, in characters.
const maxSCP = 5120

func scp(t *testing.T, name string) *iameval.Policy {
	t.Helper()
	text := read(t, "deploy/aws/scp-"+name+".json")
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if compact.Len() > maxSCP {
		t.Errorf("scp-%s.json has %d characters, more than %d", name, compact.Len(), maxSCP)
	}
	p, err := iameval.Parse(text, iameval.SCP)
	if err != nil {
		t.Fatalf("scp-%s.json: %v", name, err)
	}
	return p
}

// TestGuardrails asks the evaluator what an administrator of a lab account and
// the fleet's role may do under the SCPs.
func TestGuardrails(t *testing.T) {
	t.Parallel()
	all, err := iameval.Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, iameval.SCP)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := iameval.Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, iameval.Identity)
	if err != nil {
		t.Fatal(err)
	}
	const account = "111111111111"
	student := iameval.Principal{ARN: "arn:aws:sts::" + account + ":assumed-role/admin/s", RoleARN: "arn:aws:iam::" + account + ":role/lab/admin", Account: account}
	fleet := iameval.Principal{ARN: "arn:aws:sts::" + account + ":assumed-role/OrganizationAccountAccessRole/kml",
		RoleARN: "arn:aws:iam::" + account + ":role/OrganizationAccountAccessRole", Account: account}
	iam := func(resource string) string { return "arn:aws:iam::" + account + ":" + resource }
	pool := [][]*iameval.Policy{{all}, {all, scp(t, "fleet"), scp(t, "never")}, {all}}
	quarantine := [][]*iameval.Policy{{all}, {all, scp(t, "fleet"), scp(t, "never")}, {all, scp(t, "quarantine")}}
	lockout := map[string][]string{"kms:BypassPolicyLockoutSafetyCheck": {"true"}}

	for _, c := range []struct {
		scps             [][]*iameval.Policy
		action, resource string
		context          map[string][]string
		student, fleet   bool
	}{
		{pool, "ec2:RunInstances", "*", nil, true, true},
		{pool, "iam:CreateRole", iam("role/lab/r"), nil, true, true},
		{pool, "iam:GetUser", iam("user/kml/lab"), nil, true, true},
		{pool, "iam:CreateUser", iam("user/kml/mine"), nil, false, true},
		{pool, "iam:CreatePolicyVersion", iam("policy/kml/boundary"), nil, false, true},
		{pool, "iam:SetDefaultPolicyVersion", iam("policy/kml/boundary"), nil, false, true},
		{pool, "iam:CreateAccessKey", iam("user/kml/lab"), nil, false, true},
		{pool, "iam:UpdateAssumeRolePolicy", iam("role/OrganizationAccountAccessRole"), nil, false, true},
		{pool, "sts:AssumeRole", iam("role/OrganizationAccountAccessRole"), nil, false, true},
		{pool, "account:PutAlternateContact", "*", nil, false, true},
		{pool, "iam:CreateAccountAlias", "*", nil, false, true},
		{pool, "iam:GetAccountPasswordPolicy", "*", nil, true, true},
		{pool, "ec2:GetEbsEncryptionByDefault", "*", nil, true, true},
		{pool, "ec2:DisableEbsEncryptionByDefault", "*", nil, false, true},
		{pool, "s3:PutAccountPublicAccessBlock", "*", nil, false, true},
		{pool, "organizations:LeaveOrganization", "*", nil, false, false},
		{pool, "ec2:PurchaseReservedInstancesOffering", "*", nil, false, false},
		{pool, "ec2:LockSnapshot", "*", nil, false, false},
		{pool, "s3:PutBucketObjectLockConfiguration", "arn:aws:s3:::b", nil, false, false},
		{pool, "s3:CreateBucket", "arn:aws:s3:::b", nil, true, true},
		{pool, "rolesanywhere:CreateProfile", "*", nil, false, true},
		{pool, "rolesanywhere:DeleteProfile", "*", nil, false, true},
		{pool, "kms:CreateKey", "*", nil, true, true},
		{pool, "kms:CreateKey", "*", lockout, false, false},
		{quarantine, "s3:ListAllMyBuckets", "*", nil, false, true},
		{quarantine, "ec2:TerminateInstances", "*", nil, false, true},
		{quarantine, "ec2:LockSnapshot", "*", nil, false, false},
	} {
		for who, p := range map[string]struct {
			iameval.Principal
			want bool
		}{"student": {student, c.student}, "fleet": {fleet, c.fleet}} {
			d := iameval.Evaluate(iameval.Request{Action: c.action, Resource: c.resource, Principal: p.Principal, Context: c.context},
				iameval.Policies{SCPs: c.scps, Identity: []iameval.Attached{{Policy: admin}}})
			if d.Allowed != p.want {
				t.Errorf("%s: %s on %s: allowed %v, want %v (%s %s)", who, c.action, c.resource, d.Allowed, p.want, d.By, d.Statement)
			}
		}
	}
}

// TestTerraform reads the bootstrap with terraform where a machine has it; where
// the provider can be had too, it is validated against the provider's schema.
func TestTerraform(t *testing.T) {
	t.Parallel()
	bin, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("no terraform on this machine")
	}
	dir := filepath.Join(root, "deploy/aws")
	if out, err := exec.CommandContext(t.Context(), bin, "fmt", "-check", "-diff", "-no-color", dir).CombinedOutput(); err != nil {
		t.Fatalf("terraform fmt: %v\n%s", err, out)
	}
	data := t.TempDir()
	run := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), bin, args...)
		cmd.Dir, cmd.Env = data, os.Environ()
		return cmd.CombinedOutput()
	}
	if err := os.CopyFS(data, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	init := []string{"init", "-no-color", "-backend=false"}
	if plugins := os.Getenv("KML_TF_PLUGINS"); plugins != "" { // a folder with the provider
		init = append(init, "-plugin-dir", plugins)
	}
	if out, err := run(init...); err != nil {
		if !strings.Contains(string(out), "provider") {
			t.Fatalf("terraform init: %v\n%s", err, out)
		}
		t.Skip("the provider cannot be had here: formatted, not validated")
	}
	if out, err := run("validate", "-no-color"); err != nil {
		t.Fatalf("terraform validate: %v\n%s", err, out)
	}
}
