package mongo_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/storetest"
)

// document is one kind of document with an insert and a compare-and-set.
type document struct {
	insert func(ctx context.Context) error
	swap   func(ctx context.Context, reason string) error // from the last swap's state
	other  func(ctx context.Context) error                // a swap by somebody else
	reason func(ctx context.Context) (string, error)      // as stored
}

// swapped is a document that is read by get and swapped by a store; next gives
// its successor with a reason, reason reads it.
func swapped[T any](doc *T, insert func(ctx context.Context, doc *T) error, get func(ctx context.Context) (*T, error),
	swap func(ctx context.Context, old, next *T) error, next func(old *T, reason string) *T, reason func(*T) string) document {
	return document{
		insert: func(ctx context.Context) error { return insert(ctx, doc) },
		swap:   func(ctx context.Context, reason string) error { return swap(ctx, doc, next(doc, reason)) },
		other: func(ctx context.Context) error {
			now, err := get(ctx)
			if err != nil {
				return err
			}
			return swap(ctx, now, next(now, "other"))
		},
		reason: func(ctx context.Context) (string, error) {
			now, err := get(ctx)
			if err != nil {
				return "", err
			}
			return reason(now), nil
		},
	}
}

func documents(db *mongo.DB) map[string]document {
	account, session, run := storetest.Account(1), storetest.Session(1), storetest.Run(1)
	key, webhook, empty := storetest.APIKey("k1", "admin"), storetest.Webhook(1, "ada"), &fleet.Calendar{Purpose: fleet.Testing}
	return map[string]document{
		"account": swapped(account, db.Accounts().Insert,
			func(ctx context.Context) (*fleet.Account, error) { return db.Accounts().Get(ctx, account.ID) }, db.Accounts().Swap,
			func(old *fleet.Account, reason string) *fleet.Account {
				n := old.Clone()
				n.Version, n.Reason = n.Version+1, reason
				return n
			}, func(a *fleet.Account) string { return a.Reason }),
		"session": swapped(session, db.Sessions().Insert,
			func(ctx context.Context) (*fleet.Session, error) { return db.Sessions().Get(ctx, session.ID) }, db.Sessions().Swap,
			func(old *fleet.Session, reason string) *fleet.Session {
				n := old.Clone()
				n.Version, n.Reason = n.Version+1, reason
				return n
			}, func(s *fleet.Session) string { return s.Reason }),
		"cleaning": swapped(run, db.Cleanings().Insert,
			func(ctx context.Context) (*fleet.CleaningRun, error) { return db.Cleanings().Get(ctx, run.ID) }, db.Cleanings().Swap,
			func(old *fleet.CleaningRun, reason string) *fleet.CleaningRun {
				n := *old
				n.Version, n.Reason = n.Version+1, reason
				return &n
			}, func(r *fleet.CleaningRun) string { return r.Reason }),
		"key": swapped(key, db.Keys().Insert,
			func(ctx context.Context) (*fleet.APIKey, error) { return db.Keys().Get(ctx, key.ID) }, db.Keys().Swap,
			func(old *fleet.APIKey, reason string) *fleet.APIKey {
				n := old.Clone()
				n.Version, n.Name = n.Version+1, reason
				return n
			}, func(k *fleet.APIKey) string { return k.Name }),
		"webhook": swapped(webhook, db.Webhooks().Insert,
			func(ctx context.Context) (*fleet.Webhook, error) { return db.Webhooks().Get(ctx, webhook.ID) }, db.Webhooks().Swap,
			func(old *fleet.Webhook, reason string) *fleet.Webhook {
				n := old.Clone()
				n.Version, n.Name = n.Version+1, reason
				return n
			}, func(w *fleet.Webhook) string { return w.Name }),
		"calendar": swapped(&fleet.Calendar{Purpose: fleet.Testing, Version: 1},
			func(ctx context.Context, c *fleet.Calendar) error { return db.Calendars().Swap(ctx, empty, c) },
			func(ctx context.Context) (*fleet.Calendar, error) { return db.Calendars().Get(ctx, fleet.Testing) }, db.Calendars().Swap,
			func(old *fleet.Calendar, reason string) *fleet.Calendar {
				n := old.Clone()
				n.Version, n.Bookings = n.Version+1, []fleet.Booking{{ID: "b1", Title: reason}}
				return n
			}, func(c *fleet.Calendar) string { return c.Bookings[0].Title }),
	}
}

func eachDocument(t *testing.T, test func(t *testing.T, ctx context.Context, d document, hook *atomic.Pointer[mongosim.Hook])) {
	for _, name := range []string{"account", "session", "cleaning", "key", "webhook", "calendar"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			db, hook := breakable(t)
			test(t, ctx, documents(db)[name], hook)
		})
	}
}

