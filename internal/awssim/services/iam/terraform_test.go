package iam_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
)

const terraformConfig = `
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  region = "us-east-1"
  endpoints {
    iam = "URL"
    sts = "URL"
  }
}
resource "aws_iam_policy" "p" {
  name   = "p"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }] })
  tags   = { lab = "a" }
}
resource "aws_iam_user" "u" {
  name                 = "ada"
  path                 = "/kml/"
  permissions_boundary = aws_iam_policy.p.arn
  tags                 = { lab = "a" }
}
resource "aws_iam_user_policy" "u" {
  name   = "inline"
  user   = aws_iam_user.u.name
  policy = aws_iam_policy.p.policy
}
resource "aws_iam_user_policy_attachment" "u" {
  user       = aws_iam_user.u.name
  policy_arn = aws_iam_policy.p.arn
}
resource "aws_iam_access_key" "u" { user = aws_iam_user.u.name }
resource "aws_iam_group" "g" { name = "g" }
resource "aws_iam_user_group_membership" "m" {
  user   = aws_iam_user.u.name
  groups = [aws_iam_group.g.name]
}
resource "aws_iam_role" "r" {
  name = "r"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
  max_session_duration = 7200
}
resource "aws_iam_role_policy_attachment" "r" {
  role       = aws_iam_role.r.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}
resource "aws_iam_instance_profile" "i" {
  name = "i"
  role = aws_iam_role.r.name
}
resource "aws_iam_account_alias" "a" { account_alias = "lab-one" }
`

// TestTerraform applies a configuration, sees no drift, and destroys it: the
// provider reads back everything it wrote, so a field that is lost shows.
func TestTerraform(t *testing.T) {
	t.Parallel()
	bin, err := exec.LookPath("terraform")
	if err != nil || testing.Short() {
		t.Skip("no terraform on this machine, or -short")
	}
	b := setup(t, core.Options{})
	var c iam.Credentials
	b.w.Do(func() { c = b.iam.RootKey(account) })
	dir := t.TempDir()
	config := strings.ReplaceAll(terraformConfig, "URL", b.url)
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), bin, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+c.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+c.SecretAccessKey)
		return cmd.CombinedOutput()
	}
	init := []string{"init", "-no-color"}
	if dir := os.Getenv("KML_TF_PLUGINS"); dir != "" { // a folder with the provider
		init = append(init, "-plugin-dir", dir)
	}
	if out, err := run(init...); err != nil {
		t.Skipf("the provider is not installed: %v\n%s", err, out)
	}
	for _, step := range [][]string{
		{"apply", "-no-color", "-auto-approve"},
		{"plan", "-no-color", "-detailed-exitcode"}, // 2, a failure, when there is drift
		{"destroy", "-no-color", "-auto-approve"},
	} {
		if out, err := run(step...); err != nil {
			t.Fatalf("terraform %s: %v\n%s", step[0], err, out)
		}
	}
	for _, r := range b.w.Inventory(account)[account] {
		if r.ID != "admin" && r.Kind != "root-access-key" && r.Kind != "access-key" {
			t.Errorf("left: %+v", r)
		}
	}
}
