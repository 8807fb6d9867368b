package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/fleet"
)

// Every call that may change something is recorded, refused ones too: who, from
// where, what, outcome.
func TestCallsAreRecorded(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t, withCalls)
	refuse := error(nil)
	e.do = func(context.Context, int) error { return refuse }
	type said struct {
		Text   string `json:"text"`
		Reason string `json:"reason,omitempty"`
	}
	for _, c := range []struct {
		name, method, path string
		as                 access.Principal
		body               any
		err                error
		want               fleet.Activity
	}{
		{"done", "POST", echoPath, academy, said{"x", ""}, nil, fleet.Activity{Who: "academy backend (key-academy)", What: "echo /v1/echo/a", Outcome: "201"}},
		{"with a reason", "POST", "/v1/accounts/123456789012/echo", operator, said{"x", "it is dirty"}, nil,
			fleet.Activity{Who: "Linus (key-operator)", What: "echo-account /v1/accounts/123456789012/echo", Outcome: "200", Account: "123456789012", Reason: "it is dirty"}},
		{"refused by the service", "PUT", echoPath, operator, said{"x", ""}, fleet.ErrBadMove, fleet.Activity{Who: "Linus (key-operator)", What: "put-echo /v1/echo/a", Outcome: "409 wrong_state"}},
		{"failed", "PUT", echoPath, operator, said{"x", ""}, errors.New("disk full"), fleet.Activity{Who: "Linus (key-operator)", What: "put-echo /v1/echo/a", Outcome: "500 internal"}},
		{"may not", "POST", echoPath, viewer, said{"x", ""}, nil, fleet.Activity{Who: "wall display (key-viewer)", What: "echo /v1/echo/a", Outcome: "403 forbidden"}},
		{"invalid", "POST", echoPath, academy, said{strings.Repeat("x", 21), "because"}, nil, fleet.Activity{Who: "academy backend (key-academy)", What: "echo /v1/echo/a", Outcome: "422 invalid", Reason: ""}},
		{"no caller", "POST", echoPath, access.Principal{}, said{"x", ""}, nil, fleet.Activity{Who: "nobody", What: "echo /v1/echo/a", Outcome: "401 unauthenticated"}},
		{"too large", "POST", echoPath, academy, said{strings.Repeat("x", defaultBody), ""}, nil, fleet.Activity{Who: "academy backend (key-academy)", What: "echo /v1/echo/a", Outcome: "413 too_large"}},
	} {
		refuse = c.err
		b.clock.Advance(time.Second)
		b.do(t, c.as, c.method, c.path, c.body)
		got := b.calls(t)[0]
		want := c.want
		want.ID, want.At, want.Kind, want.Where = got.ID, b.clock.Now(), "call", "127.0.0.1"
		if c.name == "invalid" {
			want.Reason = "because"
		}
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, want)
		}
	}
	before := len(b.calls(t))
	b.do(t, viewer, "GET", "/v1/me", nil)
	b.do(t, viewer, "GET", "/v1/none", nil)
	if after := len(b.calls(t)); after != before {
		t.Errorf("reading is recorded: %+v", b.calls(t)[0])
	}
	// Whoever chooses the id of a request cannot write over a line.
	for range 2 {
		b.do(t, academy, "POST", echoPath, said{"x", ""}, "X-Request-Id", "mine")
	}
	if after := len(b.calls(t)); after != before+2 {
		t.Errorf("%d lines of two calls", after-before)
	}
	for _, l := range b.calls(t) {
		if strings.Contains(l.What+l.Outcome+l.Reason, "hush") {
			t.Errorf("a secret is in the log: %+v", l)
		}
	}
}

func TestRepetitionsAreMarked(t *testing.T) {
	t.Parallel()
	b, _ := setupEcho(t, withCalls)
	for range 2 {
		b.do(t, academy, "POST", echoPath, text{"x"}, idempotencyKey, "k")
		b.clock.Advance(time.Second)
	}
	if lines := b.calls(t); len(lines) != 2 || lines[0].Outcome != "201 (replayed)" || lines[1].Outcome != "201" {
		t.Errorf("lines are %+v", lines)
	}
}

