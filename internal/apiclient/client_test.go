package apiclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

// wire is a server that notes what it is asked, and answers as a test says.
type wire struct {
	*httptest.Server
	mu    sync.Mutex
	asked []*http.Request
}

// serve answers the nth try, from 0, by answer.
func serve(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *wire {
	t.Helper()
	w := &wire{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		n := len(w.asked)
		w.asked = append(w.asked, r)
		w.mu.Unlock()
		answer(n, rw, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *wire) tries() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

func (w *wire) client(t *testing.T, o apiclient.Options) *apiclient.Client {
	t.Helper()
	o.Pause = time.Millisecond
	c, err := apiclient.New(w.URL, "kml_id_secret", o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tell(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(apitypes.Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: "no", Remedy: "do this"})
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

func TestRepeatsWhatMayBeRepeated(t *testing.T) {
	t.Parallel()
	busy := func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); refuse(w, 503, "busy") }
	limited := func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); refuse(w, 429, "limited") }
	later := func(w http.ResponseWriter) { w.Header().Set("Retry-After", "3600"); refuse(w, 429, "limited") }
	working := func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); refuse(w, 409, "in_progress") }
	conflict := func(w http.ResponseWriter) { refuse(w, 409, "conflict") }
	broken := func(w http.ResponseWriter) { refuse(w, 500, "internal") }
	request := func(c *apiclient.Client) error {
		_, err := c.RequestLab(t.Context(), apitypes.LabRequest{Type: "ec2-basics"}, 0)
		return err
	}
	read := func(c *apiclient.Client) error { _, err := c.Me(t.Context()); return err }
	replace := func(version int64) func(c *apiclient.Client) error {
		return func(c *apiclient.Client) error {
			_, err := c.SetTarget(t.Context(), "alpha", "ou-1", version, apitypes.Target{Warm: 3})
			return err
		}
	}
	change := func(c *apiclient.Client) error {
		_, err := c.ChangeBooking(t.Context(), "b1", apiclient.AnyVersion, apitypes.BookingChange{})
		return err
	}
	for _, c := range []struct {
		name  string
		fault func(http.ResponseWriter)
		call  func(*apiclient.Client) error
		tries int
	}{
		{"POST, busy", busy, request, 3},
		{"POST, hung up", hangUp, request, 3},
		{"POST, limited", limited, request, 3},
		{"POST, limited for long", later, request, 1},
		{"POST, an earlier try at work", working, request, 3},
		{"POST, conflict", conflict, request, 1},
		{"POST, failed", broken, request, 1},
		{"GET, hung up", hangUp, read, 3},
		{"DELETE, hung up", hangUp, func(c *apiclient.Client) error { return c.RevokeKey(t.Context(), "k") }, 3},
		{"PUT of any version, hung up", hangUp, replace(apiclient.AnyVersion), 3},
		{"PUT of one version, hung up", hangUp, replace(4), 1},
		{"PUT of one version, limited", limited, replace(4), 3},
		{"PATCH, hung up", hangUp, change, 1},
		{"PATCH, busy", busy, change, 1},
		{"readiness, busy", busy, func(c *apiclient.Client) error { return c.Ready(t.Context()) }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
				if n < 2 {
					c.fault(w)
					return
				}
				tell(w, struct{}{})
			})
			err := c.call(w.client(t, apiclient.Options{HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}))
			asked := w.tries()
			if len(asked) != c.tries || (err == nil) != (c.tries == 3) {
				t.Fatalf("%d tries, %v; want %d", len(asked), err, c.tries)
			}
			keys := map[string]bool{}
			for _, r := range asked {
				keys[r.Header.Get("Idempotency-Key")] = true
			}
			if len(keys) != 1 || keys[""] == (asked[0].Method == http.MethodPost) {
				t.Errorf("idempotency keys of the tries: %v", keys)
			}
		})
	}
}

func TestEveryPOSTHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	w := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { tell(w, apitypes.Lab{}) })
	c := w.client(t, apiclient.Options{})
	for _, ctx := range []context.Context{t.Context(), t.Context(), apiclient.WithIdempotencyKey(t.Context(), "mine")} {
		if _, err := c.EndLab(ctx, "l1", ""); err != nil {
			t.Fatal(err)
		}
	}
	a := w.tries()
	first, second, third := a[0].Header.Get("Idempotency-Key"), a[1].Header.Get("Idempotency-Key"), a[2].Header.Get("Idempotency-Key")
	if first == "" || first == second || third != "mine" {
		t.Errorf("keys %q, %q and %q", first, second, third)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	is := map[string]func(error) bool{"not found": apiclient.IsNotFound, "refused": apiclient.IsRefused, "conflict": apiclient.IsConflict,
		"invalid": apiclient.IsInvalid, "timeout": apiclient.IsTimeout}
	for status, want := range map[int]string{404: "not found", 401: "refused", 403: "refused", 409: "conflict", 412: "conflict", 428: "conflict", 422: "invalid", 400: "invalid", 504: "timeout", 500: ""} {
		w := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { refuse(w, status, "a_code") })
		_, err := w.client(t, apiclient.Options{}).Lab(t.Context(), "l1", 0)
		var p *apitypes.Problem
		if !errors.As(err, &p) || p.Remedy != "do this" || apiclient.Code(err) != "a_code" {
			t.Fatalf("%d: %#v", status, err)
		}
		for name, f := range is {
			if f(err) != (name == want) {
				t.Errorf("%d is %s: %v", status, name, f(err))
			}
		}
	}
}

func TestOthersAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w http.ResponseWriter){
		"a proxy's page": func(w http.ResponseWriter) { http.Error(w, "<html>", http.StatusBadGateway) },
		"a redirect":     func(w http.ResponseWriter) { w.Header().Set("Location", "https://elsewhere/"); w.WriteHeader(301) },
		"no JSON":        func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") },
		"half an answer": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"id":`)
		},
	} {
		w := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answer(w) })
		_, err := w.client(t, apiclient.Options{}).RequestLab(t.Context(), apitypes.LabRequest{}, 0)
		if !errors.Is(err, apiclient.ErrNotKML) || len(w.tries()) != 1 {
			t.Errorf("%s: %v after %d tries", name, err, len(w.tries()))
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	w := serve(t, nil)
	c := w.client(t, apiclient.Options{Tries: 2})
	w.Close()
	if _, err := c.Me(t.Context()); !errors.Is(err, apiclient.ErrUnreachable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("of a closed server: %v", err)
	}
	for _, err := range c.Events(t.Context(), apiclient.EventQuery{}) {
		if !errors.Is(err, apiclient.ErrUnreachable) {
			t.Errorf("a stream of a closed server: %v", err)
		}
	}
	release := make(chan struct{})
	slow := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := slow.client(t, apiclient.Options{}).Me(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, apiclient.ErrUnreachable) {
		t.Errorf("when the context ended: %v", err)
	}
	if _, err := slow.client(t, apiclient.Options{Timeout: time.Millisecond, Tries: 2}).Me(t.Context()); !errors.Is(err, apiclient.ErrUnreachable) {
		t.Errorf("when the tries took too long: %v", err)
	}
}

func TestRefusesBadOptions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		server, key string
		o           apiclient.Options
	}{
		{"kml.example.org", "", apiclient.Options{}},
		{"ftp://kml.example.org", "", apiclient.Options{}},
		{"https://ada:secret@kml.example.org", "", apiclient.Options{}},
		{"https://kml.example.org", "two\nlines-secret", apiclient.Options{}},
		{"https://kml.example.org", "", apiclient.Options{CAFile: "/does/not/exist"}},
		{"https://kml.example.org", "", apiclient.Options{CAFile: "client_test.go"}},
		{"https://kml.example.org", "", apiclient.Options{CertFile: "client_test.go"}},
	} {
		if _, err := apiclient.New(c.server, c.key, c.o); err == nil || strings.Contains(err.Error(), "lines-secret") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestHidesItsKey(t *testing.T) {
	t.Parallel()
	c, err := apiclient.New("https://kml.example.org/", "kml_id_secret", apiclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c)} {
		if strings.Contains(s, "secret") {
			t.Error(s)
		}
	}
	if c.Server() != "https://kml.example.org" {
		t.Error(c.Server())
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	const labs = 450
	w := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		from, size := 0, 0
		_, _ = fmt.Sscan(r.FormValue("limit"), &size)
		_, _ = fmt.Sscan(r.FormValue("cursor"), &from)
		p := apitypes.Page[apitypes.Lab]{Items: []apitypes.Lab{}}
		for i := from; i < min(from+size, labs); i++ {
			p.Items = append(p.Items, apitypes.Lab{ID: fmt.Sprint(i)})
		}
		if from+size < labs {
			p.Next = fmt.Sprint(from + size)
		}
		tell(w, p)
	})
	c := w.client(t, apiclient.Options{})
	for limit, want := range map[int]int{0: labs, 3: 3, 250: 250, 1000: labs} {
		got, err := apiclient.Collect(c.Labs(t.Context(), apiclient.LabQuery{Limit: limit}))
		if err != nil || len(got) != want || got[want-1].ID != fmt.Sprint(want-1) {
			t.Errorf("limit %d: %d labs, %v", limit, len(got), err)
		}
	}
	before := len(w.tries())
	for range c.Labs(t.Context(), apiclient.LabQuery{}) {
		break
	}
	if n := len(w.tries()) - before; n != 1 {
		t.Errorf("one lab took %d pages", n)
	}
}

func TestAListThatFails(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]func(http.ResponseWriter){
		"refused": func(w http.ResponseWriter) { refuse(w, 403, "forbidden") },
		"endless": func(w http.ResponseWriter) { tell(w, apitypes.Page[apitypes.Lab]{Next: "n"}) },
	} {
		w := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
			if n == 0 {
				tell(w, apitypes.Page[apitypes.Lab]{Items: []apitypes.Lab{{ID: "l1"}}, Next: "n"})
				return
			}
			second(w)
		})
		got, err := apiclient.Collect(w.client(t, apiclient.Options{}).Labs(t.Context(), apiclient.LabQuery{}))
		if err == nil || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestWaitsForALab(t *testing.T) {
	t.Parallel()
	w := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if want := []string{"", "30s", "30s"}[n]; r.FormValue("wait") != want {
			refuse(w, 422, "invalid")
			return
		}
		tell(w, apitypes.Lab{ID: "l1", State: []string{"waiting", "assigning", "active"}[n]})
	})
	var seen []string
	lab, err := w.client(t, apiclient.Options{}).WaitLab(t.Context(), "l1", func(l apitypes.Lab) { seen = append(seen, l.State) })
	if err != nil || lab.State != "active" || strings.Join(seen, " ") != "waiting assigning active" {
		t.Errorf("%s after %v, %v", lab.State, seen, err)
	}
}

// Addresses are logged on the way: a key that is given whole stays out of them.
func TestKeysStayOutOfAddresses(t *testing.T) {
	t.Parallel()
	w := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { tell(w, map[string]any{"items": []any{}}) })
	c := w.client(t, apiclient.Options{})
	for _, whole := range []string{"kml_abcdefghijkl_0123", "kml_abcdefghijkl", "abcdefghijkl"} {
		_, err := c.Key(t.Context(), whole)
		_, listErr := apiclient.Collect(c.Keys(t.Context(), whole))
		if err := errors.Join(err, listErr, c.RevokeKey(t.Context(), whole)); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range w.tries() {
		if got := r.URL.String(); !strings.Contains(got, "abcdefghijkl") || strings.Contains(got, "0123") || strings.Contains(got, "kml_") {
			t.Errorf("asked for %s", got)
		}
	}
}
