package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/seal"
	"github.com/kodekloud/kml/internal/webhook"
)

// hookBench is the API with webhooks, whose tasks are in the test's hand.
type hookBench struct {
	*bench
	hooks *webhook.Service
	mu    sync.Mutex
	tasks []func() error
}

func setupHooks(t *testing.T) *hookBench {
	t.Helper()
	h := &hookBench{}
	h.bench = setup(t, func(b *bench, c *Config) {
		sealer, err := seal.New("k1", map[string][]byte{"k1": make([]byte, seal.KeySize)})
		must(t, err)
		h.hooks = webhook.New(webhook.Config{Webhooks: b.db.Webhooks(), Deliveries: b.db.Deliveries(), Sealer: sealer, Clock: b.clock, NewID: b.newID,
			Targets: webhook.Targets{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
			Enqueue: func(_ context.Context, id string, attempt int, _ time.Time) error {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.tasks = append(h.tasks, func() error { return h.hooks.Attempt(b.ctx, id, attempt) })
				return nil
			}})
		t.Cleanup(h.hooks.Close)
		c.Webhooks = h.hooks
	})
	return h
}

// work carries out what is enqueued, and puts nothing off.
func (h *hookBench) work(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	all := h.tasks
	h.tasks = nil
	h.mu.Unlock()
	for _, task := range all {
		must(t, task())
	}
}

func hook(url string) apitypes.WebhookRequest { return apitypes.WebhookRequest{Name: "lms", URL: url} }

func (h *hookBench) create(t *testing.T, as access.Principal, r apitypes.WebhookRequest) apitypes.WebhookSecret {
	t.Helper()
	return decode[apitypes.WebhookSecret](t, h.do(t, as, http.MethodPost, "/v1/webhooks", r), http.StatusCreated)
}

// From the first call to a redelivery, as an owner does it.
func TestWebhookFromCallToCall(t *testing.T) {
	t.Parallel()
	h := setupHooks(t)
	var status int
	var seen []http.Header
	var bodies [][]byte
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen, bodies = append(seen, r.Header), append(bodies, body)
		w.WriteHeader(status)
	}))
	t.Cleanup(receiver.Close)
	made := h.create(t, academy, hook(receiver.URL))
	if made.ID == "" || !strings.HasPrefix(made.Secret, "whsec_") || made.Owner != "academy" || made.Secrets != 1 || made.Version != 1 {
		t.Fatalf("%+v", made.Webhook)
	}
	if a := h.do(t, academy, http.MethodGet, "/v1/webhooks/"+made.ID, nil); strings.Contains(a.body, "whsec_") || a.header.Get("ETag") != `"1"` {
		t.Errorf("%s, ETag %s", a.body, a.header.Get("ETag"))
	}

	status = http.StatusInternalServerError
	sent := decode[apitypes.Delivery](t, h.do(t, academy, http.MethodPost, "/v1/webhooks/"+made.ID+"/ping", nil), http.StatusAccepted)
	h.work(t)
	d := get[apitypes.Delivery](t, h.bench, academy, "/v1/deliveries/"+sent.ID)
	if d.State != "pending" || d.Attempts != 1 || d.Status != 500 || d.NextTry.IsZero() || d.Event.Type != fleet.EventPing {
		t.Fatalf("%+v", d)
	}
	status = http.StatusGone
	h.clock.Advance(time.Minute)
	h.work(t)
	if w := get[apitypes.Webhook](t, h.bench, academy, "/v1/webhooks/"+made.ID); !w.Off || w.Version != 2 {
		t.Fatalf("%+v", w)
	}
	dead := get[apitypes.Page[apitypes.Delivery]](t, h.bench, academy, "/v1/webhooks/"+made.ID+"/deliveries?state=dead")
	if len(dead.Items) != 1 || dead.Items[0].ID != sent.ID || dead.Items[0].Error == "" {
		t.Fatalf("%+v", dead)
	}

	status = http.StatusNoContent
	refused(t, h.do(t, academy, http.MethodPut, "/v1/webhooks/"+made.ID, hook(receiver.URL)), http.StatusPreconditionRequired, "if_match_required")
	refused(t, h.do(t, academy, http.MethodPut, "/v1/webhooks/"+made.ID, hook(receiver.URL), "If-Match", `"1"`), http.StatusPreconditionFailed, "changed")
	on := decode[apitypes.Webhook](t, h.do(t, academy, http.MethodPut, "/v1/webhooks/"+made.ID, hook(receiver.URL), "If-Match", `"2"`), http.StatusOK)
	if on.Off || on.Version != 3 {
		t.Fatalf("%+v", on)
	}
	decode[apitypes.Delivery](t, h.do(t, academy, http.MethodPost, "/v1/deliveries/"+sent.ID+"/redeliver", nil), http.StatusAccepted)
	h.work(t)
	if d = get[apitypes.Delivery](t, h.bench, academy, "/v1/deliveries/"+sent.ID); d.State != "delivered" || d.Attempts != 3 || d.Status != 204 || d.Error != "" || !d.NextTry.IsZero() {
		t.Fatalf("%+v", d)
	}
	verifier, err := standardwebhooks.NewWebhook(made.Secret)
	must(t, err)
	for i := range seen {
		must(t, verifier.VerifyIgnoringTimestamp(bodies[i], seen[i])) // the bench's clock stands in the past
		if seen[i].Get("webhook-id") != seen[0].Get("webhook-id") {
			t.Error("the id changed")
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d requests", len(seen))
	}

	rotated := decode[apitypes.WebhookSecret](t, h.do(t, academy, http.MethodPost, "/v1/webhooks/"+made.ID+"/rotate", `{"overlap":"1h"}`), http.StatusOK)
	if rotated.Secret == made.Secret || rotated.Secrets != 2 || !rotated.Old.Equal(h.clock.Now().Add(time.Hour)) {
		t.Errorf("%+v until %v", rotated.Webhook, rotated.Old)
	}
	if again := decode[apitypes.WebhookSecret](t, h.do(t, academy, http.MethodPost, "/v1/webhooks/"+made.ID+"/rotate", nil), http.StatusOK); !again.Old.Equal(h.clock.Now().Add(24 * time.Hour)) {
		t.Errorf("until %v", again.Old)
	}
	names(t, refused(t, h.do(t, academy, http.MethodPost, "/v1/webhooks/"+made.ID+"/rotate", `{"overlap":"-1h"}`), http.StatusUnprocessableEntity, "invalid"), "body.overlap")
	if a := h.do(t, academy, http.MethodDelete, "/v1/webhooks/"+made.ID, nil); a.status != http.StatusNoContent {
		t.Errorf("%d %s", a.status, a.body)
	}
	refused(t, h.do(t, academy, http.MethodGet, "/v1/webhooks/"+made.ID, nil), http.StatusNotFound, "not_found")
}

