package webhook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/webhook"
)

func verifies(t *testing.T, secret string, g got) error {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	must(t, err)
	return w.Verify(g.body, g.header)
}

// Over TLS, to a receiver that verifies as the standard says.
func TestDeliversSigned(t *testing.T) {
	t.Parallel()
	r := receive(t, true, nil)
	b := setup(t, r.trust)
	_, secret := b.create(t, r.URL+"/hooks")
	must(t, b.Deliver(b.ctx, []fleet.Event{event(3, fleet.EventLabActive)}))
	d := b.run(t, b.one(t))
	if d.State != fleet.DeliveryDelivered || d.Status != 200 || d.Attempts != 1 || d.Error != "" || !d.DoneAt.Equal(b.clock.Now()) {
		t.Fatalf("delivery is %+v", d)
	}
	calls := r.got()
	if len(calls) != 1 || calls[0].path != "/hooks" {
		t.Fatalf("calls %+v", calls)
	}
	g := calls[0]
	must(t, verifies(t, secret, g))
	if err := verifies(t, "whsec_"+strings.Repeat("A", 43)+"=", g); err == nil {
		t.Error("verifies with another secret")
	}
	g.body = append(g.body, ' ')
	if err := verifies(t, secret, g); err == nil {
		t.Error("verifies another body")
	}
	if g.header.Get("webhook-id") != "session/s1/3" || g.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(g.header.Get("User-Agent"), "kml") {
		t.Errorf("headers %v", g.header)
	}
	var body struct {
		Type      string
		Timestamp time.Time
		Data      struct{ ID, Lab, Student string }
	}
	must(t, json.Unmarshal(g.body, &body))
	if body.Type != "lab.active" || body.Data.ID != "session/s1/3" || body.Data.Lab != "s1" || body.Data.Student != "ada" || !body.Timestamp.Equal(event(3, "").At) {
		t.Errorf("body %s", g.body)
	}
}

func TestWhoGetsWhat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	add := func(owner, name string, edit func(*webhook.Spec)) {
		spec := webhook.Spec{Name: name, URL: "https://example.org/" + name}
		edit(&spec)
		_, _, err := b.Create(b.ctx, owner, spec)
		must(t, err)
	}
	add("academy", "mine", func(*webhook.Spec) {})
	add("academy", "filtered", func(s *webhook.Spec) { s.Events = []string{fleet.EventLabEnded} })
	add("academy", "off", func(s *webhook.Spec) { s.Off = true })
	add("bootcamp", "theirs", func(*webhook.Spec) {})
	add("", "operators", func(*webhook.Spec) {})
	must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive), event(2, fleet.EventLabEnded), {ID: "account/1/7", Type: fleet.EventAccount}}))
	sent := map[string]bool{}
	for _, k := range b.take() {
		d := b.delivery(t, k.delivery)
		sent[strings.TrimPrefix(d.URL, "https://example.org/")+" "+d.Event.ID] = true
	}
	want := []string{"mine session/s1/1", "mine session/s1/2", "filtered session/s1/2", "operators session/s1/1", "operators session/s1/2", "operators account/1/7"}
	for _, w := range want {
		if !sent[w] {
			t.Errorf("missing: %s", w)
		}
		delete(sent, w)
	}
	for w := range sent {
		t.Errorf("too much: %s", w)
	}
}

// An event that is told twice is delivered once.
func TestDeliverTwiceIsOnce(t *testing.T) {
	t.Parallel()
	r := receive(t, false, nil)
	b := setup(t)
	b.create(t, r.URL)
	for range 2 {
		must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
		for _, k := range b.take() {
			b.run(t, k)
		}
	}
	if n := len(r.got()); n != 1 {
		t.Fatalf("%d requests", n)
	}
}

// calling is the event of a lab with a callback.
func calling(e fleet.Event, url string) fleet.Event {
	e.Callback = url
	return e
}

func TestCallbackOfALab(t *testing.T) {
	t.Parallel()
	r := receive(t, false, status(410, 200))
	b := setup(t)
	for n := range 2 {
		must(t, b.Deliver(b.ctx, []fleet.Event{calling(event(n, fleet.EventLabActive), fmt.Sprintf("%s/lab/%d", r.URL, n))}))
	}
	all := b.take()
	if len(all) != 2 {
		t.Fatalf("tasks %v", all)
	}
	// One callback that is gone says nothing of the others'.
	if d := b.run(t, all[0]); d.State != fleet.DeliveryDead {
		t.Fatalf("%+v", d)
	}
	if d := b.run(t, all[1]); d.State != fleet.DeliveryDelivered {
		t.Fatalf("%+v", d)
	}
	hooks, err := b.List(b.ctx, "academy", false, "", 0)
	must(t, err)
	if len(hooks) != 1 || !hooks[0].Callbacks || hooks[0].URL != "" {
		t.Fatalf("webhooks %+v", hooks)
	}
	_, secret, _, err := b.Rotate(b.ctx, hooks[0], time.Hour)
	must(t, err)
	must(t, b.Deliver(b.ctx, []fleet.Event{calling(event(5, fleet.EventLabEnded), r.URL+"/lab/5")}))
	b.run(t, b.one(t))
	calls := r.got()
	if g := calls[len(calls)-1]; g.path != "/lab/5" || verifies(t, secret, g) != nil {
		t.Errorf("callback %s: %v", g.path, verifies(t, secret, g))
	}
	if _, _, err := b.Create(b.ctx, "academy", webhook.Spec{Name: "second", Callbacks: true}); !errors.Is(err, fleet.ErrExists) {
		t.Errorf("a second webhook of callbacks: %v", err)
	}
}

