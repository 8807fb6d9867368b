package app

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/dev"
	"github.com/kodekloud/kml/internal/webhook"
	"github.com/kodekloud/kml/tasks"
)

// tap passes a TCP connection on and keeps what the client said.
type tap struct {
	net.Listener
	to   string
	mu   sync.Mutex
	said bytes.Buffer
}

// tapped listens in front of an address until the test ends.
func tapped(t *testing.T, to string) *tap {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{Listener: ln, to: to}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return // closed below
			}
			wg.Go(func() { p.pass(client) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close() // it ends the goroutine above
		wg.Wait()
	})
	return p
}

func (p *tap) pass(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return // the client sees its connection end
	}
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(client, server) }) // ends with either side
	_, _ = io.Copy(io.MultiWriter(server, p), client)
	_ = server.Close()
	back.Wait()
}

// Write keeps what was said.
func (p *tap) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

// holds says whether a text was said.
func (p *tap) holds(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Contains(p.said.Bytes(), []byte(text))
}

// Asynqmon shows payloads and results, and Redis is nobody's safe: over whole
// labs, requested by both doors and cleaned up, nothing secret is ever sent to it
// in the clear, in whatever task or key.
func TestNoSecretGoesToRedis(t *testing.T) {
	t.Parallel()
	parts, err := dev.Start(t.Context(), dev.World{Accounts: 2, Warm: 1, Seed: 1}, ":memory:", ":memory:", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := parts.Close(); err != nil {
			t.Error(err)
		}
	})
	wire := tapped(t, parts.Redis.Addr())
	c := parts.Config
	c.Redis.Addr = wire.Addr().String()
	c.HTTP.Addr, c.Metrics.Addr, c.Monitor.Addr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	c.Timing.ReadinessRefresh = time.Second
	c.Webhooks.AllowPrivate = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	a, err := Open(t.Context(), c, zerolog.Nop(), &parts.Base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	run(t, a.Worker)
	run(t, a.Scheduler)
	url, apiKey := serving(t, a, (*App).API), key(t, a, access.Backend)

	secrets := map[string]string{"the API key": apiKey, "the fleet's own key": parts.Sim.Seeded.Fleet.SecretAccessKey}
	for name, k := range c.Seal.Keys {
		secrets["sealing key "+name] = string(k)
		secrets["sealing key "+name+" in base64"] = base64.StdEncoding.EncodeToString(k)
		secrets["sealing key "+name+" in hex"] = hex.EncodeToString(k)
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(receiver.Close)
	_, hook, err := a.Webhooks.Create(t.Context(), "", webhook.Spec{Name: "hook", URL: receiver.URL})
	if err != nil {
		t.Fatal(err)
	}
	secrets["the webhook's secret"] = strings.TrimPrefix(hook, "whsec_")
	queued, err := tasks.NewAssign(tasks.Assign{RequestID: "by-queue", LabType: "ec2-basics", Student: "grace", Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Queue.EnqueueContext(t.Context(), queued); err != nil {
		t.Fatal(err)
	}
	lab := call[apitypes.Lab](t, apiKey, url+"/v1/labs", apitypes.LabRequest{Type: "ec2-basics", Student: "ada", Duration: apitypes.Duration(time.Hour), StartAt: time.Now().Add(time.Second)})
	await(t, "the lab is served", func() bool { return state(t, a, lab.ID) == "active" })
	cred := call[apitypes.Credentials](t, apiKey, url+"/v1/labs/"+lab.ID+"/credentials", nil)
	secrets["the student's key"] = cred.SecretAccessKey
	if cred.Password != "" {
		secrets["the student's password"] = cred.Password
	}
	call[apitypes.Lab](t, apiKey, url+"/v1/labs/"+lab.ID+"/end", nil)
	account := cred.Account
	await(t, "the account is clean", func() bool {
		doc, err := a.DB.Accounts().Get(t.Context(), account)
		return err == nil && doc.SessionID == ""
	})
	for _, kind := range tasks.Kinds() {
		await(t, "a task "+kind, func() bool { return wire.holds(kind) })
	}
	for name, secret := range secrets {
		if len(secret) < 8 {
			t.Fatalf("%s is %q, which proves nothing", name, secret)
		}
		if wire.holds(secret) {
			t.Errorf("%s went to Redis", name)
		}
	}
}

func state(t *testing.T, a *App, id string) string {
	t.Helper()
	s, err := a.DB.Sessions().Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return string(s.State)
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(2 * wait); !so(); {
		select {
		case <-deadline:
			t.Fatalf("not yet: %s", what)
		case <-tick.C:
		}
	}
}

// call is a POST that must succeed.
func call[T any](t *testing.T, key, url string, body any) (v T) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	status, text := ask(t, http.MethodPost, url, func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+key)
		if body != nil {
			r.Header.Set("Content-Type", "application/json")
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
		}
	})
	if err := json.Unmarshal([]byte(text), &v); err != nil || status >= http.StatusBadRequest {
		t.Fatal(errors.Join(err, errors.New(http.StatusText(status)+": "+strings.TrimSpace(text))))
	}
	return v
}
