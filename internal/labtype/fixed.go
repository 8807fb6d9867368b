package labtype

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/kodekloud/kml/internal/fleet"
)

// Fixed is a catalog of lab types by name that nobody applies others to.
type Fixed map[string]fleet.LabType

// Get is [Catalog.Get].
func (f Fixed) Get(_ context.Context, name string) (fleet.LabType, error) { return pick(f, name) }

// Revision is [Catalog.Revision]; there is one of each.
func (f Fixed) Revision(_ context.Context, name string, n int64) (fleet.LabType, error) {
	lt, err := pick(f, name)
	if err == nil && lt.Revision != n {
		return fleet.LabType{}, fmt.Errorf("revision %d of lab type %s: %w", n, name, fleet.ErrNotFound)
	}
	return lt, err
}

// All is [Catalog.All].
func (f Fixed) All(context.Context) ([]fleet.LabType, error) { return sorted(f), nil }

// Regions is [Catalog.Regions].
func (f Fixed) Regions(context.Context) ([]string, error) {
	return regions(slices.Collect(maps.Values(f))), nil
}
