package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/redis"
	"github.com/kodekloud/kml/internal/seal"
)

// withKeys makes the API ask for keys as it does in production.
func withKeys(b *bench, c *Config) {
	c.Authenticate, c.Keys = nil, &access.Keys{Store: b.db.Keys(), Clock: b.clock}
}

// withCalls keeps answers to POSTs.
func withCalls(b *bench, c *Config) {
	c.Idempotent, c.Sealer = b.db.Calls(), sealer
}

var sealer = func() *seal.Sealer {
	s, err := seal.New("k", map[string][]byte{"k": make([]byte, seal.KeySize)})
	if err != nil {
		panic(err)
	}
	return s
}()

// withLimits counts calls and failures in Redis.
func withLimits(perMinute, burst, failures int) func(*bench, *Config) {
	return func(b *bench, c *Config) {
		c.Limiter, c.Failures = redis.NewLimiter(b.redis), redis.NewFailures(b.redis)
		c.PerMinute, c.Burst, c.MaxFailures = perMinute, burst, failures
	}
}

// key makes a key of a role.
func (b *bench) key(t testing.TB, role access.Role) string {
	t.Helper()
	plain, _, err := b.Keys.New(b.ctx, access.KeyRequest{Name: "the " + string(role), Role: role}, "test")
	must(t, err)
	return plain
}

// with calls with a key, or with none.
func (b *bench) with(t testing.TB, key, method, path string, body any, headers ...string) answer {
	t.Helper()
	if key != "" {
		headers = append(headers, "Authorization", "Bearer "+key)
	}
	return b.do(t, access.Principal{}, method, path, body, headers...)
}

// calls are what the activity log has of calls, newest first.
func (b *bench) calls(t testing.TB) []fleet.Activity {
	t.Helper()
	lines, err := b.Activity.Find(b.ctx, fleet.ActivityQuery{Kind: "call"})
	must(t, err)
	return lines
}

// echo is an operation of tests: it counts its calls and does as it is told.
type echo struct {
	mu    sync.Mutex
	calls int
	do    func(ctx context.Context, n int) error
}

type echoed struct {
	ID     string `json:"id"`
	Text   string `json:"text"`
	Secret string `json:"secret"`
}

type echoIn struct {
	ID   string `path:"id"`
	Mode string `query:"mode"`
	Body struct {
		Text   string `json:"text" maxLength:"20"`
		Reason string `json:"reason,omitempty"`
		N      int    `json:"n,omitempty" minimum:"1"`
	}
}

func (e *echo) routes(s *Server) {
	h := func(ctx context.Context, in *echoIn) (*tagged[echoed], error) {
		e.mu.Lock()
		e.calls++
		n, do := e.calls, e.do
		e.mu.Unlock()
		if do != nil {
			if err := do(ctx, n); err != nil {
				return nil, err
			}
		}
		return &tagged[echoed]{ETag: etag(int64(n)), Body: echoed{ID: in.ID, Text: in.Body.Text, Secret: "hush-hush"}}, nil
	}
	for _, o := range []op{
		{id: "echo", method: http.MethodPost, path: "/v1/echo/{id}", needs: access.LabsWrite, status: http.StatusCreated, hidden: true},
		{id: "echo-other", method: http.MethodPost, path: "/v1/other/{id}", needs: access.LabsWrite},
		{id: "echo-again", method: http.MethodPost, path: "/v1/again/{id}", needs: access.LabsWrite, repeatable: true},
		{id: "put-echo", method: http.MethodPut, path: "/v1/echo/{id}", needs: access.AccountsWrite},
		{id: "echo-account", method: http.MethodPost, path: "/v1/accounts/{id}/echo", needs: access.AccountsWrite},
	} {
		o.tag, o.summary = "Test", "Echo"
		register(s, o, h)
	}
}

func (e *echo) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls
}

// setupEcho makes an API with the operations of tests.
func setupEcho(t testing.TB, edits ...func(*bench, *Config)) (*bench, *echo) {
	t.Helper()
	b, e := setup(t, edits...), &echo{}
	e.routes(b.Server)
	return b, e
}

func mustParse(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	must(t, err)
	return u
}

// safeBuffer is a log that many write to.
type safeBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
