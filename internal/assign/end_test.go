package assign_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongosim"
)

func TestEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	waiting := b.accept(t, 1)
	must(t, b.End(b.ctx, waiting.ID, "not needed"))
	if s := b.session(t, waiting.ID); s.State != fleet.SessionCancelled || s.Reason != "not needed" {
		t.Fatalf("a waiting session became %+v", s)
	}
	b.ready(t, 1)
	s := b.active(t, 2)
	for range 2 { // ending what has ended is no error
		must(t, b.End(b.ctx, s.ID, "done early"))
	}
	s = b.session(t, s.ID)
	if s.State != fleet.SessionEnded || s.Access != nil || s.Reason != "done early" || s.EndedAt.IsZero() {
		t.Fatalf("session is %+v", s)
	}
	if a := b.account(t, s.AccountID); a.State != fleet.Cleanup || a.SessionID != s.ID {
		t.Fatalf("account is %s for %q", a.State, a.SessionID)
	}
}

// The process dies after it ended the session; whoever ends it again, or looks
// at the account, sends the account to the cleaning.
func TestEndIsCompletedAfterACrash(t *testing.T) {
	t.Parallel()
	for name, mend := range map[string]func(*bundle, *fleet.Session, *fleet.Account) error{
		"ended again":  func(b *bundle, s *fleet.Session, _ *fleet.Account) error { return b.End(b.ctx, s.ID, "again") },
		"expired":      func(b *bundle, s *fleet.Session, _ *fleet.Account) error { return b.Expire(b.ctx, s.ID) },
		"by the sweep": func(b *bundle, _ *fleet.Session, a *fleet.Account) error { return b.Resume(b.ctx, a) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.ready(t, 1)
			s := b.active(t, 1)
			b.faults(refuse("accounts"))
			if err := b.End(b.ctx, s.ID, "done early"); err == nil {
				t.Fatal("the account could not be written and nobody noticed")
			}
			b.faults(nil)
			must(t, mend(b, s, b.account(t, s.AccountID)))
			if a := b.account(t, s.AccountID); a.State != fleet.Cleanup {
				t.Fatalf("account is %s", a.State)
			}
		})
	}
}

// Somebody writes the account at the same moment: the end does not wait for a
// sweeper.
func TestEndBesideAnotherWriter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ready(t, 1)
	s := b.active(t, 1)
	races := 3
	var hook mongosim.Hook = func(command, collection string, after bool) mongosim.Fault {
		if command == "find" && collection == "accounts" && after && races > 0 {
			races--
			b.faults(nil) // for the writer itself
			_, err := b.machine.EditLatest(b.ctx, s.AccountID, func(n *fleet.Account) error { n.Name += "x"; return nil })
			if err != nil {
				t.Error(err)
			}
			if races > 0 {
				b.faults(b.racing)
			}
		}
		return mongosim.Fault{}
	}
	b.racing = hook
	b.faults(hook)
	must(t, b.End(b.ctx, s.ID, "done early"))
	if a := b.account(t, s.AccountID); a.State != fleet.Cleanup || a.Name != "labxxx" {
		t.Fatalf("account %s is %s", a.Name, a.State)
	}
}

func TestExpire(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ready(t, 1)
	s := b.active(t, 1)
	var snooze *fleet.SnoozeError
	if err := b.Expire(b.ctx, s.ID); !errors.As(err, &snooze) || snooze.For != s.EndsAt.Sub(b.clock.Now()) {
		t.Fatalf("an hour early: %v", err)
	}
	b.clock.Advance(s.EndsAt.Sub(b.clock.Now()) - time.Millisecond)
	if err := b.Expire(b.ctx, s.ID); !errors.As(err, &snooze) {
		t.Fatalf("a millisecond early: %v", err)
	}
	b.clock.Advance(time.Millisecond)
	must(t, b.Expire(b.ctx, s.ID))
	if s = b.session(t, s.ID); s.State != fleet.SessionEnded {
		t.Fatalf("session is %s", s.State)
	}
	// A session that has not begun has nothing to expire.
	w := b.accept(t, 2)
	must(t, b.Expire(b.ctx, w.ID))
	if w = b.session(t, w.ID); w.State != fleet.SessionWaiting {
		t.Fatalf("waiting session is %s", w.State)
	}
}

// Secrets come out of Reveal, for an active session, and nowhere else.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ready(t, 1)
	waiting := b.accept(t, 1)
	_, err := b.Reveal(b.ctx, waiting.ID)
	wantErr(t, err, fleet.ErrEnded)
	must(t, b.End(b.ctx, waiting.ID, ""))
	s := b.active(t, 2)
	c, err := b.Reveal(b.ctx, s.ID)
	must(t, err)
	var out bytes.Buffer
	log := zerolog.New(&out)
	a := b.account(t, s.AccountID)
	log.Info().Interface("session", s).Interface("account", a).Str("credentials", c.String()).Msg(fmt.Sprintf("%v %+v %#v", c, c, c))
	broken := s.Clone()
	broken.Epoch++ // sealed for another epoch: it cannot be opened
	broken.Version++
	must(t, b.db.Sessions().Swap(b.ctx, s, broken))
	_, err = b.Reveal(b.ctx, s.ID)
	if err == nil {
		t.Fatal("credentials of one epoch were opened in another")
	}
	out.WriteString(err.Error())
	must(t, b.End(b.ctx, s.ID, "over"))
	_, err = b.Reveal(b.ctx, s.ID)
	wantErr(t, err, fleet.ErrEnded)
	out.WriteString(err.Error())
	for _, secret := range []string{secretKey, password} {
		if strings.Contains(out.String(), secret) {
			t.Fatal("a secret was written in the clear")
		}
	}
}
