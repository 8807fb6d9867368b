package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/access"
)

func TestWhatIsWrongWithARequest(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t)
	hugeName := `{"` + strings.Repeat("n", 2000) + `":1}`
	for _, c := range []struct {
		name, method, path string
		body               any
		headers            []string
		status             int
		code, field        string
	}{
		{"no such route", "GET", "/v1/nothing", nil, nil, 404, "no_such_route", ""},
		{"no such method", "DELETE", echoPath, nil, nil, 405, "method_not_allowed", ""},
		{"not JSON", "POST", echoPath, "{", nil, 400, "malformed", "body"},
		{"no body", "POST", echoPath, nil, nil, 400, "malformed", ""},
		{"a list", "POST", echoPath, "[]", nil, 422, "invalid", "body"},
		{"a form", "POST", echoPath, "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_media_type", "body"},
		{"odd content type", "POST", echoPath, "{}", []string{"Content-Type", ";+"}, 415, "unsupported_media_type", "body"},
		{"too large", "POST", echoPath, strings.Repeat(" ", defaultBody+1), nil, 413, "too_large", ""},
		{"unknown field", "POST", echoPath, `{"text":"x","color":"red"}`, nil, 422, "invalid", "body.color"},
		{"huge unknown field", "POST", echoPath, hugeName, nil, 422, "invalid", "body"},
		{"wrong type", "POST", echoPath, `{"text":7}`, nil, 422, "invalid", "body.text"},
		{"too long", "POST", echoPath, `{"text":"` + strings.Repeat("x", 500) + `"}`, nil, 422, "invalid", "body.text"},
		{"too small", "POST", echoPath, `{"text":"x","n":-1}`, nil, 422, "invalid", "body.n"},
		{"too big for a number", "POST", echoPath, `{"text":"x","n":1e300}`, nil, 422, "invalid", "body"},
		{"unknown parameter", "POST", echoPath + "?colour=red", text{"x"}, nil, 422, "invalid", "query.colour"},
		{"not UTF-8", "GET", "/v1/keys/%ff", nil, nil, 400, "malformed", ""},
		{"a NUL", "GET", "/v1/keys?prefix=%00", nil, nil, 400, "malformed", ""},
		{"nothing that we speak", "GET", "/v1/version", nil, []string{"Accept", "image/png"}, 200, "", ""},
	} {
		a := b.do(t, academy, c.method, c.path, c.body, c.headers...)
		if c.status == 200 {
			if a.status != 200 {
				t.Errorf("%s: %+v", c.name, a)
			}
			continue
		}
		t.Log(c.name)
		p := refused(t, a, c.status, c.code)
		if p.Status != c.status || p.Title != http.StatusText(c.status) || p.Type != problemBase+c.code || p.Remedy == "" || p.Request != a.header.Get("X-Request-Id") || p.Request == "" {
			t.Errorf("%s: %+v", c.name, p)
		}
		if c.field != "" {
			names(t, p, c.field)
		}
		if len(a.body) > 2000 || strings.Contains(a.body, strings.Repeat("x", 100)) || strings.Contains(a.body, strings.Repeat("n", 100)) {
			t.Errorf("%s: the answer repeats what is huge: %s", c.name, a.body)
		}
	}
	if a := b.do(t, academy, "DELETE", echoPath, nil); a.header.Get("Allow") != "POST, PUT" {
		t.Errorf("allowed are %q", a.header.Get("Allow"))
	}
	if e.count() != 0 {
		t.Errorf("refused requests did something: %d", e.count())
	}
}

