// Package clock gives the time to everything that decides by it, so that tests
// and the simulator can drive it.
//
// Invariants:
//   - A package of the fleet takes a [Clock] and never calls time.Now, time.After
//     or time.Sleep itself.
//   - The package is a leaf: nothing of the fleet is imported.
package clock

import (
	"time"

	"github.com/jonboulle/clockwork"
)

// Clock tells the time, sleeps, and makes timers and tickers.
type Clock = clockwork.Clock

// Fake is a clock that stands still until a test advances it.
type Fake = clockwork.FakeClock

// New gives the clock of the machine.
func New() Clock { return clockwork.NewRealClock() }

// NewFake gives a clock that stands at start.
func NewFake(start time.Time) *Fake { return clockwork.NewFakeClockAt(start) }