// A receiver that fails is tried for two days, ever more rarely, under one id;
// then the delivery is a dead letter, which can be sent again.
func TestBackoffDeadLetterAndRedelivery(t *testing.T) {
	t.Parallel()
	r := receive(t, false, status(500, 503, 404, 429, 500, 500, 500, 500, 500, 500, 500, 200))
	b := setup(t)
	b.create(t, r.URL)
	must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
	var d *fleet.Delivery
	var waits []time.Duration
	for n := range webhook.MaxAttempts {
		d = b.run(t, b.one(t))
		if d.Attempts != n+1 || d.Error == "" {
			t.Fatalf("after %d: %+v", n+1, d)
		}
		if d.State == fleet.DeliveryPending {
			waits = append(waits, d.NextTry.Sub(b.clock.Now()))
		}
	}
	want := []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour}
	for i, w := range want {
		if len(waits) != len(want) || waits[i] < w-w/10-time.Millisecond || waits[i] > w+w/10 {
			t.Fatalf("waits %v, want about %v", waits, want)
		}
	}
	if d.State != fleet.DeliveryDead || d.Status != 500 || d.Error != "answered 500 Internal Server Error" || len(b.take()) != 0 {
		t.Fatalf("in the end: %+v", d)
	}
	d, err := b.Redeliver(b.ctx, d.ID)
	must(t, err)
	k := b.one(t)
	if d.State != fleet.DeliveryPending || k.attempt != webhook.MaxAttempts {
		t.Fatalf("%+v, task %+v", d, k)
	}
	if d = b.run(t, k); d.State != fleet.DeliveryPending || d.NextTry.Sub(b.clock.Now()) > 6*time.Second {
		t.Fatalf("the backoff did not begin anew: %+v", d)
	}
	if d = b.run(t, b.one(t)); d.State != fleet.DeliveryDelivered || d.Error != "" {
		t.Fatalf("%+v", d)
	}
	for _, g := range r.got() {
		if g.header.Get("webhook-id") != "session/s1/1" {
			t.Fatalf("id %s", g.header.Get("webhook-id"))
		}
	}
}

// A receiver that was mended does not wait for the next try, which may be a day
// off: the try that is made now goes before it, and the other finds nothing to do.
func TestRedeliverBeforeTheNextTry(t *testing.T) {
	t.Parallel()
	r := receive(t, false, status(500, 200))
	b := setup(t)
	b.create(t, r.URL)
	must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
	waiting := b.run(t, b.one(t))
	later := b.one(t)
	if !waiting.NextTry.After(b.clock.Now()) {
		t.Fatalf("no next try to wait for: %+v", waiting)
	}
	if _, err := b.Redeliver(b.ctx, waiting.ID); err != nil {
		t.Fatal(err)
	}
	now := b.one(t)
	if now.attempt == later.attempt {
		t.Fatalf("the task of the later try is in the way: %+v", now)
	}
	if d := b.run(t, now); d.State != fleet.DeliveryDelivered {
		t.Fatalf("%+v", d)
	}
	must(t, b.Attempt(b.ctx, later.delivery, later.attempt))
	if n := len(r.got()); n != 2 {
		t.Errorf("%d deliveries, want the one that failed and the one that did not", n)
	}
}

// Whoever comes early waits, whoever comes late makes sure that the right task
// exists, and neither sends anything.
func TestTasksOutOfTurn(t *testing.T) {
	t.Parallel()
	r := receive(t, false, status(500))
	b := setup(t)
	b.create(t, r.URL)
	must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
	first := b.one(t)
	b.run(t, first)
	second := b.one(t)
	var snooze *fleet.SnoozeError
	if err := b.Attempt(b.ctx, second.delivery, second.attempt); !errors.As(err, &snooze) || snooze.For <= 0 || snooze.For > 6*time.Second {
		t.Errorf("early: %v", err)
	}
	must(t, b.Attempt(b.ctx, first.delivery, first.attempt))
	if again := b.one(t); again.attempt != second.attempt || len(r.got()) != 1 {
		t.Errorf("%+v, %d requests", again, len(r.got()))
	}
	must(t, b.Attempt(b.ctx, "none", 0))
	// The task is lost: the sweep brings it back, but not before it is late.
	n, err := b.Sweep(b.ctx)
	if err != nil || n != 0 {
		t.Fatalf("swept %d, %v", n, err)
	}
	b.clock.Advance(time.Minute)
	n, err = b.Sweep(b.ctx)
	if back := b.one(t); err != nil || n != 1 || back.attempt != second.attempt || back.delivery != second.delivery {
		t.Errorf("swept %d, %+v, %v", n, back, err)
	}
}

// What is on its way to a webhook goes where the webhook now is, or nowhere.
func TestWebhookChangesMeanwhile(t *testing.T) {
	t.Parallel()
	before, after := receive(t, false, nil), receive(t, false, nil)
	b := setup(t)
	w, _ := b.create(t, before.URL)
	must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive), event(2, fleet.EventLabEnded)}))
	all := b.take()
	_, err := b.Update(b.ctx, w, webhook.Spec{Name: "moved", URL: after.URL})
	must(t, err)
	if d := b.run(t, all[0]); d.State != fleet.DeliveryDelivered || d.URL != after.URL || len(before.got()) != 0 || len(after.got()) != 1 {
		t.Errorf("%+v", d)
	}
	must(t, b.Delete(b.ctx, w.ID))
	if d := b.run(t, all[1]); d.State != fleet.DeliveryDead || d.Error != "the webhook was deleted" || len(after.got()) != 1 {
		t.Errorf("%+v", d)
	}
}
