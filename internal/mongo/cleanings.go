package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// What a unit may bring into its run's document, in bytes. With 400 bytes at
// most, ten rounds of a thousand units stay below 5 MB of MongoDB's 16.
const (
	maxUnitKey   = 150
	maxUnitError = 200
)

type cleanings struct {
	runs, evidence collection
	clock          clock.Clock
}

var _ fleet.Cleanings = (*cleanings)(nil)

// runDoc is a run as stored. WrittenAt is the time of the last write of any
// kind, by the writer's clock.
type runDoc struct {
	fleet.CleaningRun `bson:",inline"`
	WrittenAt         time.Time `bson:"written_at"`
}

// run is the stored run as the fleet knows it.
func (d *runDoc) run() (r *fleet.CleaningRun, err error) {
	if d.Units, err = unescapeKeys(d.Units); err != nil {
		return nil, err
	}
	if d.Because, err = unescapeKeys(d.Because); err != nil {
		return nil, err
	}
	return &d.CleaningRun, nil
}

// stored makes the document of a run; r itself is not changed.
func (s *cleanings) stored(r *fleet.CleaningRun) runDoc {
	d := runDoc{CleaningRun: *r, WrittenAt: s.clock.Now()}
	d.Units, d.Because = escapeKeys(r.Units), escapeKeys(r.Because)
	return d
}

// Get implements [fleet.Cleanings].
func (s *cleanings) Get(ctx context.Context, id string) (*fleet.CleaningRun, error) {
	d, err := get[runDoc](ctx, s.runs, bson.D{{Key: "_id", Value: id}})
	if err != nil {
		return nil, fmt.Errorf("cleaning run %s: %w", id, err)
	}
	return d.run()
}

// Insert implements [fleet.Cleanings]. On success r is what is stored.
func (s *cleanings) Insert(ctx context.Context, r *fleet.CleaningRun) error {
	next := *r
	var write string
	next.Writes, write = withWrite(nil)
	if err := s.runs.insert(ctx, r.ID, write, s.stored(&next)); err != nil {
		return fmt.Errorf("insert cleaning run %s: %w", r.ID, err)
	}
	return replace(r, &next)
}

// Swap implements [fleet.Cleanings]. On success next is what is stored, except
// for its Units.
func (s *cleanings) Swap(ctx context.Context, old, next *fleet.CleaningRun) error {
	stored := *next
	var write string
	stored.Writes, write = withWrite(old.Writes)
	update, err := replacement(s.stored(&stored), "units")
	if err != nil {
		return fmt.Errorf("write cleaning run %s: %w", old.ID, err)
	}
	filter := bson.D{{Key: "_id", Value: old.ID}, {Key: "version", Value: old.Version}}
	if err := s.runs.do(ctx, swap{old.ID, write, old.Version, filter, update}); err != nil {
		return fmt.Errorf("write cleaning run %s: %w", old.ID, err)
	}
	return replace(next, &stored)
}

// CompleteUnit implements [fleet.Cleanings]. A long error text is shortened. It
// may be repeated when its outcome is not known.
func (s *cleanings) CompleteUnit(ctx context.Context, id, unit string, r fleet.UnitResult) (*fleet.CleaningRun, error) {
	if unit == "" || len(unit) > maxUnitKey {
		return nil, &fleet.FieldError{Field: "unit", Value: unit, Remedy: fmt.Sprintf("give a key of 1 to %d bytes", maxUnitKey)}
	}
	if len(r.Error) > maxUnitError {
		r.Error = strings.ToValidUTF8(r.Error[:maxUnitError], "") + "…"
	}
	field := "units." + escapeKey(unit)
	var d runDoc
	err := s.runs.FindOneAndUpdate(ctx,
		bson.D{{Key: "_id", Value: id}, {Key: field, Value: bson.D{{Key: "$exists", Value: false}}}},
		bson.D{{Key: "$set", Value: bson.D{{Key: field, Value: r}, {Key: "written_at", Value: s.clock.Now()}}}},
		options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&d)
	if errors.Is(err, driver.ErrNoDocuments) { // no such run, or the unit is set
		return s.Get(ctx, id)
	}
	if err != nil {
		return nil, fmt.Errorf("complete unit %s of cleaning run %s: %w", unit, id, err)
	}
	return d.run()
}

// openPhases is all phases but the last.
var openPhases = []fleet.CleaningPhase{fleet.PhaseFreeze, fleet.PhasePlan, fleet.PhaseSweep, fleet.PhaseVerify, fleet.PhaseSettle, fleet.PhaseUser, fleet.PhaseReset}

// Open implements [fleet.Cleanings], longest untouched first.
func (s *cleanings) Open(ctx context.Context, before time.Time, limit int) ([]*fleet.CleaningRun, error) {
	filter := bson.D{
		{Key: "phase", Value: bson.D{{Key: "$in", Value: openPhases}}},
		{Key: "written_at", Value: bson.D{{Key: "$lt", Value: before}}},
	}
	return s.list(ctx, filter, asc("written_at"), limit)
}

// Runs implements [fleet.Cleanings].
func (s *cleanings) Runs(ctx context.Context, accountID string, limit int) ([]*fleet.CleaningRun, error) {
	return s.list(ctx, bson.D{{Key: "account_id", Value: accountID}}, desc("started_at", "_id"), limit)
}

func (s *cleanings) list(ctx context.Context, filter, sort bson.D, limit int) ([]*fleet.CleaningRun, error) {
	docs, err := list[runDoc](ctx, s.runs, filter, sort, cmp.Or(limit, defaultLimit))
	if err != nil {
		return nil, fmt.Errorf("list cleaning runs: %w", err)
	}
	out := make([]*fleet.CleaningRun, len(docs))
	for i, d := range docs {
		if out[i], err = d.run(); err != nil {
			return nil, fmt.Errorf("cleaning run %s: %w", d.ID, err)
		}
	}
	return out, nil
}

// AddEvidence implements [fleet.Cleanings]; a line that is known stays.
func (s *cleanings) AddEvidence(ctx context.Context, e []fleet.Evidence) error {
	if err := insertNew(ctx, s.evidence, e); err != nil {
		return fmt.Errorf("add evidence: %w", err)
	}
	return nil
}

// Evidence implements [fleet.Cleanings], oldest first.
func (s *cleanings) Evidence(ctx context.Context, runID string) ([]fleet.Evidence, error) {
	found, err := list[fleet.Evidence](ctx, s.evidence, bson.D{{Key: "run_id", Value: runID}}, asc("at", "_id"), 0)
	if err != nil {
		return nil, fmt.Errorf("evidence of cleaning run %s: %w", runID, err)
	}
	return values(found), nil
}

func values[T any](list []*T) []T {
	out := make([]T, 0, len(list))
	for _, v := range list {
		out = append(out, *v)
	}
	return slices.Clip(out)
}
