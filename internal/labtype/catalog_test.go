package labtype

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

// shelf keeps applied lab types in memory, and fails or waits when told to.
type shelf struct {
	mu    sync.Mutex
	kept  map[revision]fleet.LabType
	reads int                       // of Latest and Get
	fails error                     // of every call
	hangs func()                    // called by Latest
	puts  func(fleet.LabType)       // called before a Put
	reply func(fleet.LabType) error // of a Put that was made
}

func (s *shelf) Put(_ context.Context, lt fleet.LabType, _ string, _ time.Time) error {
	if s.puts != nil {
		puts := s.puts
		s.puts = nil
		puts(lt)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	key := revision{lt.Name, lt.Revision}
	if _, ok := s.kept[key]; ok {
		return fleet.ErrExists
	}
	lt.InstanceTypes = []string{} // as a store gives back what was nil
	s.kept[key] = lt
	if s.reply != nil {
		return s.reply(lt)
	}
	return nil
}

func (s *shelf) Get(_ context.Context, name string, n int64) (fleet.LabType, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	lt, ok := s.kept[revision{name, n}]
	if !ok {
		return lt, errors.Join(fleet.ErrNotFound, s.fails)
	}
	return lt, s.fails
}

func (s *shelf) Latest(context.Context) ([]fleet.LabType, error) {
	s.mu.Lock()
	hangs := s.hangs
	s.reads++
	s.mu.Unlock()
	if hangs != nil {
		hangs()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	latest := map[string]fleet.LabType{}
	for key, lt := range s.kept {
		if key.n > latest[key.name].Revision {
			latest[key.name] = lt
		}
	}
	return sorted(latest), s.fails
}

func (s *shelf) fail(err error) { s.mu.Lock(); defer s.mu.Unlock(); s.fails = err }
func (s *shelf) hang(f func())  { s.mu.Lock(); defer s.mu.Unlock(); s.hangs = f }
func (s *shelf) count() int     { s.mu.Lock(); defer s.mu.Unlock(); return s.reads }

// catalogs gives two processes' catalogs of one store.
func catalogs(t *testing.T) (one, two *Catalog, store *shelf, now *clock.Fake) {
	t.Helper()
	store, now = &shelf{kept: map[revision]fleet.LabType{}}, clock.NewFake(start)
	base := map[string]fleet.LabType{"files": parsed(t), "other": {Name: "other", Regions: []string{"ap-south-1"}}}
	return NewCatalog(base, store, now), NewCatalog(base, store, now), store, now
}

func parsed(t *testing.T) fleet.LabType {
	t.Helper()
	lt, err := Parse("files.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	return lt
}

func titled(t *testing.T, title string) fleet.LabType {
	t.Helper()
	lt := parsed(t)
	lt.Title = title
	return lt
}

// inForce checks what a catalog has of "files".
func inForce(t *testing.T, c *Catalog, title string, n int64) {
	t.Helper()
	if lt, err := c.Get(t.Context(), "files"); err != nil || lt.Title != title || lt.Revision != n {
		t.Errorf("in force is revision %d, %q (%v); want %d, %q", lt.Revision, lt.Title, err, n, title)
	}
}

func apply(t *testing.T, c *Catalog, lt fleet.LabType, want int64) {
	t.Helper()
	if got, err := c.Apply(t.Context(), lt, "ada"); err != nil || got.Revision != want {
		t.Fatalf("applied as revision %d (%v), want %d", got.Revision, err, want)
	}
}

func TestApplied(t *testing.T) {
	t.Parallel()
	one, two, _, now := catalogs(t)
	inForce(t, one, "Files", 0)
	inForce(t, two, "Files", 0)
	apply(t, one, parsed(t), 0) // nothing new
	apply(t, one, titled(t, "A"), 1)
	apply(t, one, titled(t, "A"), 1)
	apply(t, two, titled(t, "B"), 2) // who has not looked for a while goes on from what stands, too
	inForce(t, two, "B", 2)
	now.Advance(fresh)
	inForce(t, one, "B", 2)
	for n, title := range []string{"Files", "A", "B"} {
		if lt, err := one.Revision(t.Context(), "files", int64(n)); err != nil || lt.Title != title {
			t.Errorf("revision %d: %q, %v", n, lt.Title, err)
		}
	}
	all, err := one.All(t.Context())
	if err != nil || len(all) != 2 || all[0].Title != "B" || all[1].Name != "other" {
		t.Errorf("all: %v, %v", all, err)
	}
	fresher := titled(t, "New")
	fresher.Name = "new"
	apply(t, one, fresher, 1)
	for _, f := range []func() (fleet.LabType, error){
		func() (fleet.LabType, error) { return one.Get(t.Context(), "none") },
		func() (fleet.LabType, error) { return one.Revision(t.Context(), "none", 0) },
		func() (fleet.LabType, error) { return one.Revision(t.Context(), "new", 0) },
		func() (fleet.LabType, error) { return one.Revision(t.Context(), "files", 3) },
	} {
		if lt, err := f(); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("got %v, %v", lt, err)
		}
	}
}

// Another process sees what was applied within seconds, and asks the store no
// more often than that; a revision it reads once.
func TestCached(t *testing.T) {
	t.Parallel()
	one, two, store, now := catalogs(t)
	inForce(t, two, "Files", 0)
	apply(t, one, titled(t, "A"), 1)
	now.Advance(fresh - 1)
	before := store.count()
	inForce(t, two, "Files", 0)
	if n := store.count() - before; n != 0 {
		t.Errorf("%d reads of what is fresh", n)
	}
	now.Advance(1)
	for range 3 {
		inForce(t, two, "A", 1)
	}
	if n := store.count() - before; n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
	before = store.count()
	for range 3 {
		if _, err := two.Revision(t.Context(), "files", 1); err != nil {
			t.Error(err)
		}
	}
	if n := store.count() - before; n != 1 {
		t.Errorf("%d reads of a revision, want 1", n)
	}
}

func TestStoreAway(t *testing.T) {
	t.Parallel()
	one, two, store, now := catalogs(t)
	apply(t, one, titled(t, "A"), 1)
	inForce(t, one, "A", 1)
	away := errors.New("away")
	store.fail(away)
	if _, err := two.Get(t.Context(), "files"); !errors.Is(err, away) {
		t.Errorf("a first look that failed gave %v", err)
	}
	if _, err := two.Regions(t.Context()); !errors.Is(err, away) {
		t.Errorf("Regions: %v", err)
	}
	before := store.count()
	for range 10 {
		now.Advance(fresh / 2)
		inForce(t, one, "A", 1)
	}
	if n := store.count() - before; n > 5 {
		t.Errorf("the store that is away was asked %d times in %v", n, 5*fresh)
	}
	if _, err := one.Apply(t.Context(), titled(t, "B"), "ada"); !errors.Is(err, away) {
		t.Errorf("apply: %v", err)
	}
	now.Advance(lasting)
	if _, err := one.Get(t.Context(), "files"); !errors.Is(err, away) {
		t.Errorf("what was known long ago was served: %v", err)
	}
	store.fail(nil)
	inForce(t, one, "A", 1)
	inForce(t, two, "A", 1)
}

// A store that hangs holds one caller, not those who can be served from memory.
func TestStoreHangs(t *testing.T) {
	t.Parallel()
	one, _, store, now := catalogs(t)
	inForce(t, one, "Files", 0)
	entered, release := make(chan struct{}), make(chan struct{})
	store.hang(func() { close(entered); <-release })
	now.Advance(fresh)
	done := make(chan error)
	go func() { _, err := one.Get(t.Context(), "files"); done <- err }()
	<-entered
	inForce(t, one, "Files", 0)
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestApplyBesideOthers(t *testing.T) {
	t.Parallel()
	one, two, store, _ := catalogs(t)
	store.puts = func(fleet.LabType) { apply(t, two, titled(t, "theirs"), 1) }
	apply(t, one, titled(t, "mine"), 2)
	inForce(t, one, "mine", 2)
	for _, seen := range []int64{0, 1, 3} {
		if _, err := one.Replace(t.Context(), titled(t, "blind"), "ada", seen); !errors.Is(err, fleet.ErrConflict) {
			t.Errorf("over revision %d: %v", seen, err)
		}
	}
	store.puts = func(fleet.LabType) { apply(t, two, titled(t, "theirs again"), 3) }
	if _, err := one.Replace(t.Context(), titled(t, "late"), "ada", 2); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("overtaken: %v", err)
	}
	if lt, err := one.Replace(t.Context(), titled(t, "seen"), "ada", 3); err != nil || lt.Revision != 4 {
		t.Errorf("got revision %d, %v", lt.Revision, err)
	}
	lost := errors.New("lost")
	store.reply = func(fleet.LabType) error { store.reply = nil; return lost }
	if _, err := one.Apply(t.Context(), titled(t, "unsure"), "ada"); !errors.Is(err, lost) {
		t.Errorf("got %v", err)
	}
	if lt, err := one.Replace(t.Context(), titled(t, "unsure"), "ada", 4); err != nil || lt.Revision != 5 {
		t.Errorf("again after a lost reply: revision %d, %v", lt.Revision, err)
	}
	inForce(t, one, "unsure", 5)
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	one, _, store, _ := catalogs(t)
	lt := parsed(t)
	lt.Regions, lt.MaxDuration = []string{"europe"}, time.Second
	_, err := one.Apply(t.Context(), lt, "ada")
	var f *fleet.FieldError
	if !errors.Is(err, fleet.ErrInvalid) || !errors.As(err, &f) || f.Field != "regions[0]" || !strings.Contains(err.Error(), "max_duration") {
		t.Errorf("got %v", err)
	}
	if faults := Check(lt); len(faults) != 2 {
		t.Errorf("faults %v", faults)
	}
	if len(store.kept) > 0 {
		t.Errorf("stored: %v", store.kept)
	}
}

// A lab of an old revision may still run where the new one may not.
func TestRegions(t *testing.T) {
	t.Parallel()
	one, two, _, now := catalogs(t)
	for n, region := range []string{"eu-north-1", "sa-east-1", "ca-central-1"} {
		lt := parsed(t)
		lt.Regions = []string{region}
		apply(t, two, lt, int64(n+1))
	}
	now.Advance(fresh)
	want := []string{"ap-south-1", "ca-central-1", "eu-north-1", "eu-west-1", "sa-east-1", "us-east-1"}
	if got, err := one.Regions(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestFixed(t *testing.T) {
	t.Parallel()
	f := Fixed{"files": parsed(t)}
	for call, err := range map[string]error{
		"get":      second(f.Get(t.Context(), "none")),
		"revision": second(f.Revision(t.Context(), "none", 0)),
		"another":  second(f.Revision(t.Context(), "files", 1)),
	} {
		if !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("%s: %v", call, err)
		}
	}
	all, err := f.All(t.Context())
	where, rerr := f.Regions(t.Context())
	if fmt.Sprint(len(all), where) != "1 [eu-west-1 us-east-1]" || err != nil || rerr != nil {
		t.Errorf("%v, %v, %v, %v", all, where, err, rerr)
	}
}

func second[T any](_ T, err error) error { return err }
