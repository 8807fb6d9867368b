package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/config"
	"github.com/kodekloud/kml/internal/redisdev"

	"github.com/kodekloud/kml/tasks"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	const password = "s3cret"
	as := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	from := func(site string, also func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", site)
			if also != nil {
				also(r)
			}
		}
	}
	for _, c := range []struct {
		name, password, method string
		edit                   func(*http.Request)
		want                   int
	}{
		{"no password asked for", "", "GET", nil, 200},
		{"no password given", password, "GET", nil, 401},
		{"wrong password", password, "GET", as("kml", "s3cre"), 401},
		{"empty password", password, "GET", as("kml", ""), 401},
		{"password", password, "GET", as("whoever", password), 200},
		{"password, changing", password, "POST", as("", password), 200},
		{"no password, changing", password, "DELETE", nil, 401},
		{"from another site with the browser's password", password, "POST", from("cross-site", as("", password)), 403},
		{"from another site of this host", password, "POST", from("same-site", as("", password)), 403},
		{"from another site, no password asked for", "", "DELETE", from("cross-site", nil), 403},
		{"from another origin, old browser", password, "POST", func(r *http.Request) {
			as("", password)(r)
			r.Header.Set("Origin", "https://evil.example")
		}, 403},
		{"from its own page", password, "POST", from("same-origin", as("", password)), 200},
		{"a link on another site", password, "GET", from("cross-site", as("", password)), 200},
	} {
		h := guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }), c.password)
		r := httptest.NewRequest(c.method, "http://monitor.example/", nil)
		if c.edit != nil {
			c.edit(r)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d, not %d", c.name, w.Code, c.want)
		}
		if asks := w.Header().Get("WWW-Authenticate") != ""; asks != (c.want == 401) {
			t.Errorf("%s: asks for a password: %v", c.name, asks)
		}
		if strings.Contains(w.Body.String(), password) {
			t.Errorf("%s: the answer tells the password", c.name)
		}
	}
}

// Without a password anybody on this host may look, and nobody may change.
func TestMonitor(t *testing.T) {
	t.Parallel()
	store, err := redisdev.Start(t.Context(), redisdev.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	a := &App{Log: zerolog.Nop(), Config: config.Config{Redis: config.Redis{Addr: store.Addr()}, Monitor: config.Monitor{Addr: "127.0.0.1:0"}}}
	client := asynq.NewClient(a.redisOptions())
	t.Cleanup(func() { _ = client.Close() })
	if _, err := client.EnqueueContext(t.Context(), asynq.NewTask("lab:assign", nil), asynq.Queue(tasks.QueueCritical)); err != nil {
		t.Fatal(err)
	}
	const pause = "/api/queues/" + tasks.QueueCritical + ":pause"

	open := serving(t, a, (*App).Monitor)
	if code, body := ask(t, "GET", open+"/api/queues", nil); code != 200 || !strings.Contains(body, tasks.QueueCritical) {
		t.Errorf("look without a password: %d %s", code, body)
	}
	if code, _ := ask(t, "POST", open+pause, nil); code != http.StatusMethodNotAllowed {
		t.Errorf("change without a password: %d", code)
	}
	locked := *a
	locked.Config.Monitor.Password = "s3cret"
	url := serving(t, &locked, (*App).Monitor)
	if code, _ := ask(t, "GET", url+"/api/queues", nil); code != http.StatusUnauthorized {
		t.Errorf("look without the password: %d", code)
	}
	if code, body := ask(t, "POST", url+pause, func(r *http.Request) { r.SetBasicAuth("", "s3cret") }); code/100 != 2 {
		t.Errorf("change with the password: %d %s", code, body)
	}
}

func TestHealthReadinessMetrics(t *testing.T) {
	t.Parallel()
	a, parts := open(t)
	api, metrics := serving(t, a, (*App).API), serving(t, a, (*App).ServeMetrics)
	if code, body := ask(t, "GET", api+"/healthz", nil); code != 200 || !strings.Contains(body, "alive") {
		t.Errorf("health: %d %s", code, body)
	}
	for _, url := range []string{api, metrics} {
		if code, body := ask(t, "GET", url+"/readyz", nil); code != 200 || body != `{"mongodb":"ok","redis":"ok"}`+"\n" {
			t.Errorf("ready: %d %s", code, body)
		}
		if code, body := ask(t, "GET", url+"/metrics", nil); code != 200 || !strings.Contains(body, `kml_queue_tasks{queue="critical"`) || strings.Contains(body, "kml_scrape_errors_total{") {
			t.Errorf("metrics: %d %s", code, body)
		}
	}
	if err := parts.Redis.Close(); err != nil {
		t.Fatal(err)
	}
	if code, body := ask(t, "GET", api+"/readyz", nil); code != 503 || body != `{"mongodb":"ok","redis":"not reachable"}`+"\n" {
		t.Errorf("ready without Redis: %d %s", code, body)
	}
	if code, body := ask(t, "GET", api+"/metrics", nil); code != 200 || strings.Contains(body, "kml_queue_tasks{") {
		t.Errorf("metrics without Redis: %d %s", code, body)
	}
	if code, _ := ask(t, "GET", api+"/healthz", nil); code != 200 {
		t.Errorf("a process that waits for Redis is alive: %d", code)
	}
}

// A store that hangs does not make the other one look gone.
func TestReadyWithoutMongo(t *testing.T) {
	t.Parallel()
	a, parts := open(t)
	if err := parts.Mongo.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first finds the connection broken; the second looks for a server until its time is over
		w := httptest.NewRecorder()
		a.ready(w, httptest.NewRequest("GET", "/readyz", nil))
		if w.Code != 503 || w.Body.String() != `{"mongodb":"not reachable","redis":"ok"}`+"\n" {
			t.Errorf("ready without MongoDB: %d %s", w.Code, w.Body)
		}
	}
}
