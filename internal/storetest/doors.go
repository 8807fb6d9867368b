package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/kodekloud/kml/internal/fleet"
)

// suite runs each test on an empty store of its own.
func suite[S any](t *testing.T, open func(t *testing.T) S, tests map[string]func(*testing.T, context.Context, S)) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, ctxFor(t), open(t))
		})
	}
}

// swapper is a store of versioned documents.
type swapper[T any] interface {
	Get(ctx context.Context, id string) (*T, error)
	Swap(ctx context.Context, old, next *T) error
}

// swaps tests Get and Swap of a document that is stored already. next gives the
// successor of a document, marked with i; mark reads the mark.
func swaps[T any](t *testing.T, ctx context.Context, s swapper[T], id string, next func(old *T, i int) *T, mark func(*T) int) {
	t.Helper()
	_, err := s.Get(ctx, "none")
	wantErr(t, err, fleet.ErrNotFound)
	old, err := s.Get(ctx, id)
	must(t, err)
	first := next(old, 1)
	must(t, s.Swap(ctx, old, first))
	got, err := s.Get(ctx, id)
	must(t, err)
	equal(t, "after a swap", got, first)
	wantErr(t, s.Swap(ctx, old, next(old, 2)), fleet.ErrConflict)
	winner := oneWinner(t, race(16, func(i int) error { return s.Swap(ctx, first, next(first, i)) }), fleet.ErrConflict)
	got, err = s.Get(ctx, id)
	must(t, err)
	equal(t, "the winner", mark(got), winner)
}

// Webhooks tests a store of webhooks. open gives an empty one to each test.
func Webhooks(t *testing.T, open func(t *testing.T) fleet.Webhooks) {
	suite(t, open, map[string]func(*testing.T, context.Context, fleet.Webhooks){
		"Swap": webhookSwap, "Find": findWebhooks, "Delete": deleteWebhook,
	})
}

// Webhook is webhook number n of an owner.
func Webhook(n int, owner string) *fleet.Webhook {
	return &fleet.Webhook{ID: fmt.Sprintf("w%03d", n), Owner: owner, Name: "school", URL: "https://example.com/hook",
		Events: []string{fleet.EventLabActive}, CreatedAt: at(n), Version: 1,
		Secrets: []fleet.WebhookSecret{{Secret: fleet.Sealed{KeyID: "k", Nonce: []byte{1}, Data: []byte{2}}}}}
}

func webhookSwap(t *testing.T, ctx context.Context, s fleet.Webhooks) {
	w := Webhook(1, "ada")
	must(t, s.Insert(ctx, w))
	wantErr(t, s.Insert(ctx, Webhook(1, "bob")), fleet.ErrExists)
	swaps(t, ctx, s, w.ID, func(old *fleet.Webhook, i int) *fleet.Webhook {
		n := old.Clone()
		n.Version++
		n.Name, n.Off, n.Callbacks = fmt.Sprint(i), i%2 == 1, true
		n.Events = nil
		n.Secrets[0].Until = stored(at(5))
		return n
	}, func(w *fleet.Webhook) (i int) {
		_, err := fmt.Sscan(w.Name, &i)
		must(t, err)
		return i
	})
}

func findWebhooks(t *testing.T, ctx context.Context, s fleet.Webhooks) {
	for n, owner := range []string{"ada", "bob", "ada", "", "ada"} {
		must(t, s.Insert(ctx, Webhook(n, owner)))
	}
	for name, c := range map[string]struct {
		owner string
		all   bool
		after string
		limit int
		want  []string
	}{
		"own":      {"ada", false, "", 0, []string{"w000", "w002", "w004"}},
		"no owner": {"", false, "", 0, []string{"w003"}},
		"all":      {"", true, "", 0, []string{"w000", "w001", "w002", "w003", "w004"}},
		"page":     {"ada", false, "w000", 1, []string{"w002"}},
		"rest":     {"", true, "w002", 0, []string{"w003", "w004"}},
		"nobody":   {"eve", false, "", 0, []string{}},
	} {
		got, err := s.Find(ctx, c.owner, c.all, c.after, c.limit)
		must(t, err)
		equal(t, name, ids(got, func(w *fleet.Webhook) string { return w.ID }), c.want)
	}
}

func deleteWebhook(t *testing.T, ctx context.Context, s fleet.Webhooks) {
	w := Webhook(1, "ada")
	wantErr(t, s.Delete(ctx, w.ID), fleet.ErrNotFound)
	must(t, s.Insert(ctx, w))
	must(t, s.Delete(ctx, w.ID))
	_, err := s.Get(ctx, w.ID)
	wantErr(t, err, fleet.ErrNotFound)
	n := w.Clone()
	n.Version++
	wantErr(t, s.Swap(ctx, w, n), fleet.ErrNotFound)
}

