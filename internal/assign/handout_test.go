package assign_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

func TestHandOutGivesWhatTheLabTypeAllows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ready(t, 1)
	b.clock.Advance(300 * time.Millisecond)
	s := b.active(t, 1)
	end := t0.Add(time.Hour + time.Second) // AWS knows whole seconds: rounded up
	if !s.EndsAt.Equal(end) || s.StartedAt.IsZero() || s.AccountID != a.ID {
		t.Fatalf("session is %+v", s)
	}
	if until, open := b.aws.until(a.ID); !open || !until.Equal(end) {
		t.Fatalf("AWS allows until %v, %v", until, open)
	}
	c, err := b.Reveal(b.ctx, s.ID)
	must(t, err)
	if c.SecretKey != secretKey || c.Password != password || c.AccountID != a.ID || !strings.Contains(c.ConsoleURL, a.ID) {
		t.Fatal("credentials are not those of the account")
	}
	must(t, b.HandOut(b.ctx, a.ID, s.Epoch)) // once more: nothing left to do
	if again := b.session(t, s.ID); again.Version != s.Version || b.aws.grants != 1 {
		t.Fatalf("a second hand-out wrote version %d, granted %d times", again.Version, b.aws.grants)
	}
}

// An account is claimed, then its session does not want it any more.
func TestSessionEndsBeforeItsAccountIsTouched(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*bundle, *fleet.Session) error{
		"after the claim": func(b *bundle, w *fleet.Session) error { return b.End(b.ctx, w.ID, "not needed") },
		"within the claim": func(b *bundle, w *fleet.Session) error {
			n := w.Clone() // the claim's second half has not come
			n.State, n.AccountID, n.AttemptID, n.Epoch = fleet.SessionWaiting, "", "", 0
			n.Version++
			return errors.Join(b.db.Sessions().Swap(b.ctx, w, n), b.End(b.ctx, w.ID, "not needed"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			a := b.ready(t, 1)
			w := b.accept(t, 1)
			b.match(t)
			must(t, end(b, b.session(t, w.ID)))
			a = b.account(t, a.ID)
			must(t, b.HandOut(b.ctx, a.ID, a.Epoch))
			if s := b.session(t, w.ID); s.State != fleet.SessionCancelled || s.Reason != "not needed" {
				t.Fatalf("session is %s: %s", s.State, s.Reason)
			}
			if a = b.account(t, a.ID); a.State != fleet.UserCreated || a.SessionID != "" || b.aws.grants != 0 {
				t.Fatalf("account is %s for %q, granted %d times", a.State, a.SessionID, b.aws.grants)
			}
			b.accept(t, 2)
			if n := b.match(t); n != 1 {
				t.Fatal("the account serves nobody any more")
			}
		})
	}
}

func TestSessionEndsDuringTheHandOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ready(t, 1)
	w := b.accept(t, 1)
	b.match(t)
	a = b.account(t, a.ID)
	b.aws.on("grant", nil, func(*fleet.Account) error { return b.End(b.ctx, w.ID, "changed their mind") })
	must(t, b.HandOut(b.ctx, a.ID, a.Epoch))
	s := b.session(t, w.ID)
	if s.State != fleet.SessionCancelled || s.Access != nil {
		t.Fatalf("session is %s, access %v", s.State, s.Access != nil)
	}
	if a = b.account(t, a.ID); a.State != fleet.Cleanup {
		t.Fatalf("account is %s", a.State)
	}
}

// The grant failed half-way, then the session ends: AWS may know of it.
func TestSessionEndsAfterATouch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ready(t, 1)
	w := b.accept(t, 1)
	b.match(t)
	a = b.account(t, a.ID)
	lost := errors.New("the reply was lost")
	b.aws.on("grant", nil, func(*fleet.Account) error { return lost })
	wantErr(t, b.HandOut(b.ctx, a.ID, a.Epoch), lost)
	must(t, b.End(b.ctx, w.ID, "not needed"))
	must(t, b.HandOut(b.ctx, a.ID, a.Epoch))
	if a = b.account(t, a.ID); a.State != fleet.Cleanup {
		t.Fatalf("a touched account is %s", a.State)
	}
}

// The worker dies between the account's last write and the session's.
func TestResumeAfterACrash(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(*bundle, *fleet.Session) error
		resume    func(*bundle, *fleet.Session, *fleet.Account) error
		session   fleet.SessionState
		account   fleet.State
	}{
		"by the same task": {nil, func(b *bundle, _ *fleet.Session, a *fleet.Account) error { return b.HandOut(b.ctx, a.ID, a.Epoch) },
			fleet.SessionActive, fleet.InUse},
		"by the sweeper": {nil, func(b *bundle, s *fleet.Session, _ *fleet.Account) error { return b.Recover(b.ctx, s) },
			fleet.SessionActive, fleet.InUse},
		"asked to end": {func(b *bundle, s *fleet.Session) error { return b.End(b.ctx, s.ID, "enough") },
			func(b *bundle, s *fleet.Session, _ *fleet.Account) error { return b.Recover(b.ctx, s) },
			fleet.SessionCancelled, fleet.Cleanup},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			a := b.ready(t, 1)
			w := b.accept(t, 1)
			b.match(t)
			a = b.account(t, a.ID)
			b.aws.on("grant", nil, func(*fleet.Account) error { b.faults(refuse("sessions")); return nil })
			if err := b.HandOut(b.ctx, a.ID, a.Epoch); err == nil {
				t.Fatal("the session could not be written and nobody noticed")
			}
			b.faults(nil)
			a = b.account(t, a.ID)
			if s := b.session(t, w.ID); a.State != fleet.InUse || s.State != fleet.SessionAssigning {
				t.Fatalf("account %s, session %s", a.State, s.State)
			}
			if c.meanwhile != nil {
				must(t, c.meanwhile(b, w))
			}
			must(t, c.resume(b, b.session(t, w.ID), a))
			if s, a := b.session(t, w.ID), b.account(t, a.ID); s.State != c.session || a.State != c.account {
				t.Fatalf("session %s, account %s", s.State, a.State)
			}
		})
	}
}

