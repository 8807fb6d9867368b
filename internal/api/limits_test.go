package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/redis"
)

func TestLimitOfAKey(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t, withLimits(60, 5, 100))
	for n := range 5 {
		if a := b.do(t, academy, "POST", echoPath, text{"x"}); a.status != http.StatusCreated || a.header.Get("RateLimit-Policy") != `"key";q=60;w=60` {
			t.Fatalf("call %d: %+v", n, a)
		}
	}
	var a answer
	for range 3 {
		a = b.do(t, academy, "POST", echoPath, text{"x"})
	}
	p := refused(t, a, http.StatusTooManyRequests, "rate_limited")
	if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 1 || wait > 5 || p.Remedy == "" || a.header.Get("RateLimit") == "" {
		t.Errorf("it is not told how long to wait: %+v", a.header)
	}
	if other := b.do(t, bootcamp, "POST", echoPath, text{"x"}); other.status != http.StatusCreated {
		t.Errorf("another key: %+v", other)
	}
	if v := b.do(t, academy, "GET", "/v1/version", nil); v.status != http.StatusOK {
		t.Errorf("what needs no key: %+v", v)
	}
	if e.count() > 7 {
		t.Errorf("called %d times", e.count())
	}
}

// Without Redis calls go on.
func TestNoRedis(t *testing.T) {
	t.Parallel()
	var lines safeBuffer
	nobody := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { must(t, nobody.Close()) })
	b, _ := setupEcho(t, withKeys, withLimits(60, 1, 1), func(_ *bench, c *Config) {
		c.Limiter, c.Failures, c.Log = redis.NewLimiter(nobody), redis.NewFailures(nobody), c.Log.Output(&lines).Level(zerolog.InfoLevel)
	})
	key := b.key(t, access.Backend)
	for range 3 {
		if a := b.with(t, key, "POST", echoPath, text{"x"}); a.status != http.StatusCreated {
			t.Fatalf("%+v", a)
		}
		refused(t, b.with(t, "kml_none", "POST", echoPath, text{"x"}), http.StatusUnauthorized, "unauthenticated")
	}
	if !strings.Contains(lines.String(), "not limited at present") {
		t.Errorf("nobody is told: %s", lines.String())
	}
}

// Whoever fails too often is slowed down: a burst, and then one try a second. A
// good key at the same address goes on, at once if it is in use.
func TestBruteForceIsSlowed(t *testing.T) {
	t.Parallel()
	const failures = 10
	b := setup(t, withKeys, withLimits(6000, 1000, failures))
	good := b.key(t, access.Viewer)
	tries := func(n int) (refused, slowed int) {
		for i := range n {
			a := b.with(t, fmt.Sprintf("%s%064x", good[:17], i), "GET", "/v1/me", nil)
			switch a.status {
			case http.StatusUnauthorized:
				refused++
			case http.StatusTooManyRequests:
				slowed++
				if a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "too_many_failures") {
					t.Fatalf("%+v", a)
				}
			default:
				t.Fatalf("%+v", a)
			}
		}
		return refused, slowed
	}
	if _, slowed := tries(failures); slowed != 0 {
		t.Errorf("slowed down before there were %d failures", failures)
	}
	if a := b.with(t, good, "GET", "/v1/me", nil); a.status != http.StatusOK { // takes one of the burst, and is known from now on
		t.Errorf("a good key: %+v", a)
	}
	if refused, slowed := tries(50); slowed < 40 {
		t.Errorf("of 50 tries %d were looked at", refused)
	}
	for range 20 {
		if a := b.with(t, good, "GET", "/v1/me", nil); a.status != http.StatusOK {
			t.Fatalf("a good key that is in use: %+v", a)
		}
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	proxies := trusted{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1"},
		{"192.0.2.1:5", "198.51.100.9", "192.0.2.1"}, // anybody may say so
		{"10.0.0.1:5", "198.51.100.9", "198.51.100.9"},
		{"10.0.0.1:5", "203.0.113.1, 198.51.100.9, 10.2.3.4", "198.51.100.9"}, // what stands before is hearsay
		{"10.0.0.1:5", "10.9.9.9", "10.9.9.9"},
		{"10.0.0.1:5", "", "10.0.0.1"},
		{"10.0.0.1:5", "198.51.100.9, nonsense", "10.0.0.1"},
		{"10.0.0.1:5", "nonsense, 198.51.100.9", "198.51.100.9"},
		{"[::ffff:10.0.0.1]:5", "::ffff:198.51.100.9", "198.51.100.9"},
		{"[fd00::1]:5", "2001:db8::1", "2001:db8::1"},
		{"[fe80::1%eth0]:5", "2001:db8::1", "fe80::1%eth0"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := proxies.client(r); got.String() != c.want {
			t.Errorf("%s saying %q is %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
	if (trusted{}).client(&http.Request{RemoteAddr: "@"}).IsValid() {
		t.Error("a peer without an address has one")
	}
	for addr, want := range map[string]string{"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::1": "2001:db8:1:2::/64"} {
		if got := neighbourhood(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is counted as %s", addr, got)
		}
	}
}

// deadlined notes until when the server listens to a caller; a call is cancelled
// at that time.
type deadlined struct {
	*httptest.ResponseRecorder
	set  int
	last time.Time
}

// SetReadDeadline is for http.ResponseController.
func (d *deadlined) SetReadDeadline(t time.Time) error {
	d.set, d.last = d.set+1, t
	return nil
}

// A call that takes long, as a wait for a lab does, is not ended by the time that
// its body had.
func TestBodysTimeIsNotTheCalls(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t, withCalls)
	for _, headers := range [][]string{nil, {idempotencyKey, "k1"}} {
		w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		e.do = func(context.Context, int) error {
			if w.set == 0 || !w.last.IsZero() {
				t.Errorf("with %q: set %d times, at last to %v", headers, w.set, w.last)
			}
			return nil
		}
		r := httptest.NewRequestWithContext(b.ctx, http.MethodPost, echoPath, reader(t, text{"x"}))
		as, err := json.Marshal(academy)
		must(t, err)
		r.Header.Set("X-Test-Principal", string(as))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		if b.Server.ServeHTTP(w, r); w.Code != http.StatusCreated {
			t.Errorf("with %q: %d: %s", headers, w.Code, w.Body)
		}
	}
	if e.count() != 2 {
		t.Errorf("called %d times", e.count())
	}
}
