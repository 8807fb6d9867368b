package cli

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
)

var update = flag.Bool("update", false, "write the golden file anew")

var t0 = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const secret = "kml_k1_THE-SECRET"

// server is a KML that knows one of everything, and notes what it is asked.
type server struct {
	*httptest.Server
	mux   *http.ServeMux
	mu    sync.Mutex
	asked []string // METHOD /path?query body
}

func start(t *testing.T) *server {
	t.Helper()
	s := &server{mux: http.NewServeMux()}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.mu.Lock()
		s.asked = append(s.asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		s.mu.Unlock()
		s.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	s.stock()
	return s
}

// wrote lists what was asked that may change something.
func (s *server) wrote() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, a := range s.asked {
		if !strings.HasPrefix(a, "GET ") {
			out = append(out, a)
		}
	}
	return out
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, p apitypes.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// on answers a pattern of http.ServeMux.
func (s *server) on(pattern string, v any) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if h, ok := v.(http.HandlerFunc); ok {
			h(w, r)
			return
		}
		answer(w, v)
	})
}

// run is one run of kmlctl.
type run struct {
	out, err string
	code     int
}

// outside is what a run finds around it, beside the server.
type outside struct {
	in       io.Reader
	terminal bool
	env      []string
}

// kmlctl runs a command line against the server, with a key.
func (s *server) kmlctl(t *testing.T, o outside, args ...string) run {
	t.Helper()
	if o.in == nil {
		o.in = strings.NewReader("")
	}
	env := append([]string{"KML_SERVER=" + s.URL, "KML_API_KEY=" + secret, "XDG_CONFIG_HOME=" + t.TempDir(), "PATH=/usr/bin:/bin"}, o.env...)
	var out, err bytes.Buffer
	code := Main(t.Context(), IO{In: o.in, Out: &out, Err: &err, Asks: o.terminal, OutTerminal: o.terminal, Environ: env, Now: func() time.Time { return t0 }}, args)
	return run{out.String(), err.String(), code}
}

func page[T any](items ...T) apitypes.Page[T] { return apitypes.Page[T]{Items: items} }

