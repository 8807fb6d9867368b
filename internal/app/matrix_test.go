package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// operations are those of the OpenAPI document and of the queue dashboard, with
// the permission that each names.
func operations(t *testing.T, base string) (out []struct{ method, path, permission string }) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			Permission string `json:"x-kml-permission"`
		}
	}
	code, body := ask(t, http.MethodGet, base+"/openapi.json", nil)
	if err := json.Unmarshal([]byte(body), &doc); code != http.StatusOK || err != nil {
		t.Fatalf("the document: %d, %v", code, err)
	}
	add := func(method, path, permission string) {
		out = append(out, struct{ method, path, permission string }{strings.ToUpper(method), path, permission})
	}
	for path, item := range doc.Paths {
		for method, o := range item {
			add(method, path, o.Permission)
		}
	}
	add("GET", "/monitor/api/queues", string(access.QueuesRead))
	add("POST", "/monitor/api/queues/default:pause", string(access.QueuesWrite))
	add("DELETE", "/monitor/api/queues/default", string(access.QueuesWrite))
	return out
}

// Every route with every role and with none: who may is answered, who may not is
// refused, and nothing of it is a failure of the server.
func TestMatrix(t *testing.T) {
	t.Parallel()
	a, _ := open(t)
	a.Config.HTTP.Failures = 1 << 30 // garbage is tried more often than that would allow
	base := serving(t, a, (*App).API)
	keys := map[access.Role]string{}
	for _, role := range access.Roles {
		keys[role] = key(t, a, role)
	}
	revoked, gone, err := a.Keys().New(t.Context(), access.KeyRequest{Name: "revoked", Role: access.Admin}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Keys().Revoke(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	strangers := map[string]string{"nobody": "", "garbage": "abc", "a key that is none": "kml_aaaaaaaaaaaa_" + strings.Repeat("0", 64), "an admin's id": keys[access.Admin][:17] + strings.Repeat("0", 64),
		"a revoked key": revoked}
	ops := operations(t, base)
	if len(ops) < 40 {
		t.Errorf("there are only %d operations", len(ops))
	}
	for _, o := range ops {
		for _, role := range access.Roles {
			allowed := o.permission == "none" || role.May(access.Permission(o.permission))
			status, code := try(t, base, o.method, o.path, keys[role])
			switch {
			case allowed && (status == http.StatusUnauthorized || status == http.StatusForbidden || status >= http.StatusInternalServerError && !strings.HasPrefix(o.path, "/monitor")): // Asynqmon fails at queues that are none
				t.Errorf("%s %s as %s: %d %s, it needs %s", o.method, o.path, role, status, code, o.permission)
			case !allowed && (status != http.StatusForbidden || code != "forbidden"):
				t.Errorf("%s %s as %s: %d %s, though it lacks %s", o.method, o.path, role, status, code, o.permission)
			}
		}
		for name, k := range strangers {
			status, code := try(t, base, o.method, o.path, k)
			if refused := status == http.StatusUnauthorized && code == "unauthenticated"; refused == (o.permission == "none") {
				t.Errorf("%s %s as %s: %d %s", o.method, o.path, name, status, code)
			}
		}
	}
	lines, err := a.DB.Activity().Find(t.Context(), fleet.ActivityQuery{Kind: "call", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]bool{}
	for _, l := range lines {
		recorded[l.Who[:strings.IndexByte(l.Who+" ", ' ')]+" "+l.Outcome[:3]] = true
		for _, k := range append([]string{revoked}, keys[access.Admin], keys[access.Backend]) {
			if strings.Contains(l.What+l.Who+l.Reason, k) {
				t.Errorf("a key is in the log: %+v", l)
			}
		}
	}
	if !recorded["nobody 401"] || !recorded["test 403"] {
		t.Errorf("refused calls are not recorded: %v", recorded)
	}
}

// try calls an operation with made-up parameters and an empty body, and gives
// the status and the problem's code.
func try(t *testing.T, base, method, path, key string) (status int, code string) {
	t.Helper()
	path = parameter.ReplaceAllStringFunc(path, func(name string) string {
		if strings.Contains(path, "/accounts/") {
			return "999999999999"
		}
		return url.PathEscape("no-such-thing")
	})
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if method != http.MethodGet {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader("{}")), 2
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := (&http.Client{Timeout: wait, Transport: shared}).Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }() // a stream has no end
	if resp.StatusCode < http.StatusBadRequest {
		return resp.StatusCode, ""
	}
	var p apitypes.Problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil && !strings.HasPrefix(path, "/monitor") {
		t.Errorf("%s %s: %d without a problem: %v", method, path, resp.StatusCode, err)
	}
	return resp.StatusCode, p.Code
}

// shared keeps connections: the matrix is a thousand calls.
var shared = &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Second}