// Nobody learns of another's webhooks; who sees all may make one that does.
func TestWebhooksHaveOwners(t *testing.T) {
	t.Parallel()
	h := setupHooks(t)
	mine, all := h.create(t, academy, hook("https://example.org/mine")), h.create(t, operator, hook("https://example.org/all"))
	theirs := decode[apitypes.WebhookSecret](t, h.do(t, admin, http.MethodPost, "/v1/webhooks?owner=bootcamp", hook("https://example.org/theirs")), http.StatusCreated)
	if mine.Owner != "academy" || all.Owner != "" || theirs.Owner != "bootcamp" {
		t.Fatalf("owners %q %q %q", mine.Owner, all.Owner, theirs.Owner)
	}
	must(t, h.hooks.Deliver(h.ctx, []fleet.Event{{ID: "session/s1/1", Type: fleet.EventLabActive, At: t0, Owner: "bootcamp"}}))
	for _, other := range []string{theirs.ID, all.ID} {
		d := get[apitypes.Page[apitypes.Delivery]](t, h.bench, operator, "/v1/webhooks/"+other+"/deliveries").Items[0].ID
		for _, c := range []struct {
			method, path string
			body         any
		}{
			{http.MethodGet, "/v1/webhooks/" + other, nil}, {http.MethodPut, "/v1/webhooks/" + other, hook("https://example.org")}, {http.MethodDelete, "/v1/webhooks/" + other, nil},
			{http.MethodPost, "/v1/webhooks/" + other + "/rotate", nil}, {http.MethodPost, "/v1/webhooks/" + other + "/ping", nil},
			{http.MethodGet, "/v1/webhooks/" + other + "/deliveries", nil}, {http.MethodGet, "/v1/deliveries/" + d, nil}, {http.MethodPost, "/v1/deliveries/" + d + "/redeliver", nil},
		} {
			refused(t, h.do(t, academy, c.method, c.path, c.body, "If-Match", "*"), http.StatusNotFound, "not_found")
		}
	}
	for as, want := range map[*access.Principal]int{&academy: 1, &bootcamp: 1, &operator: 3} {
		if got := get[apitypes.Page[apitypes.Webhook]](t, h.bench, *as, "/v1/webhooks"); len(got.Items) != want {
			t.Errorf("%s sees %+v", as.ID, got.Items)
		}
	}
	if got := get[apitypes.Page[apitypes.Webhook]](t, h.bench, operator, "/v1/webhooks?owner=academy"); len(got.Items) != 1 || got.Items[0].ID != mine.ID {
		t.Errorf("%+v", got)
	}
	refused(t, h.do(t, academy, http.MethodGet, "/v1/webhooks?owner=bootcamp", nil), http.StatusForbidden, "forbidden")
	refused(t, h.do(t, academy, http.MethodPost, "/v1/webhooks?owner=bootcamp", hook("https://example.org")), http.StatusForbidden, "forbidden")
	nameless := access.Principal{ID: "k", Role: access.Backend}
	refused(t, h.do(t, nameless, http.MethodPost, "/v1/webhooks", hook("https://example.org")), http.StatusForbidden, "forbidden")
	refused(t, h.do(t, nameless, http.MethodGet, "/v1/webhooks/"+all.ID, nil), http.StatusNotFound, "not_found")
	refused(t, h.do(t, teacher, http.MethodGet, "/v1/webhooks", nil), http.StatusForbidden, "forbidden")
	refused(t, h.do(t, viewer, http.MethodPost, "/v1/webhooks", hook("https://example.org")), http.StatusForbidden, "forbidden")
}

