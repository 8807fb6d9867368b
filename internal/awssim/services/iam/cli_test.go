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

// aws gives a function that runs the command line, which nobody here wrote.
func (b *bundle) aws(t *testing.T) func(wantErr string, args ...string) string {
	t.Helper()
	bin, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("no aws command line on this machine")
	}
	var c iam.Credentials
	b.w.Do(func() { c = b.iam.RootKey(account) })
	return func(wantErr string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), bin, append([]string{"--endpoint-url", b.url, "--region", "us-east-1", "--output", "json"}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+c.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+c.SecretAccessKey,
			"AWS_SESSION_TOKEN=", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1", "AWS_CONFIG_FILE="+filepath.Join(t.TempDir(), "none"))
		out, err := cmd.CombinedOutput()
		if failed := err != nil; failed != (wantErr != "") || !strings.Contains(string(out), wantErr) {
			t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	aws := setup(t, core.Options{}).aws(t)
	has := func(out, part string) {
		t.Helper()
		if !strings.Contains(out, part) {
			t.Fatalf("no %q in %s", part, out)
		}
	}
	has(aws("", "sts", "get-caller-identity"), `"arn:aws:iam::111111111111:root"`)
	has(aws("", "iam", "create-user", "--user-name", "ada", "--tags", "Key=a b,Value=ö"), `"UserName": "ada"`)
	has(aws("", "iam", "list-groups"), `"Groups": []`)
	aws("", "iam", "put-user-policy", "--user-name", "ada", "--policy-name", "p", "--policy-document", allowAll)
	has(aws("", "iam", "get-user-policy", "--user-name", "ada", "--policy-name", "p"), `"Effect": "Allow"`)
	aws("DeleteConflict", "iam", "delete-user", "--user-name", "ada")
	has(aws("", "iam", "list-users", "--max-items", "1"), "NextToken")
	has(aws("", "iam", "get-account-summary"), `"Users": 2`)
	aws("NoSuchEntity", "iam", "get-role", "--role-name", "none")
}
