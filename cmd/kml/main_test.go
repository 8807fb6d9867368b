package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/app"
	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/config"
	"github.com/kodekloud/kml/internal/dev"
)

// asCommand makes this test binary the command itself, for its exit code.
const asCommand = "RUN_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	for _, kv := range os.Environ() { // a developer's own fleet is no part of the tests
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "KML_") {
			if err := os.Unsetenv(name); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

// kml runs the command in this process and gives what it prints.
func kml(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	c := rootCommand()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.ExecuteContext(ctx)
	return out.String(), err
}

// environment writes the organizations of c and gives the environment of a
// process that uses it.
func environment(t *testing.T, c config.Config, s awssim.Seeded) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "organizations.yaml")
	if err := dev.WriteOrganizations(c, file); err != nil {
		t.Fatal(err)
	}
	return dev.Environment(c, s, file)
}

// start starts the embedded parts, points this process at them and opens the
// fleet for the test's own eyes.
func start(t *testing.T) (*app.App, *dev.Fleet) {
	t.Helper()
	parts, err := dev.Start(t.Context(), dev.World{Accounts: 2, Warm: 1, Seed: 1}, ":memory:", ":memory:", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := parts.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, kv := range environment(t, parts.Config, parts.Sim.Seeded) {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	a, err := app.Open(t.Context(), parts.Config, zerolog.Nop(), &parts.Base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a, parts
}

const secret = "hunter2hunter2"

// goodEnvironment is a whole environment; nothing listens there.
func goodEnvironment(t *testing.T) []string {
	t.Helper()
	c := dev.Config("mongodb://kml:"+secret+"@127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1", bytes.Repeat([]byte{7}, 32), dev.Organizations(awssim.Seeded{
		Organizations: []awssim.SeededOrganization{{Name: "alpha", ManagementAccount: "111111111111", ManagementRole: "arn:aws:iam::111111111111:role/KML",
			MemberRole: "Member", Units: []awssim.SeededUnit{{Name: "production", ID: "ou-ab12-1"}}}}}, 1, nil))
	c.Redis.Password = secret
	return environment(t, c, awssim.Seeded{})
}

// run runs the command as a process with this environment alone.
func run(t *testing.T, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...) // #nosec: this very binary
	cmd.Env = append([]string{asCommand + "=1"}, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	good := goodEnvironment(t)
	if out, errs, code := run(t, good, "config", "check"); code != 0 || errs != "" || !strings.Contains(out, "good") {
		t.Errorf("a good configuration: exit code %d\n%s%s", code, out, errs)
	}
	bad := append(good, "KML_WORKER_BULK=many", "KML_SETTLE=-3s", "KML_TYPO="+secret, "KML_SEAL_KEYS="+secret)
	out, errs, code := run(t, bad, "config", "check")
	if code == 0 || out != "" {
		t.Errorf("a bad configuration: exit code %d\n%s", code, out)
	}
	// Everything at once: the key, what it is, what to do.
	for _, want := range [][]string{{"KML_WORKER_BULK", "many", "whole number"}, {"timing.settle (KML_SETTLE)", "-3s", "above zero"},
		{"KML_TYPO", "no such variable"}, {"KML_SEAL_KEYS", "openssl rand"}} {
		if !oneLineHas(errs, want) {
			t.Errorf("no line with %q in\n%s", want, errs)
		}
	}
	if strings.Contains(errs, secret) {
		t.Errorf("a secret is told:\n%s", errs)
	}
	file := filepath.Join(t.TempDir(), "kml.yaml")
	if err := os.WriteFile(file, []byte("redis:\n  adr: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := run(t, good, "config", "check", "--config", file); code == 0 || !oneLineHas(errs, []string{"kml.yaml:2:", "adr", "no such key"}) {
		t.Errorf("a bad file: exit code %d\n%s", code, errs)
	}
}

func oneLineHas(text string, parts []string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			return true
		}
	}
	return false
}

func TestConfigPrint(t *testing.T) {
	t.Parallel()
	out, errs, code := run(t, goodEnvironment(t), "config", "print")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, want := range []string{"uri: mongodb://***@127.0.0.1:1", "password: '***'", "keys: dev:***", "name: alpha", "settle: 1s"} {
		if !strings.Contains(strings.ReplaceAll(out, `"`, "'"), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out+errs, secret) || strings.Contains(out+errs, "BwcHBwcH") { // the key in base64
		t.Errorf("a secret is told:\n%s", out)
	}
}

// A role and an operator's command end with a line that says what is not there.
func TestMissingParts(t *testing.T) {
	t.Parallel()
	env := append(goodEnvironment(t), "KML_MONGO_URI=mongodb://kml:"+secret+"@127.0.0.1:1/?serverSelectionTimeoutMS=100")
	_, errs, code := run(t, env, "lab", "list")
	if code == 0 || !strings.Contains(errs, "KML_MONGO_URI") || strings.Contains(errs, secret) {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