// TestLostReplyToTheDoors loses replies to the writes that are not swaps of
// documents with an id of their own.
func TestLostReplyToTheDoors(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, hook := breakable(t)
	lost := func(command string, write func() error) {
		t.Helper()
		set(hook, lostOnce(command))
		if err := write(); err != nil {
			t.Errorf("%s whose reply was lost: %v", command, err)
		}
		hook.Store(nil)
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	call := fleet.IdempotentCall{ID: "c", Digest: []byte("d"), Claim: "mine", At: at, Expires: at.Add(time.Hour)}
	begin := func(claim string, want string) func() error {
		return func() error {
			c := call
			c.Claim = claim
			got, err := db.Calls().Begin(ctx, c, at)
			if err == nil && got.Claim != want {
				t.Errorf("%s is told that %q stands", claim, got.Claim)
			}
			return err
		}
	}
	lost("findAndModify", begin("mine", "mine"))
	set(hook, refused("findAndModify"))
	if err := begin("other", "mine")(); err == nil {
		t.Error("a claim that was not made was not told")
	}
	hook.Store(nil)
	lost("update", func() error { return db.Calls().Finish(ctx, "c", "mine", 201, nil) })
	if err := db.Calls().Finish(ctx, "c", "other", 201, nil); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("finished by another: %v", err)
	}
	lost("insert", func() error { return db.LabTypeFiles().Put(ctx, fleet.LabType{Name: "l", Revision: 1}, "ada", at) })
	target := fleet.PoolTarget{Org: "o", OU: "u", Warm: 1}
	for version, command := range []string{"insert", "update"} {
		lost(command, func() error {
			got, err := db.PoolTargets().Set(ctx, target, int64(version))
			if err == nil && got.Version != int64(version+1) {
				t.Errorf("version %d after %d", got.Version, version)
			}
			return err
		})
	}
}

// TestRefusedDoorWritesAreNoAnswers: what is not known is neither success nor
// one of the fleet's errors.
func TestRefusedDoorWritesAreNoAnswers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, hook := breakable(t)
	at := time.Now()
	for command, writes := range map[string][]func() error{
		"insert": {
			func() error { return db.Deliveries().Add(ctx, storetest.Delivery(1)) },
			func() error { return db.Calendars().Archive(ctx, storetest.Booking(1)) },
			func() error { return db.LabTypeFiles().Put(ctx, fleet.LabType{Name: "l"}, "ada", at) },
			func() error { _, err := db.PoolTargets().Set(ctx, fleet.PoolTarget{Org: "o"}, 0); return err },
		},
		"update": {
			func() error { return db.Keys().Touch(ctx, "k", "192.0.2.1", at) },
			func() error { return db.Calls().Finish(ctx, "c", "mine", 200, nil) },
			func() error { return db.Sessions().Published(ctx, "s", 1) },
		},
		"delete": {
			func() error { return db.Calls().Abandon(ctx, "c", "mine") },
			func() error { return db.Webhooks().Delete(ctx, "w") },
		},
		"findAndModify": {
			func() error {
				_, err := db.Calls().Begin(ctx, fleet.IdempotentCall{ID: "c", Claim: "a"}, at)
				return err
			},
		},
		"aggregate": {
			func() error { _, err := db.Reports().Usage(ctx, at, at); return err },
			func() error { _, err := db.LabTypeFiles().Latest(ctx); return err },
			func() error { _, err := db.Keys().CountRole(ctx, "admin", at); return err },
		},
		"find": {
			func() error { _, err := db.Keys().Find(ctx, "", "", 0); return err },
			func() error { _, err := db.Webhooks().Find(ctx, "", true, "", 0); return err },
			func() error { _, err := db.Deliveries().Find(ctx, fleet.DeliveryQuery{}); return err },
			func() error { _, err := db.PoolTargets().All(ctx); return err },
			func() error { _, err := db.Calendars().Get(ctx, fleet.Testing); return err },
			func() error { _, err := db.Calendars().Archived(ctx, "b"); return err },
			func() error { _, err := db.Calendars().Past(ctx, "", at, at, 0); return err },
		},
	} {
		set(hook, refused(command))
		for i, write := range writes {
			err := write()
			for _, known := range []error{fleet.ErrNotFound, fleet.ErrExists, fleet.ErrConflict} {
				if err == nil || errors.Is(err, known) {
					t.Errorf("refused %s %d: %v", command, i, err)
				}
			}
		}
		hook.Store(nil)
	}
}