// The line stands before the answer goes out, though the client has gone.
func TestRecordComesFirst(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t)
	begun := make(chan context.CancelFunc, 1)
	gone := make(chan struct{})
	e.do = func(ctx context.Context, _ int) error {
		(<-begun)()
		<-ctx.Done() // the server has seen it
		close(gone)
		return nil
	}
	ctx, cancel := context.WithCancel(b.ctx)
	begun <- cancel
	req, err := http.NewRequestWithContext(ctx, "POST", b.url+echoPath, strings.NewReader(`{"text":"x"}`))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Test-Principal", `{"ID":"key-academy","Role":"backend"}`)
	log := &appended{ActivityLog: b.Activity, done: make(chan struct{})}
	b.Activity = log
	if resp, err := b.client.Do(req); err == nil {
		must(t, resp.Body.Close())
		t.Fatal("the client did not go")
	}
	<-gone
	<-log.done
	if lines := b.calls(t); len(lines) != 1 || lines[0].Outcome != "201" {
		t.Errorf("lines are %+v", lines)
	}
}

// appended tells of the first line.
type appended struct {
	fleet.ActivityLog
	done chan struct{}
}

func (a *appended) Append(ctx context.Context, entries ...fleet.Activity) error {
	defer close(a.done)
	return a.ActivityLog.Append(ctx, entries...)
}

// noLog takes nothing.
type noLog struct{ fleet.ActivityLog }

func (noLog) Append(context.Context, ...fleet.Activity) error { return errors.New("log is full") }

func TestLogTakesNothing(t *testing.T) {
	t.Parallel()
	var lines safeBuffer
	b, _ := setupEcho(t, func(_ *bench, c *Config) {
		c.Activity, c.Log = noLog{c.Activity}, c.Log.Output(&lines).Level(zerolog.WarnLevel)
	})
	if a := b.do(t, academy, "POST", echoPath, text{"x"}); a.status != http.StatusCreated {
		t.Errorf("what was done is told: %+v", a)
	}
	if got := lines.String(); !strings.Contains(got, "log is full") || !strings.Contains(got, "echo /v1/echo/a") || !strings.Contains(got, "key-academy") {
		t.Errorf("the process's own log has %q", got)
	}
}

// A key that calls beyond its limit does not write a line for each call, and its
// calls that were done have theirs.
func TestHastyKeysDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	const burst = 5
	b, e := setupEcho(t, withLimits(1, burst, 100))
	for range 3 * hastyLimit {
		b.do(t, academy, "POST", echoPath, text{"x"})
	}
	outcomes := map[string]int{}
	for _, l := range b.calls(t) {
		outcomes[l.Outcome]++
	}
	if outcomes["201"] != e.count() || outcomes["429 rate_limited"] != hastyLimit {
		t.Errorf("%d calls were done, lines are %v", e.count(), outcomes)
	}
	b.do(t, bootcamp, "POST", echoPath, text{"x"})
	if l := b.calls(t); !slices.ContainsFunc(l, func(l fleet.Activity) bool { return l.Who == bootcamp.Who() && l.Outcome == "201" }) {
		t.Error("another's call has no line")
	}
}

func TestStrangersDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	b, _ := setupEcho(t)
	for range 2 * strangersLimit {
		b.do(t, access.Principal{}, "POST", echoPath, text{"x"})
	}
	if n := len(b.calls(t)); n != strangersLimit {
		t.Errorf("%d lines", n)
	}
	b.clock.Advance(time.Minute)
	b.do(t, access.Principal{}, "POST", echoPath, text{"x"})
	if n := len(b.calls(t)); n != strangersLimit+1 {
		t.Errorf("%d lines a minute later", n)
	}
}