func TestWebhookListsArePaged(t *testing.T) {
	t.Parallel()
	h := setupHooks(t)
	w := h.create(t, academy, hook("https://example.org"))
	for range 4 {
		h.create(t, academy, hook("https://example.org"))
	}
	for n := range 5 {
		h.clock.Advance(time.Second)
		must(t, h.hooks.Deliver(h.ctx, []fleet.Event{{ID: fmt.Sprint("session/s1/", n), Type: fleet.EventLabActive, At: t0, Owner: "academy"}}))
	}
	seen := map[string]bool{}
	for next := ""; ; {
		p := get[apitypes.Page[apitypes.Webhook]](t, h.bench, academy, "/v1/webhooks?limit=2&cursor="+next)
		for _, w := range p.Items {
			seen[w.ID] = true
		}
		if next = p.Next; next == "" {
			break
		}
	}
	var order []string
	for next := ""; ; {
		p := get[apitypes.Page[apitypes.Delivery]](t, h.bench, academy, "/v1/webhooks/"+w.ID+"/deliveries?limit=2&cursor="+next)
		for _, d := range p.Items {
			order = append(order, strings.TrimPrefix(d.Event.ID, "session/s1/"))
		}
		if next = p.Next; next == "" {
			break
		}
	}
	if len(seen) != 5 || fmt.Sprint(order) != "[4 3 2 1 0]" {
		t.Errorf("%d webhooks, deliveries %v", len(seen), order)
	}
}

func TestWebhookRequestsAreChecked(t *testing.T) {
	t.Parallel()
	h := setupHooks(t)
	for field, r := range map[string]apitypes.WebhookRequest{
		"body.url":       {Name: "n", URL: "https://169.254.169.254/latest/meta-data"},
		"body.events[0]": {Name: "n", URL: "https://example.org", Events: []string{"lab"}},
		"body.name":      {URL: "https://example.org"},
	} {
		names(t, refused(t, h.do(t, academy, http.MethodPost, "/v1/webhooks", r), http.StatusUnprocessableEntity, "invalid"), field)
	}
	a := h.do(t, academy, http.MethodPost, "/v1/webhooks", hook("https://user:hush@example.org"))
	if refused(t, a, http.StatusUnprocessableEntity, "invalid"); strings.Contains(a.body, "hush") {
		t.Errorf("a password is repeated: %s", a.body)
	}
	callbacks := apitypes.WebhookRequest{Name: "callbacks", Callbacks: true}
	c := h.create(t, academy, callbacks)
	refused(t, h.do(t, academy, http.MethodPost, "/v1/webhooks", callbacks), http.StatusConflict, "exists")
	refused(t, h.do(t, academy, http.MethodPost, "/v1/webhooks/"+c.ID+"/ping", nil), http.StatusUnprocessableEntity, "invalid")
	if got := get[apitypes.Page[apitypes.Webhook]](t, h.bench, academy, "/v1/webhooks"); len(got.Items) != 1 {
		t.Errorf("%+v", got)
	}
}
