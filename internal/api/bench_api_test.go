package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/access"
)

// clients is how many call at once, each with a connection that it keeps.
const clients = 16

// BenchmarkAPI measures calls over the loopback: what the router and the socket
// take by themselves, a status read, and a lab request, all of them in one
// process with MongoDB's simulator and an in-process Redis. AWS has no part in
// any of them. Limits of calls are counted and never reached.
func BenchmarkAPI(b *testing.B) {
	w := setupWorld(b, nil)
	w.router.Get("/bare", func(rw http.ResponseWriter, _ *http.Request) {
		writeJSON(rw, http.StatusOK, "application/json", map[string]string{"status": "alive"})
	})
	bare := httptest.NewServer(w.router) // beside the chain, not behind it
	b.Cleanup(bare.Close)
	key, lab := w.keys[string(access.Backend)], w.known["labs"][0]
	var students atomic.Int64
	for _, m := range []struct {
		name   string
		status int
		make   func(ctx context.Context) (*http.Request, error)
	}{
		{"bare", http.StatusOK, func(ctx context.Context) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, bare.URL+"/bare", nil)
		}},
		{"status-read", http.StatusOK, func(ctx context.Context) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/labs/"+lab, nil)
		}},
		{"lab-request", http.StatusCreated, func(ctx context.Context) (*http.Request, error) {
			body, err := json.Marshal(wants(fmt.Sprint("student-", students.Add(1))))
			if err != nil {
				return nil, err
			}
			return http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/v1/labs", bytes.NewReader(body))
		}},
	} {
		b.Run(m.name, func(b *testing.B) { measure(b, key, m.status, m.make) })
	}
}

// measure makes b.N calls and reports how many a second, and the time that one
// in a hundred takes longer than.
func measure(b *testing.B, key string, status int, build func(context.Context) (*http.Request, error)) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients, MaxConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range clients {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				start := time.Now()
				if err := callOnce(b.Context(), client, key, status, build); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64(took[len(took)*99/100])/float64(time.Millisecond), "p99-ms")
}

func callOnce(ctx context.Context, client *http.Client, key string, status int, build func(context.Context) (*http.Request, error)) error {
	req, err := build(ctx)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	var body strings.Builder
	if _, err := io.Copy(&body, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != status {
		return fmt.Errorf("status %d: %s", resp.StatusCode, body.String())
	}
	return nil
}