// stock fills the server.
func (s *server) stock() {
	lab := apitypes.Lab{ID: "lab-1", RequestID: "class-7/ada", Type: "ec2-basics", Student: "ada@example.org", Owner: "academy", State: "active", Duration: apitypes.Duration(90 * time.Minute),
		Purpose: "production", Account: "123456789012", RequestedAt: t0.Add(-10 * time.Minute), StartedAt: t0.Add(-9 * time.Minute), EndsAt: t0.Add(81 * time.Minute), Version: 4}
	hostile := lab
	hostile.ID, hostile.Student, hostile.State = "lab-2", "eve\x1b[2J\n", "waiting"
	hostile.Account, hostile.StartedAt, hostile.EndsAt, hostile.ReadyBy = "", time.Time{}, time.Time{}, t0.Add(2*time.Minute)
	ended := lab
	ended.State = "ended"
	var over atomic.Bool
	s.on("POST /v1/labs", lab)
	s.on("GET /v1/labs", page(lab, hostile))
	s.on("GET /v1/labs/{id}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.PathValue("id"); id != "lab-1" {
			refuse(w, apitypes.Problem{Status: 404, Code: "not_found", Detail: "lab " + id + " was not found", Remedy: "check the id; list what there is", Request: "r-1"})
			return
		}
		if over.Load() {
			answer(w, ended)
			return
		}
		answer(w, lab)
	}))
	s.on("POST /v1/labs/{id}/credentials", apitypes.Credentials{Account: "123456789012", Regions: []string{"us-east-1", "eu-west-1"}, AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: `it's "$HOME" \ & co`,
		ConsoleURL: "https://123456789012.signin.aws.amazon.com/console", UserName: "kml-4", Password: "pass word", EndsAt: t0.Add(81 * time.Minute), EndpointURL: "http://127.0.0.1:4566"})
	s.on("POST /v1/labs/{id}/signin-link", apitypes.SignInLink{URL: "https://signin.aws.amazon.com/federation?token=t", ExpiresAt: t0.Add(15 * time.Minute)})
	s.on("POST /v1/labs/{id}/extend", lab)
	s.on("POST /v1/labs/{id}/end", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		over.Store(true)
		answer(w, lab) // it takes a moment
	}))
	cleaning := apitypes.Cleaning{ID: "123456789012/17", Account: "123456789012", Lab: "lab-1", Type: "ec2-basics", Reason: "the lab ended", Phase: "done", Round: 2, StartedAt: t0.Add(-5 * time.Minute), DoneAt: t0}
	evidence := []apitypes.Evidence{{At: t0.Add(-4 * time.Minute), Phase: "sweep", Action: "deleted", Kind: "ec2.instance", Region: "us-east-1", Resource: "i-0abc"},
		{At: t0.Add(-time.Minute), Phase: "verify", Action: "verified", Kind: "ec2.instance", Region: "us-east-1", Detail: "nothing left"}}
	whole := apitypes.CleaningEvidence{Cleaning: cleaning, Evidence: evidence}
	s.on("GET /v1/labs/{id}/evidence", whole)
	event := "id: 7\nevent: lab.ended\ndata: {\"id\":\"session/lab-1/5\",\"type\":\"lab.ended\",\"at\":\"2026-11-21T12:00:00Z\",\"lab\":\"lab-1\",\"student\":\"ada@example.org\",\"state\":\"ended\",\"reason\":\"the class is over\"}\n\n"
	s.on("GET /v1/labs/{id}/events", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, event) }))
	tails := 0
	s.on("GET /v1/events", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if tails++; tails > 1 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.WriteString(w, "retry: 1\nid: 5\nevent: reset\ndata: {}\n\n"+event)
	}))
	s.stockFleet(cleaning, whole)
	s.stockDoors()
}

