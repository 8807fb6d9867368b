package s3_test

import (
	"bytes"
	"os"
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
