package settings

import (
	"context"
	"errors"
	"testing"

	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/fleet"
)

// choice is a setting of a service that may lie.
type choice struct {
	values  []string // what reads give, one after the other; "!" fails
	reads   int
	restore error
	writes  int
}

func (c *choice) setting() Setting {
	return Setting{
		Name: "test.choice", Want: "off",
		Read: func(context.Context, cleaner.Place) (string, error) {
			v := c.values[min(c.reads, len(c.values)-1)]
			if c.reads++; v == "!" {
				return "", errors.New("no answer")
			}
			return v, nil
		},
		Restore: func(context.Context, cleaner.Place) error { c.writes++; return c.restore },
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*struct {
		choice
		want   fleet.Verdict
		writes int
	}{
		"as it should be":      {choice{values: []string{"off"}}, fleet.Clean, 0},
		"restored":             {choice{values: []string{"on", "off"}}, fleet.Clean, 1},
		"taken and not done":   {choice{values: []string{"on", "on"}}, fleet.Remaining, 1},
		"refused":              {choice{values: []string{"on"}, restore: errors.New("denied")}, fleet.Remaining, 1},
		"read fails":           {choice{values: []string{"!"}}, fleet.Unknown, 0},
		"read fails afterward": {choice{values: []string{"on", "!"}}, fleet.Unknown, 1},
	} {
		table := &Table{[]Setting{c.setting()}}
		err := table.Restore(t.Context(), cleaner.Place{Region: "eu-west-1"}, nil)
		if (err == nil) != (c.want == fleet.Clean) || c.choice.writes != c.writes {
			t.Errorf("%s: Restore = %v after %d writes, want %s after %d", name, err, c.choice.writes, c.want, c.writes)
		}
		c.reads = 0
		if f := table.Reset(t.Context(), cleaner.Place{Region: "eu-west-1"}); f[0].Verdict != c.want {
			t.Errorf("%s: %+v, want %s", name, f[0], c.want)
		}
	}
}

func TestGlobalSettingsStandInOneRegion(t *testing.T) {
	t.Parallel()
	c := &choice{values: []string{"off"}}
	s := c.setting()
	s.Global = true
	table := &Table{[]Setting{s}}
	if n := len(table.Verify(t.Context(), cleaner.Place{Region: "eu-west-1"})); n != 0 {
		t.Errorf("%d global settings in eu-west-1", n)
	}
	if n := len(table.Verify(t.Context(), cleaner.Place{Region: fleet.GlobalRegion})); n != 1 {
		t.Errorf("%d global settings in the global Region", n)
	}
}
