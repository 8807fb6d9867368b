package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kodekloud/kml/internal/app"
	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/dev"
	"github.com/kodekloud/kml/internal/fleet"
)

var then = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// failed writes an account that failed.
func failed(t *testing.T, a *app.App, parts *dev.Fleet) *fleet.Account {
	t.Helper()
	org := parts.Sim.Seeded.Organizations[0]
	acct := &fleet.Account{ID: org.Units[0].Accounts[0], Name: "lab-1", Org: org.Name, OU: org.Units[0].ID, Purpose: fleet.Production,
		State: fleet.Failed, Reason: "a bucket policy denies everybody", Version: 1, Epoch: 3, Since: then, Failures: 8, LastFailure: "DeleteBucket: AccessDenied"}
	if err := a.DB.Accounts().Insert(t.Context(), acct); err != nil {
		t.Fatal(err)
	}
	return acct
}

// has runs the command, which must succeed and print lines with these parts.
func has(t *testing.T, args []string, lines ...[]string) {
	t.Helper()
	out, err := kml(t, args...)
	if err != nil {
		t.Fatalf("kml %v: %v", args, err)
	}
	for _, parts := range lines {
		if !oneLineHas(out, parts) {
			t.Errorf("kml %v: no line with %q in\n%s", args, parts, out)
		}
	}
}

// refuses runs the command, which must fail with all of these parts.
func refuses(t *testing.T, args []string, parts ...string) {
	t.Helper()
	out, err := kml(t, args...)
	if err == nil {
		t.Fatalf("kml %v: no error\n%s", args, out)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("kml %v: no %q in %q", args, p, err)
		}
	}
}

func TestAccount(t *testing.T) {
	a, parts := start(t)
	acct := failed(t, a, parts)
	has(t, []string{"account", "show", acct.ID}, []string{acct.ID, "lab-1"}, []string{"state", "failed", "2026-05-04T12:00:00Z"},
		[]string{"reason", acct.Reason}, []string{"failures", "8", acct.LastFailure})
	refuses(t, []string{"account", "show", "000000000000"}, "000000000000", "not found")

	refuses(t, []string{"account", "evidence", acct.ID}, acct.ID, "never cleaned")
	newRun := &fleet.CleaningRun{ID: acct.ID + "/3", AccountID: acct.ID, Epoch: 3, LabType: "s3-website", Reason: "the lab ended", Version: 1,
		Phase: fleet.PhaseVerify, Round: 2, StartedAt: then, FrozenAt: then.Add(3 * time.Second)}
	if err := a.DB.Cleanings().Insert(t.Context(), newRun); err != nil {
		t.Fatal(err)
	}
	if err := a.DB.Cleanings().AddEvidence(t.Context(), []fleet.Evidence{{ID: "1", RunID: newRun.ID, Account: acct.ID, At: then.Add(5 * time.Second),
		Phase: "sweep", Action: "deleted", Kind: "s3.bucket", Region: "eu-west-1", Resource: "a-bucket", Detail: "with 3 objects"}}); err != nil {
		t.Fatal(err)
	}
	has(t, []string{"account", "evidence", acct.ID}, []string{"cleaning", newRun.ID, "the lab ended"}, []string{"verify", "round 2"}, []string{"frozen", "2026-05-04T12:00:03Z"},
		[]string{"done", " -"}, []string{"12:00:05.000", "sweep", "deleted", "s3.bucket", "eu-west-1", "a-bucket", "with 3 objects"})

	release := []string{"account", "release", acct.ID, "--reason"}
	refuses(t, release[:3], "reason")
	refuses(t, append(release, " "), "--reason", "reason")
	has(t, append(release, "policy taken off by hand"))
	got, err := a.DB.Accounts().Get(t.Context(), acct.ID)
	if err != nil || got.State != fleet.Cleanup || got.Failures != 0 {
		t.Fatalf("released: %+v %v", got, err)
	}
	has(t, []string{"account", "show", acct.ID}, []string{"state", "account_cleanup"}, []string{"failed", "account_cleanup", who(), "policy taken off by hand"})
	refuses(t, append(release, "again"), acct.ID, "only failed")
}

