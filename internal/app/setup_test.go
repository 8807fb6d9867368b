package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/dev"
)

const wait = 30 * time.Second // end of all patience

// open opens a fleet on embedded parts; nothing of it runs yet.
func open(t *testing.T) (*App, *dev.Fleet) {
	t.Helper()
	parts, err := dev.Start(t.Context(), dev.World{Accounts: 2, Warm: 1, Seed: 1}, ":memory:", ":memory:", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := parts.Close(); err != nil {
			t.Error(err)
		}
	})
	c := parts.Config
	c.HTTP.Addr, c.Metrics.Addr, c.Monitor.Addr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	a, err := Open(t.Context(), c, zerolog.Nop(), &parts.Base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a, parts
}

// serving runs a role that listens until the test ends, and gives its URL.
func serving(t *testing.T, a *App, role func(*App, context.Context) error) string {
	t.Helper()
	b := *a
	addr := make(listening, 1)
	b.Log = zerolog.New(addr)
	run(t, func(ctx context.Context) error { return role(&b, ctx) })
	select {
	case at := <-addr:
		return "http://" + at
	case <-time.After(wait):
		t.Fatal("the role does not listen")
		return ""
	}
}

// run runs a role and gives what ends it, at the latest with the test; it must
// end well.
func run(t *testing.T, role func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- role(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the role ended with %v", err)
			}
		case <-time.After(wait):
			t.Error("the role did not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// listening gets the address out of the line that tells it.
type listening chan string

func (l listening) Write(b []byte) (int, error) {
	var line struct{ Addr string }
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&line); err == nil && line.Addr != "" {
		l <- line.Addr
	}
	return len(b), nil
}

// ask sends a request and gives status and body.
func ask(t *testing.T, method, url string, edit func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(req)
	}
	client := &http.Client{Timeout: wait, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
