package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Reported is reports with the stores that they sum up.
type Reported struct {
	fleet.Reports
	Sessions  fleet.Sessions
	Cleanings fleet.Cleanings
}

// Reports tests reports. open gives empty stores to each test.
func Reports(t *testing.T, open func(t *testing.T) Reported) {
	suite(t, open, map[string]func(*testing.T, context.Context, Reported){"Usage": usageOf, "OfNothing": usageOfNothing})
}

// day is a time on a day of November 2026, UTC.
func day(d, hour, minute int) time.Time { return time.Date(2026, 11, d, hour, minute, 0, 0, time.UTC) }

func usageOf(t *testing.T, ctx context.Context, r Reported) {
	for n, s := range []struct {
		state      fleet.SessionState
		lt, org    string
		start, end time.Time
	}{
		{fleet.SessionEnded, "ec2", "a", day(20, 9, 0), day(20, 10, 30)},
		{fleet.SessionEnded, "ec2", "a", day(20, 23, 30), day(20, 23, 59)},
		{fleet.SessionEnded, "ec2", "a", day(20, 23, 30), day(21, 0, 0)}, // counts on the day it ended
		{fleet.SessionEnded, "ec2", "b", day(20, 9, 0), day(20, 9, 1)},
		{fleet.SessionFailed, "ec2", "a", time.Time{}, day(20, 11, 0)},
		{fleet.SessionExpired, "s3", "", time.Time{}, day(20, 11, 0)},
		{fleet.SessionCancelled, "s3", "", time.Time{}, day(20, 11, 0)},
		{fleet.SessionActive, "s3", "a", day(20, 11, 0), time.Time{}},
		{fleet.SessionEnded, "ec2", "a", day(19, 9, 0), day(19, 10, 0)}, // before
		{fleet.SessionEnded, "ec2", "a", day(21, 23, 0), day(22, 0, 0)}, // after
	} {
		x := Session(n)
		x.State, x.LabType, x.Org, x.StartedAt, x.EndedAt = s.state, s.lt, s.org, s.start, s.end
		must(t, r.Sessions.Insert(ctx, x))
	}
	for n, c := range []struct {
		lt, org    string
		start, end time.Time
	}{
		{"ec2", "a", day(20, 11, 0), day(20, 11, 5)},
		{"ec2", "a", day(20, 12, 0), day(20, 12, 10)},
		{"", "b", day(20, 23, 50), day(21, 0, 10)}, // of no lab
		{"ec2", "a", day(20, 12, 0), time.Time{}},  // not done
		{"ec2", "a", day(22, 12, 0), day(22, 12, 1)},
	} {
		run := Run(n)
		run.ID, run.LabType, run.Org, run.StartedAt, run.DoneAt = fmt.Sprint("run/", n), c.lt, c.org, c.start, c.end
		must(t, r.Cleanings.Insert(ctx, run))
	}
	got, err := r.Usage(ctx, day(20, 0, 0), day(22, 0, 0))
	must(t, err)
	equal(t, "usage", got, []fleet.Usage{
		{Day: "2026-11-20", LabType: "ec2", Org: "a", Labs: 2, Minutes: 119, Failed: 1, Cleanings: 2, Cleaning: 15 * time.Minute},
		{Day: "2026-11-20", LabType: "ec2", Org: "b", Labs: 1, Minutes: 1},
		{Day: "2026-11-20", LabType: "s3", Expired: 1, Cancelled: 1},
		{Day: "2026-11-21", LabType: "", Org: "b", Cleanings: 1, Cleaning: 20 * time.Minute},
		{Day: "2026-11-21", LabType: "ec2", Org: "a", Labs: 1, Minutes: 30},
	})
	hour, err := r.Usage(ctx, day(20, 9, 0), day(20, 10, 0))
	must(t, err)
	equal(t, "of an hour", hour, []fleet.Usage{{Day: "2026-11-20", LabType: "ec2", Org: "b", Labs: 1, Minutes: 1}})
}

func usageOfNothing(t *testing.T, ctx context.Context, r Reported) {
	must(t, r.Sessions.Insert(ctx, Session(1)))
	got, err := r.Usage(ctx, day(1, 0, 0), day(30, 0, 0))
	must(t, err)
	equal(t, "usage", len(got), 0)
}
