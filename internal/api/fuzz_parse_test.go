package api

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

// A cursor is refused, or is a place that is written and read again as it was.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "bm9uZQ", "MTc5NTI2MjQwMDAwMHxpZC0wMDAx", cursorTo(t0, "a|b"), cursorTo(time.UnixMilli(-1), "\x00\xff"), cursorTo(time.UnixMilli(2), pageCursor), "====", "LTF8", "OTk5OTk5OTk5OTk5OTk5OTk5OXx4"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		c, err := Paged{Cursor: given}.cursor()
		if err != nil {
			if !errors.Is(err, fleet.ErrInvalid) || (c != fleet.Cursor{}) {
				t.Fatalf("%q: %v, %v", given, c, err)
			}
			return
		}
		if n, err := (Paged{Cursor: given}).number(); err == nil && (n < 1 || given != "" && int64(n) != c.At.UnixMilli()) {
			t.Fatalf("%q is page %d", given, n)
		}
		if given == "" {
			return
		}
		again, err := Paged{Cursor: cursorTo(c.At, c.ID)}.cursor()
		if err != nil || again.ID != c.ID || !again.At.Equal(c.At) {
			t.Fatalf("%q: %v, again %v, %v", given, c, again, err)
		}
	})
}

// An If-Match lets an edit through only if it names the version, or any.
func FuzzIfMatch(f *testing.F) {
	for _, seed := range []string{"", "*", " * ", `"7"`, `"6", "7"`, `W/"7"`, `"6"`, "7", `"7`, `"07"`, `,,"7",`, `"*"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		err := Versioned{given}.match(7)
		var p *apitypes.Problem
		switch {
		case err == nil && strings.TrimSpace(given) != "*" && !strings.Contains(given, `"7"`):
			t.Fatalf("%q lets an edit of version 7 through", given)
		case err != nil && (!errors.As(err, &p) || p.Status != 412 && p.Status != 428 || (p.Status == 428) != (given == "")):
			t.Fatalf("%q: %v", given, err)
		}
	})
}
