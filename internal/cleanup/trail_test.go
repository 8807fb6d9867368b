package cleanup_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/cleanup"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity/labtest"
)

// topic is made by somebody whom the lab does not bind, as AWS's own services are.
func (b *bench) topic(region, name string) {
	b.Helper()
	b.did(sns.NewFromConfig(b.Root(b.id, region)).CreateTopic(b.Context(), &sns.CreateTopicInput{Name: &name}))
}

func delayed(least, most time.Duration) labtest.Options {
	return labtest.Options{Options: core.Options{Seed: 3, TrailDelay: core.Distribution{Min: least, Max: most}}}
}

// TestLateEvents: what the trail shows only after the sweep is planned late, and
// swept. Events come in any order, within the settle time of each other: what is
// later than that behind a marker nobody can know of.
func TestLateEvents(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]labtest.Options{"in order": delayed(3*time.Minute, 3*time.Minute), "in any order": delayed(2*time.Minute, 170*time.Second)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, options{Options: o})
			ended := b.ended("queues", func(a *fleet.Account) {
				b.queue(a, "eu-west-1", "work")
				b.topic("eu-west-1", "stranger")
				b.topic("us-east-1", "stranger") // where the lab cannot be
			})
			b.clean()
			lines, run := b.evidence(), b.run()
			if run.Full || run.Round < 2 || !has(lines, "deleted", "sns.topic") {
				t.Errorf("full %v, rounds %d", run.Full, run.Round)
			}
			if !slices.ContainsFunc(lines, func(e fleet.Evidence) bool {
				return e.Kind == "sns" && strings.HasPrefix(e.Detail, "late: the trail shows")
			}) {
				t.Error("no evidence of the late plan")
			}
			if least := ended.Since.Add(o.TrailDelay.Min); run.MarkedAt.Before(least) {
				t.Errorf("history counted as complete at %v, before %v", run.MarkedAt, least)
			}
		})
	}
}

// TestMarkerNeverComes: a full sweep stands in for a trail that does not catch up.
func TestMarkerNeverComes(t *testing.T) {
	t.Parallel()
	b := open(t, options{Options: delayed(100*time.Hour, 100*time.Hour)})
	ended := b.ended("queues", func(a *fleet.Account) {
		b.queue(a, "eu-west-1", "work")
		b.topic("us-east-1", "stranger")
	})
	b.clean()
	if run := b.run(); !run.Full || !run.MarkedAt.IsZero() {
		t.Errorf("the run is not full: %+v", run)
	}
	a := b.Account(b.id)
	if !a.SweptAt.After(ended.SweptAt) || a.RestedSince.Sub(ended.Since) < 5*time.Minute {
		t.Errorf("swept at %v, rested since %v", a.SweptAt, a.RestedSince)
	}
}

// TestTrailDenied: a history that cannot be read is no empty history.
func TestTrailDenied(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	a := b.ended("queues", nil)
	b.Faults(b.denied("LookupEvents"))
	if err := b.Begin(t.Context(), a.ID, a.Epoch); err == nil {
		t.Error("the plan was made without the trail")
	}
	if run := b.run(); run.Phase != fleet.PhasePlan || len(run.Plan) > 0 {
		t.Errorf("the run is %s with a plan of %d waves", run.Phase, len(run.Plan))
	}
	b.Faults()
	b.drive(func() bool { return b.run().Phase == fleet.PhaseSettle }, nil)
	b.Faults(b.denied("LookupEvents"))
	b.Sim.World.Clock.Advance(10 * time.Minute)
	if err := b.Settle(t.Context(), b.run().ID); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("settled without the trail: %v", err)
	}
	b.Faults()
	b.clean()
}

// TestDeniedCallsWidenNothing: what a student tried in vain elsewhere makes no
// further Region part of the cleaning.
func TestDeniedCallsWidenNothing(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	b.ended("queues", func(a *fleet.Account) {
		name := "elsewhere"
		if _, err := sns.NewFromConfig(b.Student(a, "us-east-1")).CreateTopic(b.Context(), &sns.CreateTopicInput{Name: &name}); err == nil {
			t.Fatal("the student is not bound")
		}
	})
	b.clean()
	if run := b.run(); !slices.Equal(run.Regions, []string{"eu-west-1"}) {
		t.Errorf("Regions %v", run.Regions)
	}
}

// TestLongHistory: a student who calls more often than anybody can look up gets
// a full sweep, at the plan or when late events come.
func TestLongHistory(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]time.Duration{"at the plan": 0, "late": 2 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, options{Options: delayed(delay, delay)})
			b.ended("queues", func(a *fleet.Account) {
				b.topic("us-east-1", "stranger")
				b.Sim.World.Do(func() {
					all := b.Sim.World.Trail.All(b.id)
					for range 3100 {
						e := *all[len(all)-1]
						e.AWSRegion = "eu-west-1"
						b.Sim.World.Trail.Add(b.id, &e)
					}
				})
			})
			b.clean()
			if run := b.run(); !run.Full {
				t.Error("the trail was trusted")
			}
		})
	}
}

// TestLateKindOfAPlannedService: one kind of Logs is planned since functions were
// seen, which make log groups; that must not hide the rest of Logs.
func TestLateKindOfAPlannedService(t *testing.T) {
	t.Parallel()
	b := open(t, options{})
	b.ended("queues", func(a *fleet.Account) {
		b.topic("eu-west-1", "stranger") // gives an event to copy
		b.Sim.World.Do(func() {
			all := b.Sim.World.Trail.All(b.id)
			e := *all[len(all)-1]
			e.EventSource, e.AWSRegion = "lambda.amazonaws.com", "eu-west-1"
			b.Sim.World.Trail.Add(b.id, &e)
			b.Sim.World.Options.TrailDelay = core.Distribution{Min: 2 * time.Minute, Max: 2 * time.Minute}
		})
		b.did(cloudwatchlogs.NewFromConfig(b.Root(b.id, "eu-west-1")).PutQueryDefinition(b.Context(), &cloudwatchlogs.PutQueryDefinitionInput{
			Name: aws.String("stranger"), QueryString: aws.String("fields @message")}))
	})
	b.drive(func() bool {
		a := b.Account(b.id)
		run, err := b.DB.Cleanings().Get(t.Context(), cleanup.RunID(a.ID, a.Epoch))
		return err == nil && run.Phase == fleet.PhaseVerify
	}, nil)
	if run := b.run(); run.Because["logs"] == "" {
		t.Fatalf("the premise is wrong: planned is %v", run.Because)
	}
	b.clean()
	if !has(b.evidence(), "deleted", "logs.query_definition") {
		t.Error("what came late is left")
	}
}
