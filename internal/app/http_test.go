package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/tasks"
)

// key makes a key of a role.
func key(t *testing.T, a *App, role access.Role) string {
	t.Helper()
	plain, _, err := a.Keys().New(t.Context(), access.KeyRequest{Name: "test", Role: role}, "test")
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// The dashboard asks for the same keys at the API's address and at its own.
func TestMonitor(t *testing.T) {
	t.Parallel()
	a, _ := open(t)
	if _, err := a.Queue.EnqueueContext(t.Context(), asynq.NewTask("lab:assign", nil), asynq.Queue(tasks.QueueCritical)); err != nil {
		t.Fatal(err)
	}
	const pause = "/monitor/api/queues/" + tasks.QueueCritical + ":pause"
	const resume = "/monitor/api/queues/" + tasks.QueueCritical + ":resume"
	viewer, operator := key(t, a, access.Viewer), key(t, a, access.Operator)
	as := func(key string, also ...string) func(*http.Request) {
		return func(r *http.Request) {
			r.SetBasicAuth("whoever", key)
			for i := 0; i+1 < len(also); i += 2 {
				r.Header.Set(also[i], also[i+1])
			}
		}
	}
	for name, role := range map[string]func(*App) string{
		"api":     func(a *App) string { return serving(t, a, (*App).API) },
		"monitor": func(a *App) string { return serving(t, a, (*App).Monitor) },
	} {
		url := role(a)
		for _, c := range []struct {
			what, method, path string
			edit               func(*http.Request)
			want               int
		}{
			{"no key", "GET", "/monitor/", nil, 401},
			{"no key, its page's parts", "GET", "/monitor/api/queues", nil, 401},
			{"no key, changing", "POST", pause, nil, 401},
			{"wrong key", "GET", "/monitor/", as("kml_aaaaaaaaaaaa_" + strings.Repeat("0", 64)), 401},
			{"viewer looks", "GET", "/monitor/", as(viewer), 200},
			{"viewer looks at queues", "GET", "/monitor/api/queues", as(viewer), 200},
			{"viewer changes", "POST", pause, as(viewer), 403},
			{"operator changes", "POST", pause, as(operator), 204},
			{"operator changes back", "POST", resume, as(operator, "Sec-Fetch-Site", "same-origin"), 204},
			{"operator from another site", "POST", pause, as(operator, "Sec-Fetch-Site", "cross-site"), 403},
			{"operator from another site of this host", "POST", pause, as(operator, "Sec-Fetch-Site", "same-site"), 403},
			{"operator from another origin, old browser", "POST", pause, as(operator, "Origin", "https://evil.example"), 403},
			{"a link on another site", "GET", "/monitor/", as(operator, "Sec-Fetch-Site", "cross-site"), 200},
			{"bearer is good too", "GET", "/monitor/api/queues", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+viewer) }, 200},
			{"Basic is for the dashboard alone", "GET", "/v1/me", as(operator), map[string]int{"api": 401, "monitor": 404}[name]},
		} {
			if code, body := ask(t, c.method, url+c.path, c.edit); code != c.want {
				t.Errorf("%s: %s: %d, not %d: %s", name, c.what, code, c.want, body)
			}
		}
		if code, body := ask(t, "GET", url+"/monitor/", as(viewer)); code != 200 || !strings.Contains(body, `FLAG_ROOT_PATH="\u002fmonitor"`) && !strings.Contains(body, `FLAG_ROOT_PATH="\/monitor"`) && !strings.Contains(body, `FLAG_ROOT_PATH="/monitor"`) {
			t.Errorf("%s: the page does not know where it is: %d", name, code)
		}
	}
	if paused, err := asynq.NewInspectorFromRedisClient(a.Redis).GetQueueInfo(tasks.QueueCritical); err != nil || paused.Paused {
		t.Errorf("queue %+v, %v: another site's page paused it", paused, err)
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