// Deliveries tests a store of deliveries. open gives an empty one to each test.
func Deliveries(t *testing.T, open func(t *testing.T) fleet.Deliveries) {
	suite(t, open, map[string]func(*testing.T, context.Context, fleet.Deliveries){
		"AddIsOnce": addDeliveries, "Swap": deliverySwap, "Find": findDeliveries,
	})
}

// Delivery is delivery number n, pending, due since minute n.
func Delivery(n int) *fleet.Delivery {
	return &fleet.Delivery{ID: fmt.Sprintf("d%03d", n), Webhook: "w1", Owner: "ada", URL: "https://example.com/hook",
		Event: fleet.Event{ID: fmt.Sprint("session/s/", n), Type: fleet.EventLabActive, At: at(n), Lab: "s"},
		State: fleet.DeliveryPending, NextTry: at(n), CreatedAt: at(n), Version: 1}
}

func deliveryIDs(list []*fleet.Delivery) []string {
	return ids(list, func(d *fleet.Delivery) string { return d.ID[3:] })
}

func addDeliveries(t *testing.T, ctx context.Context, s fleet.Deliveries) {
	must(t, s.Add(ctx))
	must(t, s.Add(ctx, Delivery(1)))
	again := Delivery(1)
	again.State = fleet.DeliveryDead
	for _, err := range race(8, func(int) error { return s.Add(ctx, Delivery(0), again, Delivery(2)) }) {
		must(t, err)
	}
	got, err := s.Find(ctx, fleet.DeliveryQuery{})
	must(t, err)
	equal(t, "newest first", deliveryIDs(got), []string{"2", "1", "0"})
	want := Delivery(1)
	want.NextTry, want.CreatedAt, want.Event.At = stored(want.NextTry), stored(want.CreatedAt), stored(want.Event.At)
	equal(t, "the first stays", got[1], want)
}

func deliverySwap(t *testing.T, ctx context.Context, s fleet.Deliveries) {
	d := Delivery(1)
	must(t, s.Add(ctx, d))
	swaps(t, ctx, s, d.ID, func(old *fleet.Delivery, i int) *fleet.Delivery {
		n := old.Clone()
		n.Version++
		n.Attempts, n.State, n.DoneAt, n.Status, n.Error = i, fleet.DeliveryDead, stored(at(9)), 500, "refused"
		return n
	}, func(d *fleet.Delivery) int { return d.Attempts })
}

func findDeliveries(t *testing.T, ctx context.Context, s fleet.Deliveries) {
	for n := range 8 {
		d := Delivery(n)
		d.CreatedAt = at(n / 2) // two at a time: the id decides
		d.NextTry = at(20 - n)
		d.Webhook, d.Owner = fmt.Sprint("w", n%2), []string{"ada", "bob", "eve"}[n%3]
		d.State = []fleet.DeliveryState{fleet.DeliveryPending, fleet.DeliveryDelivered}[n/4]
		must(t, s.Add(ctx, d))
	}
	cursor := func(n int) fleet.Cursor { return fleet.Cursor{At: stored(at(n / 2)), ID: fmt.Sprintf("d%03d", n)} }
	for name, c := range map[string]struct {
		q    fleet.DeliveryQuery
		want []string
	}{
		"all":       {fleet.DeliveryQuery{}, []string{"7", "6", "5", "4", "3", "2", "1", "0"}},
		"page":      {fleet.DeliveryQuery{Cursor: cursor(5), Limit: 2}, []string{"4", "3"}},
		"next page": {fleet.DeliveryQuery{Cursor: cursor(3)}, []string{"2", "1", "0"}},
		"webhook":   {fleet.DeliveryQuery{Webhook: "w1"}, []string{"7", "5", "3", "1"}},
		"owner":     {fleet.DeliveryQuery{Owner: "ada", Cursor: cursor(6)}, []string{"3", "0"}},
		"state":     {fleet.DeliveryQuery{State: fleet.DeliveryDelivered}, []string{"7", "6", "5", "4"}},
		"due":       {fleet.DeliveryQuery{Due: at(18)}, []string{"3", "2"}},
		"due page":  {fleet.DeliveryQuery{Due: at(20), Cursor: fleet.Cursor{At: stored(at(18)), ID: "d002"}}, []string{"1", "0"}},
		"due, done": {fleet.DeliveryQuery{Due: at(14), State: fleet.DeliveryDelivered}, []string{"7", "6"}},
		"both":      {fleet.DeliveryQuery{Webhook: "w1", Owner: "bob", State: fleet.DeliveryDelivered}, []string{"7"}},
		"nothing":   {fleet.DeliveryQuery{Webhook: "none"}, []string{}},
	} {
		got, err := s.Find(ctx, c.q)
		must(t, err)
		equal(t, name, deliveryIDs(got), c.want)
	}
}
