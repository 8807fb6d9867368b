package clock_test

import (
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/clock"
)

func TestFakeStandsStill(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	fake := clock.NewFake(start)
	var c clock.Clock = fake
	if !c.Now().Equal(start) {
		t.Fatalf("Now() = %v, want %v", c.Now(), start)
	}
	timer := c.After(time.Minute)
	fake.Advance(time.Minute)
	if at := <-timer; !at.Equal(start.Add(time.Minute)) {
		t.Fatalf("timer rang at %v", at)
	}
}

func TestNewIsTheMachinesClock(t *testing.T) {
	t.Parallel()
	before := time.Now()
	if now := clock.New().Now(); now.Before(before) {
		t.Fatalf("Now() = %v, before %v", now, before)
	}
}
