package s3_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kodekloud/kml/internal/awssim/services/s3"
)

func TestCommandLine(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	dir := t.TempDir()
	big := filepath.Join(dir, "big") // above the command line's threshold of 8 MB: multipart
	if err := os.WriteFile(big, bytes.Repeat([]byte("0123456789abcdef"), 9<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	b.cli("s3", "mb", "s3://from-the-shell")
	b.cli("s3", "cp", big, "s3://from-the-shell/dir/big")
	back := filepath.Join(dir, "back")
	b.cli("s3", "cp", "s3://from-the-shell/dir/big", back)
	want, _ := os.ReadFile(big)
	got, err := os.ReadFile(back)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("came back with %d bytes, %v; want %d", len(got), err, len(want))
	}
	if out := b.cli("s3", "ls", "s3://from-the-shell/"); !strings.Contains(out, "PRE dir/") {
		t.Errorf("ls = %q", out)
	}
	head, err := b.client(ada, region).HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String("from-the-shell"), Key: aws.String("dir/big")})
	if err != nil || !strings.HasSuffix(*head.ETag, `-2"`) {
		t.Errorf("head = %+v, %v", head, err)
	}
	if out := b.cli("s3api", "get-bucket-encryption", "--bucket", "from-the-shell"); !strings.Contains(out, "AES256") {
		t.Errorf("encryption = %s", out)
	}
	b.cli("s3", "rb", "--force", "s3://from-the-shell")
	if inv := b.w.Inventory(ada)[ada]; len(inv) != 0 {
		t.Errorf("left over: %+v", inv)
	}
}

func TestAccountBlockByCommandLine(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	// The client puts the account id before the host's name, so it needs one; a
	// proxy brings it here.
	b.env = []string{"HTTP_PROXY=" + b.url}
	b.url = "http://s3-control.test"
	b.cli("s3control", "put-public-access-block", "--account-id", ada, "--public-access-block-configuration", "BlockPublicPolicy=true")
	if out := b.cli("s3control", "get-public-access-block", "--account-id", ada); !strings.Contains(out, `"BlockPublicPolicy": true`) || !strings.Contains(out, `"BlockPublicAcls": false`) {
		t.Errorf("block = %s", out)
	}
	b.cli("s3control", "delete-public-access-block", "--account-id", ada)
}

const terraformMain = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "AKIA111111111111"
  secret_key                  = "secret"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  endpoints { s3 = "ENDPOINT" }
}
resource "aws_s3_bucket" "b" {
  bucket = "terraformed"
  tags   = { lab = "one" }
}
resource "aws_s3_bucket_versioning" "v" {
  bucket = aws_s3_bucket.b.id
  versioning_configuration { status = "Enabled" }
}
resource "aws_s3_bucket_server_side_encryption_configuration" "e" {
  bucket = aws_s3_bucket.b.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
  }
}
resource "aws_s3_bucket_public_access_block" "p" {
  bucket              = aws_s3_bucket.b.id
  block_public_policy = true
}
resource "aws_s3_object" "o" {
  bucket  = aws_s3_bucket.b.id
  key     = "hello"
  content = "world"
}
`

// Where Terraform and its provider are installed: apply, nothing to change, destroy.
func TestTerraform(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("terraform")
	if err != nil || testing.Short() {
		t.Skip("no terraform on this machine, or -short")
	}
	b := setup(t, s3.Options{})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(strings.Replace(terraformMain, "ENDPOINT", b.url, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), path, append([]string{"-chdir=" + dir}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("init", "-no-color"); err != nil {
		t.Skipf("the provider is not installed: %v\n%s", err, out)
	}
	for _, step := range [][]string{
		{"apply", "-auto-approve", "-no-color"},
		{"plan", "-detailed-exitcode", "-no-color"},
		{"destroy", "-auto-approve", "-no-color"},
	} {
		if out, err := run(step...); err != nil {
			t.Fatalf("terraform %v: %v\n%s", step, err, out)
		}
	}
	if inv := b.w.Inventory(ada)[ada]; len(inv) != 0 {
		t.Errorf("left over: %+v", inv)
	}
}
