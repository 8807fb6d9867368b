package cleanup_test

import (
	"testing"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity/labtest"
)

// TestWholeLab: a lab that used everything comes back empty, its settings as
// AWS gives them, with evidence of all of it.
func TestWholeLab(t *testing.T) {
	t.Parallel()
	b := open(t, options{Options: labtest.Options{Options: core.Options{Seed: 1, StateDelay: 1}}})
	b.ended("everything", b.busy)
	b.clean()
	run, lines := b.run(), b.evidence()
	for _, kind := range []string{"sqs.queue", "ec2.vpc", "ec2.security_group", "iam.role", "iam.user", "lambda.function", "logs.group", "s3.bucket", "dynamodb.table", "sns.topic", "kml.user"} {
		if !has(lines, "deleted", kind) {
			t.Errorf("no evidence of the deletion of %s", kind)
		}
	}
	for _, wave := range run.Plan {
		for _, s := range wave.Services {
			for _, k := range s.Kinds {
				if !has(lines, "verified", k) {
					t.Errorf("no evidence of the verification of %s", k)
				}
			}
		}
	}
	for _, e := range lines {
		if e.Action == "failed" {
			t.Errorf("failed: %+v", e)
		}
	}
	if !has(lines, "frozen", "") || !has(lines, "planned", "ec2") || !has(lines, "stopped", "autoscaling.group") || !has(lines, "stopped", "ec2.instance") {
		t.Error("freeze, plan or stop left no evidence")
	}
	for _, u := range fleet.Units(run) {
		t.Errorf("a unit is due: %v", u)
	}
	t.Logf("rounds %d, units %d", run.Round, len(run.Units))
}
