package cleaner

import (
	"fmt"
	"slices"
	"strings"
)

// Registry holds the kinds of a build in the order of their deletion.
type Registry struct {
	byName map[string]Kind
	waves  [][]Kind
}

// NewRegistry sorts kinds into waves: every kind comes in a later wave than all
// kinds in its After. It fails on a kind registered twice, an unknown name and a
// cycle, so that a build with a wrong order does not start.
func NewRegistry(kinds ...Kind) (*Registry, error) {
	r := &Registry{byName: map[string]Kind{}}
	for _, k := range kinds {
		if _, dup := r.byName[k.Name]; dup {
			return nil, fmt.Errorf("cleaner: kind %s is registered twice", k.Name)
		}
		r.byName[k.Name] = k
	}
	for _, k := range kinds {
		for _, a := range k.After {
			if _, ok := r.byName[a]; !ok {
				return nil, fmt.Errorf("cleaner: kind %s comes after unknown kind %q", k.Name, a)
			}
		}
	}
	left := make(map[string]Kind, len(r.byName))
	for n, k := range r.byName {
		left[n] = k
	}
	for len(left) > 0 {
		wave := nextWave(left)
		if len(wave) == 0 {
			return nil, fmt.Errorf("cleaner: kinds wait for each other: %s", strings.Join(names(left), ", "))
		}
		for _, k := range wave {
			delete(left, k.Name)
		}
		r.waves = append(r.waves, wave)
	}
	return r, nil
}

// nextWave gives the kinds that wait for none of those left.
func nextWave(left map[string]Kind) []Kind {
	var wave []Kind
	for _, n := range names(left) {
		waits := slices.ContainsFunc(left[n].After, func(a string) bool { _, ok := left[a]; return ok })
		if !waits {
			wave = append(wave, left[n])
		}
	}
	return wave
}

func names(m map[string]Kind) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// Get finds a kind by name.
func (r *Registry) Get(name string) (Kind, bool) {
	k, ok := r.byName[name]
	return k, ok
}

// Waves gives all kinds, wave by wave, by name within a wave.
func (r *Registry) Waves() [][]Kind { return r.Only(func(Kind) bool { return true }) }

// Only gives the waves of the kinds that pass; empty waves are left out.
func (r *Registry) Only(pass func(Kind) bool) [][]Kind {
	var out [][]Kind
	for _, wave := range r.waves {
		var kept []Kind
		for _, k := range wave {
			if pass(k) {
				kept = append(kept, k)
			}
		}
		if len(kept) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

// BySource gives the names of the kinds that events of a CloudTrail source can
// have made, those made by the service on its own included.
func (r *Registry) BySource(source string) []string {
	var out []string
	for _, n := range names(r.byName) {
		if k := r.byName[n]; k.Source == source || slices.Contains(k.Also, source) {
			out = append(out, n)
		}
	}
	return out
}