func (s *server) stockFleet(cleaning apitypes.Cleaning, whole apitypes.CleaningEvidence) {
	spec := apitypes.LabTypeSpec{Name: "ec2-basics", Title: "EC2 basics", Regions: []string{"us-east-1"}, Services: []string{"ec2"}, MaxDuration: apitypes.Duration(4 * time.Hour), Console: true, Keys: true,
		Statements: []apitypes.Statement{{Effect: "Allow", Actions: []string{"ec2:*"}, Resources: []string{"*"}}}, Probe: "ec2:DescribeInstances"}
	kind := apitypes.LabType{LabTypeSpec: spec, Revision: 3, Active: true, Since: t0.Add(-50 * time.Hour)}
	s.on("GET /v1/labtypes", page(kind))
	s.on("GET /v1/labtypes/{name}", kind)
	s.on("PUT /v1/labtypes/{name}", kind)
	s.on("POST /v1/labtypes/validate", apitypes.LabTypeCheck{Errors: []apitypes.ProblemField{{Field: "probe", Value: "ec2:Nothing", Remedy: "use one of the probes"}}})
	s.on("POST /v1/labtypes/{name}/activate", kind)
	s.on("POST /v1/labtypes/{name}/deactivate", kind)
	s.on("POST /v1/labtypes/{name}/test", apitypes.AccessAnswer{Decision: "allowed", Allowed: true, Statements: []apitypes.MatchedBy{{Policy: "kml-ec2-basics", Sid: "Instances", Effect: "Allow", Text: "{}"}}})
	account := apitypes.Account{ID: "123456789012", Name: "lab-17", Org: "alpha", OU: "ou-1", Purpose: "production", State: "in_use", Since: t0.Add(-9 * time.Minute), Epoch: 17, Version: 40, Lab: "lab-1", Type: "ec2-basics",
		EndsAt: t0.Add(81 * time.Minute), ReadyAt: t0.Add(-12 * time.Minute)}
	clean := account
	clean.ID, clean.State, clean.Lab, clean.Type, clean.EndsAt = "222222222222", "user_created", "", "", time.Time{}
	s.on("GET /v1/accounts", page(account))
	s.on("GET /v1/accounts/{id}", account)
	s.on("GET /v1/accounts/222222222222", clean)
	s.on("GET /v1/accounts/{id}/history", page(apitypes.Transition{At: t0.Add(-9 * time.Minute), From: "account_assigning", To: "in_use", Reason: "handed out", Lab: "lab-1"}))
	s.on("GET /v1/accounts/{id}/cleanings", page(cleaning))
	s.on("GET /v1/accounts/{id}/evidence", whole)
	s.on("POST /v1/accounts/{id}/dry-run", apitypes.DryRun{Account: "123456789012", Evidence: whole.Evidence[:1]})
	for _, verb := range []string{"quarantine", "release", "drain", "clean"} {
		s.on("POST /v1/accounts/{id}/"+verb, account)
	}
	s.on("POST /v1/accounts/222222222222/clean", clean)
	org := apitypes.Organization{Name: "alpha", ManagementAccount: "111111111111", MemberRole: "KMLFleet", Denied: []string{"999999999999"}, Accounts: map[string]int{"in_use": 1, "user_created": 2},
		OUs: []apitypes.OU{{ID: "ou-1", Purpose: "production", Warm: 5, WarmFor: []string{"ec2-basics"}, Accounts: map[string]int{"in_use": 1}}}}
	s.on("GET /v1/organizations", page(org))
	s.on("GET /v1/organizations/{name}", org)
	s.on("POST /v1/organizations/{name}/sync", apitypes.Accepted{Accepted: true, Detail: "the sync is enqueued"})
	status := apitypes.PoolStatus{Org: "alpha", OU: "ou-1", Purpose: "production", Target: 5, Ready: 4, Held: 1, InUse: 3, Cleaning: 2, Total: 10, Version: 6}
	s.on("GET /v1/pool", apitypes.Pool{OUs: []apitypes.PoolStatus{status}, Waiting: map[string]int{"production": 2}, Forecast: []apitypes.Forecast{{Purpose: "production", At: t0.Add(time.Hour), Free: 3, Booked: 2, Busy: 5}}})
	s.on("PUT /v1/pool/{org}/{ou}/target", apitypes.Target{Warm: 8})
}

