package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// LabTypeFiles tests a store of applied lab types. open gives an empty one to
// each test.
func LabTypeFiles(t *testing.T, open func(t *testing.T) fleet.LabTypeFiles) {
	suite(t, open, map[string]func(*testing.T, context.Context, fleet.LabTypeFiles){
		"Revisions": revisions, "Latest": latestRevisions, "Race": revisionRace,
	})
}

// labType is a revision of a lab type, with the keys of IAM's conditions.
func labType(name string, revision int64) fleet.LabType {
	return fleet.LabType{Name: name, Revision: revision, Title: fmt.Sprint("number ", revision), Regions: []string{"us-east-1"}, Services: []string{"s3"},
		MaxDuration: 90 * time.Minute, Keys: true, Probe: "s3:ListAllMyBuckets", Statements: []fleet.Statement{
			{Effect: "Allow", Actions: []string{"s3:*"}, Resources: []string{"*"}},
			{Sid: "a", Effect: "Deny", NotActions: []string{"s3:Get*"}, Conditions: map[string]map[string][]string{
				"StringEquals": {"aws:PrincipalTag/team.name": {"{{.User}}"}, "$odd": {"100%"}}, "Null": {}}},
		}}
}

func revisions(t *testing.T, ctx context.Context, s fleet.LabTypeFiles) {
	_, err := s.Get(ctx, "ec2", 1)
	wantErr(t, err, fleet.ErrNotFound)
	given := labType("ec2", 1)
	must(t, s.Put(ctx, given, "ada", t0))
	equal(t, "what was given", given, labType("ec2", 1)) // and not written to
	other := labType("ec2", 1)
	other.Title = "other"
	wantErr(t, s.Put(ctx, other, "bob", t0), fleet.ErrExists)
	must(t, s.Put(ctx, labType("ec2", 2), "bob", at(1)))
	for revision := range int64(2) {
		got, err := s.Get(ctx, "ec2", revision+1)
		must(t, err)
		equal(t, "revision", got, labType("ec2", revision+1))
	}
}

func latestRevisions(t *testing.T, ctx context.Context, s fleet.LabTypeFiles) {
	none, err := s.Latest(ctx)
	must(t, err)
	equal(t, "latest of nothing", len(none), 0)
	for _, lt := range []fleet.LabType{labType("s3", 9), labType("ec2", 2), labType("s3", 10), labType("ec2", 1), labType("iam", 1)} {
		must(t, s.Put(ctx, lt, "ada", t0))
	}
	got, err := s.Latest(ctx)
	must(t, err)
	equal(t, "latest", got, []fleet.LabType{labType("ec2", 2), labType("iam", 1), labType("s3", 10)})
}

func revisionRace(t *testing.T, ctx context.Context, s fleet.LabTypeFiles) {
	winner := oneWinner(t, race(16, func(i int) error {
		lt := labType("ec2", 1)
		lt.Title = fmt.Sprint(i)
		return s.Put(ctx, lt, "ada", t0)
	}), fleet.ErrExists)
	got, err := s.Get(ctx, "ec2", 1)
	must(t, err)
	equal(t, "title", got.Title, fmt.Sprint(winner))
}

// PoolTargets tests a store of targets. open gives an empty one to each test.
func PoolTargets(t *testing.T, open func(t *testing.T) fleet.PoolTargets) {
	suite(t, open, map[string]func(*testing.T, context.Context, fleet.PoolTargets){"Set": setTargets, "Race": targetRace})
}

func setTargets(t *testing.T, ctx context.Context, s fleet.PoolTargets) {
	none, err := s.All(ctx)
	must(t, err)
	equal(t, "targets of nobody", len(none), 0)
	b, err := s.Set(ctx, fleet.PoolTarget{Org: "b", OU: "ou-1", Warm: 5, SetBy: "ada", SetAt: t0}, 0)
	must(t, err)
	equal(t, "as stored", b, fleet.PoolTarget{Org: "b", OU: "ou-1", Warm: 5, SetBy: "ada", SetAt: stored(t0), Version: 1})
	a, err := s.Set(ctx, fleet.PoolTarget{Org: "a", OU: "ou-1", Warm: 1}, 0)
	must(t, err)
	for _, version := range []int64{0, 2} {
		_, err = s.Set(ctx, b, version)
		wantErr(t, err, fleet.ErrConflict)
	}
	_, err = s.Set(ctx, fleet.PoolTarget{Org: "a", OU: "ou-2"}, 1)
	wantErr(t, err, fleet.ErrConflict)
	b.Warm = 0
	b, err = s.Set(ctx, b, 1)
	must(t, err)
	equal(t, "version", b.Version, int64(2))
	all, err := s.All(ctx)
	must(t, err)
	equal(t, "all", all, []fleet.PoolTarget{a, b})
}

func targetRace(t *testing.T, ctx context.Context, s fleet.PoolTargets) {
	for version := range int64(2) {
		winner := oneWinner(t, race(16, func(i int) error {
			_, err := s.Set(ctx, fleet.PoolTarget{Org: "a", OU: "ou-1", Warm: i}, version)
			return err
		}), fleet.ErrConflict)
		all, err := s.All(ctx)
		must(t, err)
		equal(t, "the winner's", all, []fleet.PoolTarget{{Org: "a", OU: "ou-1", Warm: winner, Version: version + 1}})
	}
}
