package assign_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

func TestExtend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ready(t, 1)
	s := b.active(t, 1)
	got, err := b.Extend(b.ctx, s.ID, time.Hour)
	must(t, err)
	want := s.EndsAt.Add(time.Hour)
	until, _ := b.aws.until(s.AccountID)
	a := b.account(t, s.AccountID)
	if !got.EndsAt.Equal(want) || !until.Equal(want) || !a.EndsAt.Equal(want) {
		t.Fatalf("session until %v, AWS %v, account %v, want %v", got.EndsAt, until, a.EndsAt, want)
	}
	for _, by := range []time.Duration{0, -time.Minute, 3 * time.Hour} {
		_, err := b.Extend(b.ctx, s.ID, by)
		wantErr(t, err, fleet.ErrInvalid)
	}
	must(t, b.End(b.ctx, s.ID, "over"))
	_, err = b.Extend(b.ctx, s.ID, time.Minute)
	wantErr(t, err, fleet.ErrEnded)
}

// The session ends while the extension is on its way to AWS, at either side of
// the write, with the cleaning's freeze already done or still to come.
func TestExtendBesideAnEnd(t *testing.T) {
	t.Parallel()
	for _, behind := range []bool{false, true} {
		for _, frozen := range []bool{false, true} {
			b := setup(t)
			b.ready(t, 1)
			s := b.active(t, 1)
			end := func(a *fleet.Account) error {
				err := b.End(b.ctx, s.ID, "over")
				if frozen {
					b.aws.freeze(a.ID)
				}
				return err
			}
			if behind {
				b.aws.on("extend", nil, end)
			} else {
				b.aws.on("extend", end, nil)
			}
			_, err := b.Extend(b.ctx, s.ID, time.Hour)
			wantErr(t, err, fleet.ErrEnded)
			if until, open := b.aws.until(s.AccountID); open {
				t.Errorf("behind %v, frozen %v: AWS allows until %v after the end", behind, frozen, until)
			}
		}
	}
}

// The account goes to the cleaning between the look at it and the freeze: a new
// epoch refuses the session, a new look gives the right one.
func TestRefreezeFollowsTheEpoch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ready(t, 1)
	s := b.active(t, 1)
	refused := false
	b.aws.mu.Lock()
	b.aws.before = func(call string, a *fleet.Account) error {
		switch {
		case call == "extend":
			return b.End(b.ctx, s.ID, "over")
		case call == "refreeze" && !refused:
			refused = true
			return fleet.ErrStaleEpoch
		case call == "refreeze" && a.Epoch != b.account(t, a.ID).Epoch:
			t.Error("frozen with an old epoch")
		}
		return nil
	}
	b.aws.mu.Unlock()
	_, err := b.Extend(b.ctx, s.ID, time.Hour)
	wantErr(t, err, fleet.ErrEnded)
	if _, open := b.aws.until(s.AccountID); open || !refused {
		t.Fatal("AWS is open after the end")
	}
}

// The freeze of what ended is not given up because the caller has gone.
func TestRefreezeOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ready(t, 1)
	s := b.active(t, 1)
	ctx, gone := context.WithCancel(b.ctx)
	b.aws.on("extend", func(*fleet.Account) error { gone(); return b.End(b.ctx, s.ID, "over") }, nil)
	_, err := b.Extend(ctx, s.ID, time.Hour)
	wantErr(t, err, fleet.ErrEnded)
	if _, open := b.aws.until(s.AccountID); open {
		t.Fatal("AWS is open after the end")
	}
}

// The process dies between the session's write and AWS, or AWS and the
// account's write. Until somebody resumes, AWS allows no more than the session
// says; then all three agree.
func TestExtendSurvivesACrash(t *testing.T) {
	t.Parallel()
	crash := errors.New("the process died here")
	for name, hook := range map[string]func(*bundle) (before, behind func(*fleet.Account) error){
		"before AWS": func(*bundle) (_, _ func(*fleet.Account) error) {
			return func(*fleet.Account) error { return crash }, nil
		},
		"behind AWS": func(*bundle) (_, _ func(*fleet.Account) error) {
			return nil, func(*fleet.Account) error { return crash }
		},
		"before the account": func(b *bundle) (_, _ func(*fleet.Account) error) {
			return nil, func(*fleet.Account) error { b.faults(refuse("accounts")); return nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.ready(t, 1)
			s := b.active(t, 1)
			b.aws.on("extend", nil, nil)
			before, behind := hook(b)
			b.aws.on("extend", before, behind)
			if _, err := b.Extend(b.ctx, s.ID, time.Hour); err == nil {
				t.Fatal("nobody noticed")
			}
			b.faults(nil)
			b.aws.on("extend", nil, nil)
			s = b.session(t, s.ID)
			if until, _ := b.aws.until(s.AccountID); until.After(s.EndsAt) {
				t.Fatalf("AWS until %v, session until %v", until, s.EndsAt)
			}
			must(t, b.Resume(b.ctx, b.account(t, s.AccountID)))
			until, _ := b.aws.until(s.AccountID)
			if a := b.account(t, s.AccountID); !until.Equal(s.EndsAt) || !a.EndsAt.Equal(s.EndsAt) {
				t.Fatalf("session until %v, AWS %v, account %v", s.EndsAt, until, a.EndsAt)
			}
		})
	}
}

// Several extensions at once: none is lost, and whatever order AWS hears them
// in, it ends up allowing what the session says.
func TestExtensionsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ready(t, 1)
	s := b.active(t, 1)
	var wg sync.WaitGroup
	for n := range 5 {
		wg.Go(func() {
			if _, err := b.Extend(b.ctx, s.ID, time.Duration(n+1)*time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	want := s.EndsAt.Add(15 * time.Minute)
	until, _ := b.aws.until(s.AccountID)
	if now := b.session(t, s.ID); !now.EndsAt.Equal(want) || !until.Equal(want) {
		t.Fatalf("session until %v, AWS until %v, want %v", now.EndsAt, until, want)
	}
}