// A dry run names what a student left, and touches nothing.
func TestAccountDryRun(t *testing.T) {
	a, parts := start(t)
	parts.Sim.World.SetLatency(nil)
	acct := failed(t, a, parts)
	sess, err := a.AWS.Mutator(t.Context(), awsclient.Target{Org: acct.Org, AccountID: acct.ID, OU: acct.OU, Epoch: acct.Epoch}, "test")
	if err != nil {
		t.Fatal(err)
	}
	users := iam.NewFromConfig(sess.Config(""))
	if _, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("back-door")}); err != nil {
		t.Fatal(err)
	}
	has(t, []string{"account", "dry-run", acct.ID}, []string{"planned", "iam.user", "back-door"})
	_, err = users.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("back-door")})
	if err := errors.Join(err, sess.Close(t.Context())); err != nil {
		t.Fatalf("the dry run touched it: %v", err)
	}
	refuses(t, []string{"account", "dry-run", "000000000000"}, "000000000000", "not found")
}

func TestLab(t *testing.T) {
	a, parts := start(t)
	has(t, []string{"lab", "list"}, []string{"SESSION", "STATE"})
	acct := failed(t, a, parts)
	for _, s := range []*fleet.Session{
		{ID: "b", RequestID: "r1", State: fleet.SessionWaiting, RequestedAt: then},
		{ID: "a", RequestID: "r2", State: fleet.SessionActive, RequestedAt: then.Add(time.Minute), AccountID: acct.ID, EndsAt: then.Add(time.Hour)},
		{ID: "c", RequestID: "r3", State: fleet.SessionEnded, RequestedAt: then},
	} {
		s.LabType, s.Student, s.Purpose, s.Version = "ec2-basics", s.ID+"@example.org", fleet.Production, 1
		if err := a.DB.Sessions().Insert(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	out, err := kml(t, "lab", "list")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 || !oneLineHas(lines[1], []string{"b", "waiting", "ec2-basics", "b@example.org", "-"}) ||
		!oneLineHas(lines[2], []string{"a", "active", acct.ID, "2026-05-04T13:00:00Z"}) {
		t.Errorf("labs:\n%s", out)
	}
	refuses(t, []string{"lab", "end", "b"}, "reason")
	refuses(t, []string{"lab", "end", "none", "--reason", "x"}, "none", "not found")
	for id, want := range map[string]fleet.SessionState{"b": fleet.SessionCancelled, "a": fleet.SessionEnded} {
		has(t, []string{"lab", "end", id, "--reason", "the school is closed"})
		s, err := a.DB.Sessions().Get(t.Context(), id)
		if err != nil || s.State != want || s.Reason != "ended by "+who()+": the school is closed" {
			t.Errorf("ended: %+v %v", s, err)
		}
	}
	has(t, []string{"lab", "end", "b", "--reason", "twice is once"})
}

func TestLabType(t *testing.T) {
	a, _ := start(t)
	off := func() bool {
		st, err := a.DB.LabTypes().Status(t.Context(), "serverless")
		if err != nil {
			t.Fatal(err)
		}
		if st.Off && st.Reason != "Lambda is down" {
			t.Errorf("the reason is %q", st.Reason)
		}
		return st.Off
	}
	refuses(t, []string{"labtype", "off", "serverless"}, "reason")
	refuses(t, []string{"labtype", "off", "severless", "--reason", "a slip"}, "severless", "known lab types", "serverless")
	has(t, []string{"labtype", "off", "serverless", "--reason", "Lambda is down"})
	if !off() {
		t.Error("the lab type is on")
	}
	has(t, []string{"labtype", "on", "serverless", "--reason", "Lambda is back"})
	if off() {
		t.Error("the lab type is off")
	}
}