func TestUnexpectedIsNotTold(t *testing.T) {
	t.Parallel()
	var lines safeBuffer
	b, e := setupEcho(t, func(_ *bench, c *Config) { c.Log = c.Log.Output(&lines).Level(zerolog.InfoLevel) })
	for _, do := range []func(context.Context, int) error{
		func(context.Context, int) error { return errors.New("mongodb://u:p@inner:27017 hung up") },
		func(context.Context, int) error { panic("inner thing at 10.0.0.7") },
	} {
		e.do = do
		a := b.do(t, academy, "POST", echoPath, text{"x"}, "X-Request-Id", "find-me.1")
		p := refused(t, a, http.StatusInternalServerError, "internal")
		if p.Request != "find-me.1" || strings.Contains(a.body, "inner") || strings.Contains(a.body, "goroutine") {
			t.Errorf("told: %s", a.body)
		}
	}
	for _, want := range []string{"inner:27017", "10.0.0.7", "goroutine", `"request":"find-me.1"`, "key-academy"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
}

// What a call waited for in vain is told to the log alone.
func TestOutOfTimeIsToldWithoutItsText(t *testing.T) {
	t.Parallel()
	var lines safeBuffer
	b, e := setupEcho(t, func(_ *bench, c *Config) { c.Log = c.Log.Output(&lines).Level(zerolog.InfoLevel) })
	for cause, want := range map[error]struct {
		status int
		code   string
	}{context.DeadlineExceeded: {504, "timeout"}, context.Canceled: {503, "cancelled"}} {
		e.do = func(context.Context, int) error {
			return fmt.Errorf("server selection: %w, topology: inner.mongo:27017, after %s", cause, want.code)
		}
		p := refused(t, b.do(t, academy, "POST", echoPath, text{"x"}), want.status, want.code)
		if strings.Contains(p.Detail, "inner") || p.Detail == "" || p.Remedy == "" {
			t.Errorf("told: %+v", p)
		}
		if !strings.Contains(lines.String(), "inner.mongo:27017, after "+want.code) {
			t.Errorf("%s: the log lacks the cause", want.code)
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for given, taken := range map[string]bool{"abc-1.2:3_4": true, "": false, strings.Repeat("x", 65): false, "a b": false, `"><script>`: false} {
		got := b.do(t, viewer, "GET", "/v1/me", nil, "X-Request-Id", given).header.Get("X-Request-Id")
		if (got == given) != taken || !goodID.MatchString(got) {
			t.Errorf("%q became %q", given, got)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/v1/version", "/v1/me", "/v1/none", "/openapi.json", "/docs", "/docs/docs.js", "/healthz"} {
		h := b.do(t, viewer, "GET", path, nil).header
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy is %q", path, csp)
		}
		if h.Get("Strict-Transport-Security") != "" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
	secure := httptest.NewTLSServer(b.Server)
	t.Cleanup(secure.Close)
	resp, err := secure.Client().Get(secure.URL + "/v1/version")
	must(t, err)
	must(t, resp.Body.Close())
	if resp.Header.Get("Strict-Transport-Security") == "" {
		t.Error("under TLS there is no HSTS")
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const friend = "https://academy.example"
	b, _ := setupEcho(t, func(_ *bench, c *Config) { c.Origins = []string{friend} })
	off, _ := setupEcho(t)
	preflight := []string{"Access-Control-Request-Method", "POST"}
	for _, c := range []struct {
		b      *bench
		origin string
		want   string
		status int
	}{{b, friend, friend, 204}, {b, "https://evil.example", "", 405}, {b, friend + ".evil.example", "", 405}, {b, "null", "", 405}, {off, friend, "", 405}} {
		a := c.b.do(t, academy, "OPTIONS", echoPath, nil, append(preflight, "Origin", c.origin)...)
		if a.status != c.status || a.header.Get("Access-Control-Allow-Origin") != c.want || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %+v", c.origin, a)
		}
		status, allowed := http.StatusForbidden, c.want
		if c.want != "" {
			status = http.StatusCreated
		}
		a = c.b.do(t, academy, "POST", echoPath, text{"x"}, "Origin", c.origin)
		if a.status != status || a.header.Get("Access-Control-Allow-Origin") != allowed {
			t.Errorf("call of %s: %+v", c.origin, a)
		}
	}
	refused(t, off.do(t, academy, "POST", echoPath, text{"x"}, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden, "cross_origin")
}

// The document says of every operation what it needs, and how it is refused; the
// reference page loads nothing from elsewhere.
func TestDocument(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string                 `json:"operationId"`
			Permission  string                 `json:"x-kml-permission"`
			Security    *[]map[string][]string `json:"security"`
			Parameters  []struct{ Name, In string }
			Responses   map[string]struct{ Content map[string]any }
			Tags        []string
			Summary     string
		}
		Components struct{ SecuritySchemes map[string]any }
		Security   []map[string][]string
	}
	a := b.do(t, access.Principal{}, "GET", "/openapi.json", nil)
	must(t, json.Unmarshal([]byte(a.body), &doc))
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || len(doc.Components.SecuritySchemes) != 2 || len(doc.Security) != 2 {
		t.Errorf("document %s, %v, %v", doc.OpenAPI, doc.Components, doc.Security)
	}
	for path, item := range doc.Paths {
		for method, o := range item {
			if o.Permission == "" || o.OperationID == "" || len(o.Tags) != 1 || o.Summary == "" {
				t.Errorf("%s %s: %+v", method, path, o)
			}
			count := 0
			for _, p := range o.Parameters {
				if p.Name == idempotencyKey {
					count++
				}
			}
			if want := map[bool]int{true: 1}[method == "post"]; count != want {
				t.Errorf("%s %s: Idempotency-Key stands there %d times", method, path, count)
			}
			if open := o.Permission == "none"; open != (o.Security != nil && len(*o.Security) == 0) {
				t.Errorf("%s %s: security is %v", method, path, o.Security)
			}
			if o.Permission != "none" {
				for _, status := range []string{"401", "403", "429"} {
					if o.Responses[status].Content["application/problem+json"] == nil {
						t.Errorf("%s %s: says nothing of %s", method, path, status)
					}
				}
			}
		}
	}
	for _, path := range []string{"/docs", "/docs/docs.js", "/docs/docs.css", "/openapi.yaml"} {
		a := b.do(t, access.Principal{}, "GET", path, nil)
		if a.status != http.StatusOK || path != "/openapi.yaml" && (strings.Contains(a.body, "http://") || strings.Contains(a.body, "https://") || strings.Contains(a.body, "innerHTML")) {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

// Readiness says no as soon as the server drains; calls are still answered, and
// streams end.
func TestDrain(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t)
	register(b.Server, op{id: "wait", method: http.MethodGet, path: "/v1/wait", tag: "Test", summary: "Wait", needs: access.LabsRead, limit: -1},
		func(ctx context.Context, _ *struct{}) (*body[string], error) {
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), errDraining) {
				return nil, ctx.Err()
			}
			return ok("connect again"), nil
		})
	if a := b.do(t, viewer, "GET", "/readyz", nil); a.status != http.StatusOK {
		t.Fatalf("%+v", a)
	}
	begun, free := make(chan struct{}), make(chan struct{})
	e.do = func(context.Context, int) error {
		close(begun)
		<-free
		return nil
	}
	posted, streamed := make(chan answer, 1), make(chan answer, 1)
	go func() { posted <- b.do(t, academy, "POST", echoPath, text{"x"}) }()
	go func() { streamed <- b.do(t, viewer, "GET", "/v1/wait", nil) }()
	<-begun
	b.Drain()
	b.Drain()
	if a := <-streamed; a.status != http.StatusOK || !strings.Contains(a.body, "connect again") {
		t.Errorf("the stream: %+v", a)
	}
	if a := b.do(t, viewer, "GET", "/readyz", nil); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "stopping") {
		t.Errorf("readiness: %+v", a)
	}
	if a := b.do(t, viewer, "GET", "/healthz", nil); a.status != http.StatusOK {
		t.Errorf("health: %+v", a)
	}
	close(free)
	if a := <-posted; a.status != http.StatusCreated {
		t.Errorf("a call that was taken: %+v", a)
	}
}

// What can be read can be asked for without its body, as load balancers do; a
// stream cannot, for it would not end.
func TestHead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/docs": 200, "/openapi.json": 200, "/v1/version": 200, "/v1/me": 200, "/v1/events": 405, "/v1/nothing": 404} {
		if a := b.do(t, academy, http.MethodHead, path, nil); a.status != want || a.body != "" {
			t.Errorf("HEAD %s: %d, %q", path, a.status, a.body)
		}
	}
	if a := b.do(t, academy, http.MethodDelete, "/v1/me", nil); a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("allowed are %q", a.header.Get("Allow"))
	}
}
