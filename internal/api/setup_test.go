package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/lifecycle"
	"github.com/kodekloud/kml/internal/mongo"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/redisdev"
)

// The bench of the routes' tests: an API on MongoDB's and Redis's wire
// protocols, called over a socket.

var t0 = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// Who calls in tests.
var (
	academy  = access.Principal{ID: "key-academy", Name: "academy backend", Role: access.Backend, Owner: "academy"}
	bootcamp = access.Principal{ID: "key-bootcamp", Name: "bootcamp backend", Role: access.Backend, Owner: "bootcamp"}
	teacher  = access.Principal{ID: "key-teacher", Name: "Grace", Role: access.Teacher, Owner: "academy"}
	viewer   = access.Principal{ID: "key-viewer", Name: "wall display", Role: access.Viewer}
	operator = access.Principal{ID: "key-operator", Name: "Linus", Role: access.Operator}
	admin    = access.Principal{ID: "key-admin", Name: "root", Role: access.Admin}
)

type bench struct {
	*Server
	ctx     context.Context
	clock   *clock.Fake
	db      *mongo.DB
	name    string // of the database
	redis   goredis.UniversalClient
	machine *lifecycle.Machine
	url     string
	client  *http.Client
	ids     atomic.Int64
}

var databases atomic.Int64

// simulated is the MongoDB of all tests; each has a database of its own.
var simulated = sync.OnceValues(func() (uri string, err error) {
	sim, err := mongosim.Start(mongosim.Config{})
	if err != nil {
		return "", err
	}
	return sim.URI(), nil // lives as long as the test binary
})

// setup makes an API. Each edit puts in the services of the nouns under test.
func setup(t testing.TB, edits ...func(*bench, *Config)) *bench {
	t.Helper()
	return setupFor(t, 2*time.Minute, edits...)
}

// setupFor makes an API that lasts so long at most.
func setupFor(t testing.TB, most time.Duration, edits ...func(*bench, *Config)) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), most)
	t.Cleanup(cancel)
	uri, err := simulated()
	must(t, err)
	name := fmt.Sprintf("kml_api_%d_%d", os.Getpid(), databases.Add(1))
	db, err := mongo.Open(ctx, uri, name)
	must(t, err)
	store, err := redisdev.Start(ctx, redisdev.Config{InProcess: true})
	must(t, err)
	client := goredis.NewClient(&goredis.Options{Addr: store.Addr()})
	t.Cleanup(func() {
		closing, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		must(t, errors.Join(client.Close(), store.Close(), db.Drop(closing), db.Close(closing)))
	})
	b := &bench{ctx: ctx, clock: clock.NewFake(t0), db: db, name: name, redis: client}
	b.machine = lifecycle.New(db.Accounts(), db.Activity(), b.clock)
	c := Config{Version: "test", Clock: b.clock, Log: zerolog.Nop(), Endpoint: "http://aws.test", Authenticate: told, Activity: db.Activity()}
	for _, edit := range edits {
		edit(b, &c)
	}
	b.Server = New(c)
	b.serve(t)
	return b
}

// told believes what a test says of its caller.
func told(r *http.Request) (access.Principal, error) {
	var p access.Principal
	if err := json.Unmarshal([]byte(r.Header.Get("X-Test-Principal")), &p); err != nil || p.ID == "" {
		return p, access.ErrUnauthenticated
	}
	return p, nil
}

// serve opens the socket.
func (b *bench) serve(t testing.TB) {
	h := httptest.NewServer(b.Server)
	t.Cleanup(h.Close)
	b.url, b.client = h.URL, h.Client()
}

// newID makes ids that are the same in every run.
func (b *bench) newID() string { return fmt.Sprintf("id-%04d", b.ids.Add(1)) }

// answer is what the API said.
type answer struct {
	status int
	header http.Header
	body   string
}

// do calls the API. A body that is no string is sent as JSON; headers are names
// and values in turn.
func (b *bench) do(t testing.TB, as access.Principal, method, path string, body any, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(b.ctx, method, b.url+path, reader(t, body))
	must(t, err)
	who, err := json.Marshal(as)
	must(t, err)
	req.Header.Set("X-Test-Principal", string(who))
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.client.Do(req)
	must(t, err)
	defer func() { _ = resp.Body.Close() }() // only read
	raw, err := io.ReadAll(resp.Body)
	must(t, err)
	return answer{resp.StatusCode, resp.Header, string(raw)}
}

func reader(t testing.TB, body any) io.Reader {
	t.Helper()
	switch v := body.(type) {
	case nil:
		return nil
	case string:
		return strings.NewReader(v)
	}
	raw, err := json.Marshal(body)
	must(t, err)
	return bytes.NewReader(raw)
}

// get is a GET that must succeed, decoded.
func get[T any](t testing.TB, b *bench, as access.Principal, path string) T {
	t.Helper()
	return decode[T](t, b.do(t, as, http.MethodGet, path, nil), http.StatusOK)
}

// decode reads an answer that must have a status.
func decode[T any](t testing.TB, a answer, status int) T {
	t.Helper()
	var v T
	if a.status != status {
		t.Fatalf("status is %d, want %d: %s", a.status, status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("answer %q: %v", a.body, err)
	}
	return v
}

// refused reads an answer that must be a problem of a status and a code.
func refused(t testing.TB, a answer, status int, code string) apitypes.Problem {
	t.Helper()
	p := decode[apitypes.Problem](t, a, status)
	if p.Code != code {
		t.Fatalf("code is %q, want %q: %s", p.Code, code, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("content type of a problem is %q", got)
	}
	return p
}

// names says whether a problem is about a field and tells what to do.
func names(t testing.TB, p apitypes.Problem, field string) {
	t.Helper()
	for _, f := range p.Errors {
		if f.Field == field && f.Remedy != "" {
			return
		}
	}
	t.Fatalf("no remedy for %s: %+v", field, p)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
