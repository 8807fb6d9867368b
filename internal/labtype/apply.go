package labtype

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/kodekloud/kml/internal/fleet"
)

const applyTries = 5

// Apply puts a lab type in force, for every process within seconds, and gives it
// with its revision; one that says what is in force already keeps that revision.
// Labs that run keep the revision that they were accepted with. Errors: those of
// [Check], joined; fleet.ErrConflict if others apply without pause.
func (c *Catalog) Apply(ctx context.Context, lt fleet.LabType, who string) (fleet.LabType, error) {
	return c.apply(ctx, lt, who, func(fleet.LabType) bool { return true })
}

// Replace is Apply for one who has seen a revision: fleet.ErrConflict if another
// is in force meanwhile. Revision 0 of a name that has no file is none at all.
func (c *Catalog) Replace(ctx context.Context, lt fleet.LabType, who string, seen int64) (fleet.LabType, error) {
	return c.apply(ctx, lt, who, func(now fleet.LabType) bool { return now.Revision == seen })
}

func (c *Catalog) apply(ctx context.Context, lt fleet.LabType, who string, over func(now fleet.LabType) bool) (fleet.LabType, error) {
	if err := joined(Check(lt)); err != nil {
		return fleet.LabType{}, err
	}
	for range applyTries {
		now, err := c.stored(ctx, lt.Name)
		if err != nil {
			return fleet.LabType{}, err
		}
		unchanged, err := same(now, lt)
		if err != nil {
			return fleet.LabType{}, err
		}
		if unchanged { // a put whose reply was lost ends here, too
			return c.note(now), nil
		}
		if !over(now) {
			return fleet.LabType{}, fmt.Errorf("apply lab type %s over revision %d: %w", lt.Name, now.Revision, fleet.ErrConflict)
		}
		lt.Revision = now.Revision + 1
		err = c.files.Put(ctx, lt, who, c.clock.Now().UTC())
		if errors.Is(err, fleet.ErrExists) {
			continue
		}
		if err != nil {
			return fleet.LabType{}, fmt.Errorf("apply lab type %s: %w", lt.Name, err)
		}
		if c.Applied != nil {
			c.Applied(ctx, lt)
		}
		return c.note(lt), nil
	}
	return fleet.LabType{}, fmt.Errorf("apply lab type %s: %w", lt.Name, fleet.ErrConflict)
}

// stored reads what is in force from the store itself; the zero lab type if
// nothing is.
func (c *Catalog) stored(ctx context.Context, name string) (fleet.LabType, error) {
	found, err := c.files.Latest(ctx)
	if err != nil {
		return fleet.LabType{}, fmt.Errorf("lab types in force: %w", err)
	}
	for _, lt := range found {
		if lt.Name == name {
			return lt, nil
		}
	}
	return c.base[name], nil
}

// note lets this process see at once what it applied.
func (c *Catalog) note(lt fleet.LabType) fleet.LabType {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest != nil && lt.Revision > c.latest[lt.Name].Revision {
		c.latest = maps.Clone(c.latest)
		c.latest[lt.Name] = lt
	}
	return lt
}

// same says whether two lab types say the same, whatever their revisions. What
// is empty comes back from a store as nil or as empty.
func same(x, y fleet.LabType) (bool, error) {
	x.Revision, y.Revision = 0, 0
	texts := [2]string{}
	for i, lt := range []fleet.LabType{x, y} {
		text, err := json.Marshal(lt)
		if err != nil {
			return false, fmt.Errorf("compare lab type %s: %w", lt.Name, err)
		}
		texts[i] = strings.NewReplacer(`:[]`, `:null`, `:{}`, `:null`).Replace(string(text))
	}
	return texts[0] == texts[1], nil
}

func joined(faults []*fleet.FieldError) error {
	errs := make([]error, len(faults))
	for i, f := range faults {
		errs[i] = f
	}
	return errors.Join(errs...)
}
