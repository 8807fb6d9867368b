package demo_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/app"
	"github.com/kodekloud/kml/internal/awssim/simadmin"
	"github.com/kodekloud/kml/internal/demo"
	"github.com/kodekloud/kml/internal/dev"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// open starts a whole fleet on embedded parts in this process.
func open(t *testing.T, accounts, warm int) (*app.App, demo.Fleet) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	parts, err := dev.Start(ctx, dev.World{Accounts: accounts, Warm: warm, Seed: 3, IAMDelay: 200 * time.Millisecond}, ":memory:", ":memory:",
		[]string{"ec2-basics", "iam-fundamentals", "messaging", "s3-website", "serverless"})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	a, err := app.Open(ctx, parts.Config, zerolog.New(io.Discard), &parts.Base)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.All(ctx, a.Worker, a.Scheduler) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the fleet ended with %v", err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if err := parts.Close(); err != nil {
			t.Error(err)
		}
	})
	return a, demo.Fleet{Queue: a.Queue, Sessions: a.DB.Sessions(), Accounts: a.DB.Accounts(), Runs: a.DB.Cleanings(), Activity: a.DB.Activity(),
		Assign: a.Assign, Sim: simadmin.New(parts.Sim.URL()), Endpoint: parts.Sim.URL()}
}

// TestClass plays a small class: the whole way of a lab, on real wires.
func TestClass(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Parallel()
	_, f := open(t, 12, 3)
	report, err := demo.Play(t.Context(), demo.Options{Students: 10, Accounts: 12, Warm: 6, Seed: 5, IAMDelay: 200 * time.Millisecond, Lab: 30 * time.Second},
		f, func(demo.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() || report.Served != 10 || report.CallsAfterEnd == 0 || report.ResourcesMade == 0 || report.BackDoors == 0 {
		t.Fatalf("the class: %+v", report)
	}
}

// TestCommandLine is the lab of a student who works with the aws command line.
func TestCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	aws, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("no aws command line on the PATH")
	}
	t.Parallel()
	a, f := open(t, 2, 1)
	session := request(t, f, "cli", "s3-website")
	creds, err := a.Assign.Reveal(t.Context(), session.ID)
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), aws, append([]string{"--endpoint-url", f.Endpoint, "--region", "us-east-1"}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+creds.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+creds.SecretKey, "AWS_SESSION_TOKEN=", "AWS_EC2_METADATA_DISABLED=true")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("s3api", "create-bucket", "--bucket", "a-bucket-by-the-command-line"); err != nil {
		t.Fatalf("an allowed call: %v\n%s", err, out)
	}
	if out, err := run("s3", "ls"); err != nil || !strings.Contains(out, "a-bucket-by-the-command-line") {
		t.Fatalf("an allowed call: %v\n%s", err, out)
	}
	if out, err := run("ec2", "describe-instances"); err == nil || !strings.Contains(out, "UnauthorizedOperation") {
		t.Fatalf("a forbidden call: %v\n%s", err, out)
	}
	if out, err := run("iam", "create-user", "--user-name", "intruder"); err == nil || !strings.Contains(out, "AccessDenied") {
		t.Fatalf("a forbidden call: %v\n%s", err, out)
	}
	if err := a.Assign.End(t.Context(), session.ID, "the test ends it"); err != nil {
		t.Fatal(err)
	}
	await(t, "the account to be frozen", func() bool {
		runs, err := f.Runs.Runs(t.Context(), session.AccountID, 1)
		if err != nil {
			t.Fatal(err)
		}
		return len(runs) == 1 && runs[0].SessionID == session.ID && !runs[0].FrozenAt.IsZero()
	})
	for _, args := range [][]string{{"s3", "ls"}, {"s3api", "list-buckets"}, {"sts", "get-caller-identity"}} {
		if out, err := run(args...); err == nil || !strings.Contains(out, "AccessDenied") && !strings.Contains(out, "InvalidAccessKeyId") && !strings.Contains(out, "InvalidClientTokenId") {
			t.Fatalf("aws %v after the end: %v\n%s", args, err, out)
		}
	}
}

// request asks for a lab and waits until it is there.
func request(t *testing.T, f demo.Fleet, id, labType string) *fleet.Session {
	t.Helper()
	task, err := tasks.NewAssign(tasks.Assign{RequestID: id, LabType: labType, Student: "ada@example.org", Duration: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Queue.EnqueueContext(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	var session *fleet.Session
	await(t, "the lab", func() bool {
		s, err := f.Sessions.ByRequest(t.Context(), id)
		session = s
		return err == nil && s.State == fleet.SessionActive
	})
	return session
}

// await looks until a thing in another goroutine is so; the test's own deadline
// ends it.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-deadline.C:
			t.Fatalf("waited too long for %s", what)
		case <-tick.C:
		}
	}
}