func (s *server) stockDoors() {
	booking := apitypes.Booking{ID: "b-1", Owner: "academy", Title: "EC2, Tuesday", Type: "ec2-basics", Seats: 120, Purpose: "production", Start: t0.Add(24 * time.Hour), End: t0.Add(26 * time.Hour), State: "booked", Held: 3, CreatedAt: t0, Version: 2}
	s.on("POST /v1/bookings", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b apitypes.BookingRequest
		if err := json.NewDecoder(r.Body).Decode(&b); err == nil && b.Seats > 1000 {
			refuse(w, apitypes.Problem{Status: 409, Code: "no_room", Detail: "the fleet cannot hold 5000 seats then", Remedy: "take one of the slots", Slots: []apitypes.Slot{{Start: t0.Add(48 * time.Hour), End: t0.Add(50 * time.Hour), Seats: 5000}}})
			return
		}
		answer(w, booking)
	}))
	s.on("GET /v1/bookings", page(booking))
	s.on("GET /v1/bookings/{id}", booking)
	s.on("PATCH /v1/bookings/{id}", booking)
	s.on("POST /v1/bookings/{id}/cancel", booking)
	s.on("GET /v1/bookings/slots", page(apitypes.Slot{Start: t0.Add(24 * time.Hour), End: t0.Add(26 * time.Hour), Seats: 150}))
	s.on("GET /v1/activity", page(apitypes.Activity{ID: "a-1", At: t0.Add(-time.Hour), Kind: "call", Who: "ops (k1)", What: "quarantine-account 123456789012", Outcome: "200", Account: "123456789012"}))
	s.on("GET /v1/usage", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("format") == "csv" {
			_, _ = io.WriteString(w, "day,type,labs\n2026-11-21,ec2-basics,7\n")
			return
		}
		answer(w, page(apitypes.Usage{Day: "2026-11-21", Type: "ec2-basics", Org: "alpha", Labs: 7, Minutes: 600.4, Failed: 1, Cleanings: 7, CleaningMinutes: 31.5}))
	}))
	webhook := apitypes.Webhook{ID: "w-1", Owner: "academy", Name: "academy", URL: "https://academy.example.org/kml", Events: []string{"lab.active", "lab.ended"}, Secrets: 1, CreatedAt: t0.Add(-72 * time.Hour), Version: 3}
	hidden := apitypes.WebhookSecret{Webhook: webhook, Secret: "whsec_c2VjcmV0"}
	delivery := apitypes.Delivery{ID: "d-1", Webhook: "w-1", URL: webhook.URL, Event: apitypes.Event{Type: "lab.active"}, State: "dead", Attempts: 9, CreatedAt: t0.Add(-2 * time.Hour), Status: 500, Error: "500 Internal Server Error"}
	s.on("POST /v1/webhooks", hidden)
	s.on("GET /v1/webhooks", page(webhook))
	s.on("GET /v1/webhooks/{id}", webhook)
	s.on("PUT /v1/webhooks/{id}", webhook)
	s.on("DELETE /v1/webhooks/{id}", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	s.on("POST /v1/webhooks/{id}/rotate", hidden)
	s.on("POST /v1/webhooks/{id}/ping", delivery)
	s.on("GET /v1/webhooks/{id}/deliveries", page(delivery))
	s.on("GET /v1/deliveries/{id}", delivery)
	s.on("POST /v1/deliveries/{id}/redeliver", delivery)
	key := apitypes.Key{ID: "k1", Name: "academy backend", Role: "backend", Owner: "academy", CreatedAt: t0.Add(-240 * time.Hour), CreatedBy: "ops", LastUsed: t0.Add(-30 * time.Second)}
	s.on("POST /v1/keys", apitypes.NewKey{Key: key, Secret: "kml_k1_shown-once"})
	s.on("GET /v1/keys", page(key))
	s.on("GET /v1/keys/{id}", key)
	s.on("DELETE /v1/keys/{id}", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	s.on("GET /v1/me", apitypes.Me{ID: "k1", Name: "ops", Role: "operator", Permissions: []string{"labs:read", "labs:write"}})
	queue := apitypes.Queue{Name: "critical", Pending: 2, Active: 1, Retry: 1, Archived: 3, Processed: 100, Oldest: apitypes.Duration(12 * time.Second)}
	s.on("GET /v1/queues", page(queue))
	s.on("GET /v1/queues/{q}/tasks", page(apitypes.Task{ID: "lab:assign/r1", Kind: "lab:assign", State: "archived", Retried: 2, LastError: "no such lab type", Payload: "{}"}))
	s.on("POST /v1/queues/{q}/pause", queue)
	s.on("POST /v1/queues/{q}/resume", queue)
	for _, verb := range []string{"retry", "archive", "delete"} {
		s.on("POST /v1/queues/{q}/"+verb, apitypes.Done{Changed: 3})
	}
	s.on("GET /v1/version", apitypes.Version{Version: "v1.2.3", Go: "go1.26.8", Time: t0.Add(40 * time.Second)})
	s.on("GET /v1/checks", []apitypes.Check{{Name: "mongodb", OK: true, Detail: "answers in 2ms"}, {Name: "aws permissions", Detail: "alpha: the role may not call sts:AssumeRole", Remedy: "apply deploy/aws/fleet-role.yaml"}})
	s.on("GET /healthz", struct{}{})
	s.on("GET /readyz", struct{}{})
}

// newServer is a server that answers everything alike.
func newServer(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}
