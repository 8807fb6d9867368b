package settings

import (
	"context"
	"errors"
	"fmt"

	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/fleet"
)

// Setting is one choice of an account.
type Setting struct {
	Name   string // "ec2.ebs_encryption": service, dot, noun
	Global bool   // one for the account instead of one per Region
	Want   string // what Read gives when nothing is to be done
	Read   func(ctx context.Context, p cleaner.Place) (string, error)
	// Restore makes the setting what AWS gives a new account.
	Restore func(ctx context.Context, p cleaner.Place) error
}

// Finding is what is known of a setting. Err says why it is Unknown, or why it
// could not be restored.
type Finding struct {
	Name     string
	Region   string
	Verdict  fleet.Verdict
	Current  string
	Restored bool // it differed and was written
	Err      error
}

// Table is every setting of this build.
type Table struct{ Settings []Setting }

// New gives the table.
func New() *Table {
	return &Table{[]Setting{
		defaultVPC, ebsEncryption, ebsDefaultKey, metadataDefaults, snapshotAccess, imageAccess, serialConsole,
		accountPublicAccess, passwordPolicy, accountAlias, defaultBusPolicy,
	}}
}

// Verify reads every setting of a place, the account's own ones in the global
// Region, and changes nothing.
func (t *Table) Verify(ctx context.Context, p cleaner.Place) []Finding {
	return t.each(p, func(s Setting) Finding { return verify(ctx, p, s) })
}

// Reset restores what differs and reads it again.
func (t *Table) Reset(ctx context.Context, p cleaner.Place) []Finding {
	return t.each(p, func(s Setting) Finding { return reset(ctx, p, s) })
}

// Restore is Reset with evidence; its error joins every setting that is not
// known to be as it should.
func (t *Table) Restore(ctx context.Context, p cleaner.Place, rec cleaner.Recorder) error {
	var errs []error
	for _, f := range t.Reset(ctx, p) {
		action := "verified"
		switch {
		case f.Verdict != fleet.Clean:
			action = "failed"
			errs = append(errs, fmt.Errorf("setting %s in %s is %s (%s): %w", f.Name, f.Region, f.Verdict, f.Current, f.Err))
		case f.Restored:
			action = "restored"
		}
		if rec != nil {
			rec(cleaner.Event{Action: action, Kind: f.Name, Region: f.Region, Detail: f.Current})
		}
	}
	return errors.Join(errs...)
}

func (t *Table) each(p cleaner.Place, f func(Setting) Finding) []Finding {
	var out []Finding
	for _, s := range t.Settings {
		if !s.Global || p.Region == fleet.GlobalRegion {
			out = append(out, f(s))
		}
	}
	return out
}

// errDiffers stands where AWS took a change and tells the old value still.
var errDiffers = errors.New("not what AWS gives a new account")

func verify(ctx context.Context, p cleaner.Place, s Setting) Finding {
	f := Finding{Name: s.Name, Region: p.Region, Verdict: fleet.Unknown}
	f.Current, f.Err = s.Read(ctx, p)
	switch {
	case f.Err != nil:
		f.Err = fmt.Errorf("read: %w", f.Err)
	case f.Current == s.Want:
		f.Verdict = fleet.Clean
	default:
		f.Verdict, f.Err = fleet.Remaining, errDiffers
	}
	return f
}

func reset(ctx context.Context, p cleaner.Place, s Setting) Finding {
	before := verify(ctx, p, s)
	if before.Verdict != fleet.Remaining {
		return before
	}
	if err := s.Restore(ctx, p); err != nil {
		before.Err = fmt.Errorf("restore: %w", err)
		return before
	}
	after := verify(ctx, p, s)
	after.Restored = true
	if after.Verdict == fleet.Clean {
		after.Current = "was " + before.Current
	}
	return after
}
