package archtest

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/metrics"
	"github.com/kodekloud/kml/tasks"
)

// seen is what a process that has done everything once tells Prometheus: the
// labels of each metric.
func seen(t *testing.T) map[string][]string {
	t.Helper()
	m := metrics.New(metrics.Source{
		Accounts: func(context.Context) ([]fleet.AccountCount, error) { return []fleet.AccountCount{{N: 1}}, nil },
		Sessions: func(context.Context) (map[fleet.SessionState]int, error) {
			return map[fleet.SessionState]int{fleet.SessionActive: 1}, nil
		},
		Queues: func(context.Context) ([]metrics.Queue, error) { return []metrics.Queue{{Name: "q"}}, nil },
	})
	m.Served("l", time.Second)
	m.Cleaned("l", time.Second)
	m.Phase("p", time.Second)
	m.Task("k", time.Second, nil)
	m.Call("s", "o", "c", time.Second)
	m.Request("o", 200, time.Second)
	m.Delivery("dead")
	// One more that cannot read a source: its counter of errors is not zero.
	blind := metrics.New(metrics.Source{Sessions: func(context.Context) (map[fleet.SessionState]int, error) { return nil, context.Canceled }})
	out := map[string][]string{}
	for _, m := range []*metrics.Metrics{m, blind, blind} {
		rec := httptest.NewRecorder()
		m.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
		for _, line := range strings.Split(rec.Body.String(), "\n") {
			if s := sample.FindStringSubmatch(line); s != nil {
				for _, l := range label.FindAllStringSubmatch(s[2], -1) {
					if !slices.Contains(out[s[1]], l[1]) {
						out[s[1]] = append(out[s[1]], l[1])
					}
				}
			}
		}
	}
	return out
}

var (
	sample   = regexp.MustCompile(`^(kml_\w+)\{([^}]*)\}`)
	label    = regexp.MustCompile(`(\w+)(?:=~?|!=|!~)"([^"]*)"`)
	selector = regexp.MustCompile(`\b(kml_\w+)(?:\{([^}]*)\})?`)
	grouping = regexp.MustCompile(`\bby \(([^)]*)\)`)
	legend   = regexp.MustCompile(`\{\{(?:\s*\$labels\.)?\s*(\w+)\s*\}\}`)
)

// values are those that a label may have.
var values = map[string][]string{
	"kml_accounts.state":    names(fleet.States...),
	"kml_sessions.state":    names(fleet.SessionWaiting, fleet.SessionAssigning, fleet.SessionActive, fleet.SessionEnded, fleet.SessionExpired, fleet.SessionCancelled, fleet.SessionFailed),
	"kml_queue_tasks.state": {"pending", "active", "scheduled", "retry", "archived"},
	"kml_queue_tasks.queue": {tasks.QueueCritical, tasks.QueueFreeze, tasks.QueueFleet, tasks.QueueCleanup},
	"kml_queue_oldest_seconds.queue": {tasks.QueueCritical, tasks.QueueFreeze, tasks.QueueFleet,
		tasks.QueueCleanup},
}

func names[S ~string](all ...S) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = string(s)
	}
	return out
}

// wrong says what a PromQL expression names that does not exist.
func wrong(expr string, known map[string][]string) []string {
	var out []string
	var labels []string
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		has, ok := known[s[1]]
		if !ok {
			out = append(out, "no metric "+s[1])
			continue
		}
		labels = append(labels, has...)
		for _, l := range label.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(has, l[1]) {
				out = append(out, s[1]+" has no label "+l[1])
			}
			allowed := values[s[1]+"."+l[1]]
			for v := range strings.SplitSeq(l[2], "|") {
				if allowed != nil && !slices.Contains(allowed, v) {
					out = append(out, s[1]+" is never told with "+l[1]+" "+v)
				}
			}
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for l := range strings.SplitSeq(g[1], ",") {
			if l = strings.TrimSpace(l); l != "" && !slices.Contains(labels, l) {
				out = append(out, "grouped by "+l+", which nothing in it has")
			}
		}
	}
	return out
}

func TestWrongExpressionsAreSeen(t *testing.T) {
	t.Parallel()
	known := seen(t)
	for expr, ok := range map[string]bool{
		`max by (queue) (kml_queue_tasks{state="pending"})`:                            true,
		`histogram_quantile(0.9, sum by (le) (rate(kml_cleaning_seconds_bucket[1h])))`: true,
		`sum by (source) (rate(kml_scrape_errors_total[5m]))`:                          true,
		`kml_queue_task`:                        false,
		`kml_queue_tasks{stat="pending"}`:       false,
		`kml_accounts{state="ready"}`:           false,
		`sum by (account) (kml_accounts)`:       false,
		`kml_queue_tasks{state=~"active|lost"}`: false,
	} {
		if got := wrong(expr, known); (got == nil) != ok {
			t.Errorf("%s: %v", expr, got)
		}
	}
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/kml.json")), &board); err != nil {
		t.Fatal(err)
	}
	known, ids, shown := seen(t), map[int]bool{}, ""
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q: it needs an id of its own, a title and a target", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			shown += target.Expr
			for _, w := range wrong(target.Expr, known) {
				t.Errorf("panel %q: %s", p.Title, w)
			}
			for _, l := range legend.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !strings.Contains(target.Expr, l[1]) {
					t.Errorf("panel %q: its legend names %s, which its expression does not keep", p.Title, l[1])
				}
			}
		}
	}
	for name := range known {
		family := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")
		if !strings.Contains(shown, family) {
			t.Errorf("nothing on the dashboard shows %s", family)
		}
	}
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	type rule struct {
		Alert, Expr, For    string
		Labels, Annotations map[string]string
	}
	file := struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}{}
	decode(t, "deploy/prometheus/alerts.yaml", &file)
	known, n := seen(t), 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			n++
			for _, w := range wrong(r.Expr, known) {
				t.Errorf("%s: %s", r.Alert, w)
			}
			if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s needs a severity, a summary and a description", r.Alert)
			}
			if _, err := time.ParseDuration(r.For); r.For != "" && err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
		}
	}
	if n == 0 {
		t.Error("no alerts were read")
	}
}
