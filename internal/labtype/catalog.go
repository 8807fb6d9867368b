package labtype

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

const (
	// fresh is for how long what is in force is not asked for again.
	fresh = 2 * time.Second
	// lasting is for how long what was in force is served while the store cannot
	// be read.
	lasting = time.Minute
	// refreshTime bounds a look at the store, so that one that hangs does not
	// hold those who could be served from memory.
	refreshTime = 3 * time.Second
)

// Catalog is the lab types of the fleet: those of the files, revision 0, and on
// top of them those that were applied at run time, which every process sees
// within [fresh]. Lab types that it gives share memory: they are not written to.
type Catalog struct {
	// Applied, if set, is told of a revision that was put in force here.
	Applied func(ctx context.Context, lt fleet.LabType)

	base  map[string]fleet.LabType
	files fleet.LabTypeFiles
	clock clock.Clock

	refreshing chan struct{} // holds a token while nobody reads the store

	mu        sync.Mutex
	latest    map[string]fleet.LabType // applied ones in force; nil before the first load
	loaded    time.Time                // of latest
	tried     time.Time                // of the last refresh that failed
	revisions map[revision]fleet.LabType
}

type revision struct {
	name string
	n    int64
}

// NewCatalog makes the catalog of the lab types in files and those applied.
func NewCatalog(base map[string]fleet.LabType, files fleet.LabTypeFiles, c clock.Clock) *Catalog {
	catalog := &Catalog{base: base, files: files, clock: c, refreshing: make(chan struct{}, 1), revisions: map[revision]fleet.LabType{}}
	catalog.refreshing <- struct{}{}
	return catalog
}

// Get gives the lab type in force, or fleet.ErrNotFound.
func (c *Catalog) Get(ctx context.Context, name string) (fleet.LabType, error) {
	applied, err := c.inForce(ctx)
	if err != nil {
		return fleet.LabType{}, err
	}
	if lt, ok := applied[name]; ok {
		return lt, nil
	}
	return pick(c.base, name)
}

// All gives the lab types in force by name.
func (c *Catalog) All(ctx context.Context) ([]fleet.LabType, error) {
	applied, err := c.inForce(ctx)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(c.base)
	maps.Copy(all, applied)
	return sorted(all), nil
}

// Revision gives a lab type as it was at a revision, or fleet.ErrNotFound. A
// revision never changes, so it is read once.
func (c *Catalog) Revision(ctx context.Context, name string, n int64) (fleet.LabType, error) {
	if n == 0 {
		return pick(c.base, name)
	}
	key := revision{name, n}
	c.mu.Lock()
	lt, ok := c.revisions[key]
	c.mu.Unlock()
	if ok {
		return lt, nil
	}
	lt, err := c.files.Get(ctx, name, n)
	if err != nil {
		return fleet.LabType{}, fmt.Errorf("revision %d of lab type %s: %w", n, name, err)
	}
	c.mu.Lock()
	c.revisions[key] = lt
	c.mu.Unlock()
	return lt, nil
}

// Regions gives every Region that any revision of any lab type may use, and the
// one where global services answer: where a full sweep has to look. A lab of an
// old revision may still run.
func (c *Catalog) Regions(ctx context.Context) ([]string, error) {
	applied, err := c.inForce(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.Collect(maps.Values(c.base))
	for name, latest := range applied {
		for n := int64(1); n <= latest.Revision; n++ {
			lt, err := c.Revision(ctx, name, n)
			if err != nil {
				return nil, err
			}
			all = append(all, lt)
		}
	}
	return regions(all), nil
}

// inForce gives the applied lab types, not older than fresh; while the store
// cannot be read, not older than lasting.
func (c *Catalog) inForce(ctx context.Context) (map[string]fleet.LabType, error) {
	if known, ok := c.known(fresh); ok {
		return known, nil
	}
	old, ok := c.known(lasting)
	if ok && !c.mayTry() {
		return old, nil
	}
	if ok {
		select {
		case <-c.refreshing:
		default: // somebody else looks; what is known will do until then
			return old, nil
		}
	} else {
		select {
		case <-c.refreshing:
		case <-ctx.Done():
			return nil, fmt.Errorf("lab types: %w", ctx.Err())
		}
	}
	defer func() { c.refreshing <- struct{}{} }()
	if known, ok := c.known(fresh); ok { // somebody else was faster
		return known, nil
	}
	known, err := c.refresh(ctx)
	if err != nil && ok {
		return old, nil
	}
	return known, err
}

// known gives the applied lab types if they were read within the time given.
func (c *Catalog) known(within time.Duration) (map[string]fleet.LabType, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.latest, c.latest != nil && c.clock.Since(c.loaded) < within
}

// mayTry says whether the last failure is long enough ago.
func (c *Catalog) mayTry() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tried.IsZero() || c.clock.Since(c.tried) >= fresh
}

func (c *Catalog) refresh(ctx context.Context) (map[string]fleet.LabType, error) {
	at := c.clock.Now()
	rctx, cancel := context.WithTimeout(ctx, refreshTime)
	defer cancel()
	found, err := c.files.Latest(rctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.tried = at
		return nil, fmt.Errorf("lab types in force: %w", err)
	}
	c.tried = time.Time{}
	latest := make(map[string]fleet.LabType, len(found))
	for _, lt := range found {
		// An apply of our own may have come after the store was read.
		if mine, ok := c.latest[lt.Name]; ok && mine.Revision > lt.Revision {
			lt = mine
		}
		latest[lt.Name] = lt
	}
	for name, mine := range c.latest {
		if _, ok := latest[name]; !ok {
			latest[name] = mine
		}
	}
	c.latest, c.loaded = latest, at
	return latest, nil
}

func pick(types map[string]fleet.LabType, name string) (fleet.LabType, error) {
	lt, ok := types[name]
	if !ok {
		return fleet.LabType{}, fmt.Errorf("lab type %s: %w", name, fleet.ErrNotFound)
	}
	return lt, nil
}

func sorted(types map[string]fleet.LabType) []fleet.LabType {
	return slices.SortedFunc(maps.Values(types), func(x, y fleet.LabType) int { return strings.Compare(x.Name, y.Name) })
}

func regions(types []fleet.LabType) []string {
	out := []string{fleet.GlobalRegion}
	for _, lt := range types {
		out = append(out, lt.Regions...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
