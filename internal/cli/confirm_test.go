package cli

import (
	"io"
	"strings"
	"testing"
)

// confirmed are the commands that ask first.
var confirmed = []string{"labs end", "accounts quarantine", "accounts drain", "accounts clean", "labtypes deactivate", "bookings cancel", "keys revoke",
	"webhooks delete", "queues pause", "queues archive", "queues delete"}

// ways are their arguments, the id that must be typed, and what the question names.
var ways = map[string]struct{ args, id, names string }{
	"labs end":            {"lab-1", "lab-1", "end lab lab-1 of ada@example.org (ec2-basics, active, account 123456789012)? type the lab's id to go on: "},
	"accounts quarantine": {"123456789012 --reason odd", "123456789012", "quarantine account 123456789012 (alpha/production, in_use, lab lab-1 of ada@example.org)? type the account's id to go on: "},
	"accounts drain":      {"123456789012 --reason odd", "123456789012", "drain account 123456789012 (alpha/production, in_use, lab lab-1 of ada@example.org)?"},
	"accounts clean":      {"222222222222 --reason odd", "222222222222", "clean account 222222222222 (alpha/production, user_created)?"},
	"labtypes deactivate": {"ec2-basics --reason odd", "ec2-basics", "refuse every new lab of type ec2-basics?"},
	"bookings cancel":     {"b-1 --reason odd", "b-1", "cancel booking b-1 (EC2, Tuesday, 120 seats of ec2-basics from 2026-11-22T12:00:00Z)?"},
	"keys revoke":         {"k1", "k1", "revoke key k1 (academy backend, backend)?"},
	"webhooks delete":     {"w-1", "w-1", "delete webhook w-1 (academy, https://academy.example.org/kml)?"},
	"queues pause":        {"critical", "critical", "pause queue critical"},
	"queues archive":      {"critical --id t1", "critical", "archive task t1 of queue critical?"},
	"queues delete":       {"critical --state archived", "critical", "delete every archived task of queue critical?"},
}

func TestConfirmation(t *testing.T) {
	t.Parallel()
	for _, name := range confirmed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ways[name]
			args := append(strings.Fields(name), strings.Fields(w.args)...)
			for typed, code := range map[string]int{w.id + "\n": exitOK, "  " + w.id: exitOK, "y\n": exitFailed, "": exitFailed, "\n": exitFailed} {
				s := start(t)
				r := s.kmlctl(t, outside{in: strings.NewReader(typed), terminal: true}, args...)
				if !strings.Contains(r.err, w.names) {
					t.Errorf("it asks %q", r.err)
				}
				if r.code != code || (len(s.wrote()) > 0) != (code == exitOK) {
					t.Errorf("after %q: code %d, %v\n%s", typed, r.code, s.wrote(), r.err)
				}
			}
			s := start(t)
			if r := s.kmlctl(t, outside{}, args...); r.code != exitUsage || len(s.asked) > 0 {
				t.Errorf("without a terminal: code %d, %v", r.code, s.asked)
			}
		})
	}
}

// The key and the answer cannot both come from standard input.
func TestConfirmationWithAKeyOnStandardInput(t *testing.T) {
	t.Parallel()
	s := start(t)
	if r := s.kmlctl(t, outside{in: strings.NewReader(secret + "\n"), terminal: true}, "labs", "end", "lab-1", "--key-stdin"); r.code != exitUsage || len(s.wrote()) > 0 {
		t.Errorf("code %d, %v", r.code, s.wrote())
	}
}

// Nothing asks for what changes nothing.
func TestReadingAsksNothing(t *testing.T) {
	t.Parallel()
	s := start(t)
	in, out := io.Pipe()
	defer func() { _ = out.Close() }() // a reader of it would wait
	if r := s.kmlctl(t, outside{in: in, terminal: true}, "accounts", "release", "123456789012", "--reason", "fine"); r.code != exitOK {
		t.Errorf("code %d: %s", r.code, r.err)
	}
}
