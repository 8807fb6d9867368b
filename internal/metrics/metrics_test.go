package metrics_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/metrics"
)

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	srv := httptest.NewServer(m.Handler())
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestScrape(t *testing.T) {
	t.Parallel()
	m := metrics.New(metrics.Source{
		Accounts: func(context.Context) ([]fleet.AccountCount, error) {
			return []fleet.AccountCount{{Org: "a", OU: "1", Purpose: fleet.Production, State: fleet.InUse, N: 2}, {Org: "a", OU: "2", Purpose: fleet.Production, State: fleet.InUse, N: 3}}, nil
		},
		Sessions: func(context.Context) (map[fleet.SessionState]int, error) { return nil, errors.New("the store is away") },
		Queues: func(context.Context) ([]metrics.Queue, error) {
			return []metrics.Queue{{Name: "critical", Pending: 4, OldestAge: 2 * time.Second}}, nil
		},
	})
	m.Served("ec2-basics", 700*time.Millisecond)
	m.Call("iam", "CreateUser", "Throttling", time.Millisecond)
	got := scrape(t, m)
	for _, want := range []string{
		`kml_accounts{org="a",purpose="production",state="in_use"} 5`,
		`kml_queue_tasks{queue="critical",state="pending"} 4`,
		`kml_queue_oldest_seconds{queue="critical"} 2`,
		`kml_time_to_credentials_seconds_count{lab_type="ec2-basics"} 1`,
		`kml_aws_errors_total{code="Throttling",service="iam"} 1`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("scrape lacks %s", want)
		}
	}
	if strings.Contains(got, "kml_sessions{") {
		t.Error("a source that failed must be missing, not zero")
	}
	if got = scrape(t, m); !strings.Contains(got, `kml_scrape_errors_total{source="sessions"}`) {
		t.Error("a source that failed is counted")
	}
}