// Two tries of one hand-out run at once: one gives way, the session is served once.
func TestTwoHandOutsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ready(t, 1)
	w := b.accept(t, 1)
	b.match(t)
	a = b.account(t, a.ID)
	granting := make(chan struct{})
	var calls atomic.Int64
	b.aws.on("grant", func(*fleet.Account) error {
		b.clock.Advance(3 * time.Second) // so that their ends differ
		if calls.Add(1) == 1 {
			granting <- struct{}{}
			<-granting
		}
		return nil
	}, nil)
	first := make(chan error)
	go func() { first <- b.HandOut(b.ctx, a.ID, a.Epoch) }()
	<-granting
	must(t, b.HandOut(b.ctx, a.ID, a.Epoch)) // overtakes it
	close(granting)
	var snooze *fleet.SnoozeError
	if err := <-first; !errors.As(err, &snooze) {
		t.Fatalf("the slow one got %v", err)
	}
	must(t, b.HandOut(b.ctx, a.ID, a.Epoch))
	s := b.session(t, w.ID)
	until, _ := b.aws.until(a.ID)
	if s.State != fleet.SessionActive || until.After(s.EndsAt) {
		t.Fatalf("session %s until %v, AWS until %v", s.State, s.EndsAt, until)
	}
}

// A write that has nothing to do with the hand-out does not undo it.
func TestHandOutBesideASync(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.ready(t, 1)
	w := b.accept(t, 1)
	b.match(t)
	a = b.account(t, a.ID)
	b.aws.on("grant", nil, func(*fleet.Account) error {
		_, err := b.machine.EditLatest(b.ctx, a.ID, func(n *fleet.Account) error { n.Leaving = true; return nil })
		return err
	})
	must(t, b.HandOut(b.ctx, a.ID, a.Epoch))
	if s := b.session(t, w.ID); s.State != fleet.SessionActive || b.aws.grants != 1 {
		t.Fatalf("session %s after %d grants", s.State, b.aws.grants)
	}
}

func TestRequeueUpToALimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.accept(t, 1)
	younger := b.accept(t, 2)
	for try := 1; try <= 3; try++ {
		b.ready(t, try)
		b.match(t)
		s := b.session(t, w.ID)
		a := b.account(t, s.AccountID)
		if s.State != fleet.SessionAssigning || b.session(t, younger.ID).State != fleet.SessionWaiting {
			t.Fatalf("try %d: the requeued session lost its place", try)
		}
		_, err := b.machine.Move(b.ctx, a, fleet.AssigningFailed, "no key", nil)
		must(t, err)
		for range 2 { // twice is once
			must(t, b.Requeue(b.ctx, s.ID, a.ID, fmt.Sprint("no key, try ", try)))
		}
		must(t, b.Requeue(b.ctx, s.ID, "another account", "not ours"))
		want := fleet.SessionWaiting
		if try == 3 {
			want = fleet.SessionFailed
		}
		if s = b.session(t, s.ID); s.State != want || s.Tries != try || s.AccountID != "" {
			t.Fatalf("after try %d: %+v", try, s)
		}
	}
	if s := b.session(t, w.ID); s.Reason != "no key, try 3" || s.EndedAt.IsZero() {
		t.Fatalf("failed session is %+v", s)
	}
}

// The account's failure was written, and the process died before it told the
// session; or somebody took the account off its way altogether.
func TestRecoverASessionThatNobodyServes(t *testing.T) {
	t.Parallel()
	for _, to := range []fleet.State{fleet.AssigningFailed, fleet.Failed, fleet.Cleanup} {
		t.Run(string(to), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.ready(t, 1)
			w := b.accept(t, 1)
			b.match(t)
			s := b.session(t, w.ID)
			_, err := b.machine.Move(b.ctx, b.account(t, s.AccountID), to, "no key", nil)
			must(t, err)
			must(t, b.Recover(b.ctx, s))
			if s = b.session(t, w.ID); s.State != fleet.SessionWaiting {
				t.Fatalf("session is %s", s.State)
			}
		})
	}
	t.Run("still served", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.ready(t, 1)
		w := b.accept(t, 1)
		b.match(t)
		s := b.session(t, w.ID)
		must(t, b.Recover(b.ctx, s))
		if now := b.session(t, w.ID); now.Version != s.Version {
			t.Fatalf("a session on its way was written: %+v", now)
		}
	})
}
