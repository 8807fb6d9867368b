package core

import (
	"slices"
	"time"
)

// Lagged is a value that some readers see later than it was written: what AWS
// calls eventually consistent. The zero Lagged has no value yet. Lock held.
type Lagged[T any] struct{ changes []change[T] }

type change[T any] struct {
	from time.Time
	v    T
}

// Set makes v the value from a time on, and forgets what no reader from now on
// can see any more.
func (l *Lagged[T]) Set(now, from time.Time, v T) {
	for len(l.changes) > 1 && !l.changes[1].from.After(now) {
		l.changes = l.changes[1:]
	}
	l.changes = append(slices.Clip(l.changes), change[T]{from, v})
}

// At gives the value at a time; ok is false before the first change. A nil
// Lagged never had one.
func (l *Lagged[T]) At(now time.Time) (v T, ok bool) {
	if l == nil {
		return v, false
	}
	for _, c := range slices.Backward(l.changes) {
		if !c.from.After(now) {
			return c.v, true
		}
	}
	return v, false
}

// Latest gives the value that was set last, whoever can see it yet.
func (l *Lagged[T]) Latest() (v T, ok bool) {
	if l == nil || len(l.changes) == 0 {
		return v, false
	}
	return l.changes[len(l.changes)-1].v, true
}
