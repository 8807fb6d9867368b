package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/apitypes"
)

// What is printed is sourced by a real shell, and comes out as it went in.
func TestEnvIsSourced(t *testing.T) {
	t.Parallel()
	for _, nasty := range []string{"plain", "", " ", "'", `"`, `\`, "$HOME", "`id`", "$(id)", "a;b", "a\nb", "a b", "*", "~", "é", "-n", "#", "!x", "a'b\"c\\d$e"} {
		got := apitypes.Credentials{AccessKeyID: "AKID", SecretAccessKey: nasty, Regions: []string{"eu-west-1"}, EndsAt: t0}
		lines, err := envLines("lab-1", got)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "env")
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), "sh", "-c", `. "$0"; printenv AWS_SECRET_ACCESS_KEY; printenv AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL; printenv AWS_REGION`, file)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "AWS_SESSION_TOKEN=stray", "AWS_PROFILE=stray", "AWS_ENDPOINT_URL=stray"}
		out, err := c.CombinedOutput()
		if err != nil || string(out) != nasty+"\neu-west-1\n" {
			t.Errorf("%q came out as %q, %v", nasty, out, err)
		}
	}
}

func TestNoAccessKey(t *testing.T) {
	t.Parallel()
	if _, err := envLines("lab-1", apitypes.Credentials{Password: "p"}); exitCode(err) != exitFailed || !strings.Contains(remedy(err), "labs link lab-1") {
		t.Errorf("%v: %s", err, remedy(err))
	}
}

func TestShell(t *testing.T) {
	t.Parallel()
	s := start(t)
	r := s.kmlctl(t, outside{in: strings.NewReader("printenv AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; echo $KML_API_KEY$AWS_SESSION_TOKEN; exit 3\n"),
		env: []string{"SHELL=/bin/sh", "AWS_SESSION_TOKEN=stray", "AWS_ACCESS_KEY_ID=stray"}}, "labs", "shell", "lab-1")
	if want := "AKIDEXAMPLE\n" + `it's "$HOME" \ & co` + "\n\n"; r.out != want || r.code != 3 {
		t.Errorf("code %d, %q", r.code, r.out)
	}
	if !strings.Contains(r.err, "until 2026-11-21T13:21:00Z (in 1h21m)") {
		t.Errorf("hint %q", r.err)
	}
	if r := s.kmlctl(t, outside{}, "labs", "shell", "lab-1", "--", "/no/such/program"); r.code != exitFailed {
		t.Errorf("a program that is not there: %d", r.code)
	}
}

func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		r := s.kmlctl(t, outside{}, "completion", shell)
		if r.code != exitOK || !strings.Contains(r.out, "kmlctl") {
			t.Fatalf("%s: %d %s", shell, r.code, r.err)
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			continue // its syntax cannot be checked here
		}
		c := exec.CommandContext(t.Context(), path, "-n")
		c.Stdin = strings.NewReader(r.out)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}

func TestCompletions(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"labs get ": "lab-1\tec2-basics, ada@example.org, active", "labs end lab-": "lab-1", "labs request --type ": "ec2-basics\tEC2 basics",
		"accounts get 1": "123456789012", "labtypes test e": "ec2-basics", "orgs get ": "alpha", "bookings get ": "b-1", "webhooks get ": "w-1", "keys get ": "k1", "queues pause ": "critical",
		"labs list -o ": "json", "queues tasks critical --state ": "archived",
	} {
		s := start(t)
		r := s.kmlctl(t, outside{}, append([]string{"__complete"}, strings.Split(line, " ")...)...)
		if !strings.Contains(r.out, want) || strings.Contains(r.out, "\x1b") {
			t.Errorf("%s completes %q", line, r.out)
		}
	}
	down := start(t)
	down.Close()
	if r := down.kmlctl(t, outside{}, "__complete", "labs", "get", ""); strings.Contains(r.out, "lab-") {
		t.Errorf("without a server: %q", r.out)
	}
}
