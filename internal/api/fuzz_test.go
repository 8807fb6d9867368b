package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"pgregory.net/rapid"
)

// steadily is how rapid works here, unless its flags say otherwise: the same
// requests in every run, others for every operation, and few enough for every
// day. -rapid.checks=1000 -rapid.seed=0 looks further.
func steadily(t *testing.T) func(operation string) {
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	set := func(name, value string) {
		if !given[name] {
			must(t, flag.Set(name, value))
		}
	}
	set("rapid.checks", "40")
	set("rapid.nofailfile", "true")
	set("rapid.shrinktime", "10s")
	return func(operation string) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(operation)) // a hash takes everything
		set("rapid.seed", strconv.Itoa(int(h.Sum32())))
	}
}

// Whatever a request holds, it is never a 500 and tells nothing of the inside;
// what is refused says so as a problem and has changed nothing; what is answered
// is as the document says.
func TestFuzzEveryRoute(t *testing.T) {
	seed := steadily(t)
	w := setupWorld(t, &lines{})
	w.kept = newSnapshots(t, w.bench)
	start, err := w.kept.take(t.Context())
	must(t, err)
	for _, g := range w.targets() {
		t.Run(g.op.id, func(t *testing.T) {
			seed(g.op.id)
			seen := map[int]int{}
			rapid.Check(t, func(rt *rapid.T) { seen[w.shoot(t.Context(), rt, g, start)]++ })
			t.Log(seen)
			if done := slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(status int) bool { return status < http.StatusBadRequest }); !done {
				t.Error("no request got through: what is behind the door was not tested")
			}
		})
	}
}

// targets are the operations of the document, sorted.
func (w *fuzzWorld) targets() []target {
	var out []target
	for path, item := range w.OpenAPI().Paths {
		for _, doc := range []*huma.Operation{item.Get, item.Head, item.Post, item.Put, item.Patch, item.Delete} {
			if doc != nil {
				out = append(out, target{w, path, doc, doc.Metadata[metaOp].(op)})
			}
		}
	}
	slices.SortFunc(out, func(a, b target) int { return strings.Compare(a.op.id, b.op.id) })
	return out
}

// shoot sends one request to a world that is as at the start, and leaves it so.
// It gives the status of the answer.
func (w *fuzzWorld) shoot(ctx context.Context, t *rapid.T, g target, start state) int {
	s := g.draw(t)
	w.log.take()
	got := w.send(ctx, t, g, s)
	now, err := w.kept.take(ctx)
	if err != nil {
		t.Fatal(err)
	}
	changed := start.differ(now)
	if len(changed) > 0 {
		defer w.again(ctx, t, start)
	}
	fail := func(format string, args ...any) {
		t.Fatalf("%s\n%s\nanswer %d %q %.1500q\nlog %.3000s", fmt.Sprintf(format, args...), s, got.status, fmt.Sprint(got.header), got.body, w.log.take())
	}
	for _, secret := range w.keys {
		if strings.Contains(got.body+fmt.Sprint(got.header), secret) {
			fail("the answer holds the key")
		}
	}
	for _, inner := range []string{"goroutine ", ".go:", "runtime error", "mongo", "redis", "asynq", "panic"} {
		if strings.Contains(strings.ToLower(got.body), inner) {
			fail("the answer tells of %q", inner)
		}
	}
	switch {
	case got.status >= http.StatusInternalServerError:
		fail("it failed")
	case got.status >= http.StatusBadRequest:
		if why := w.badProblem(got); why != "" {
			fail("the problem is none: %s", why)
		}
		if len(changed) > 0 {
			fail("a refused request changed %q", changed)
		}
	default:
		if why := w.badAnswer(g, got); why != "" {
			fail("the answer is not as the document says: %s", why)
		}
		if !g.op.mutates() && len(changed) > 0 {
			fail("a read changed %q", changed)
		}
		if strings.TrimSpace(s.header.Get(idempotencyKey)) != "" && s.method == http.MethodPost {
			w.repeat(ctx, t, g, s, got, now, fail)
		}
	}
	return got.status
}

// repeat sends what was done under an Idempotency-Key a second time.
func (w *fuzzWorld) repeat(ctx context.Context, t *rapid.T, g target, s *shot, first answer, before state, fail func(string, ...any)) {
	got := w.send(ctx, t, g, s)
	after, err := w.kept.take(ctx)
	if err != nil {
		t.Fatal(err)
	}
	replayed := got.header.Get("Idempotency-Replayed") == "true"
	anew := g.op.fresh || g.op.repeatable && first.status == http.StatusAccepted
	if got.status != first.status || got.body != first.body || replayed == anew {
		fail("the repetition is answered %d %q", got.status, got.body)
	}
	if changed := before.differ(after); len(changed) > 0 {
		fail("the repetition changed %q", changed)
	}
}

// again puts the world back. What services remember for a moment they forget.
func (w *fuzzWorld) again(ctx context.Context, t *rapid.T, start state) {
	now, err := w.kept.take(ctx)
	if err == nil {
		err = w.kept.restore(ctx, start, now)
	}
	if err == nil {
		now, err = w.kept.take(ctx)
	}
	if left := start.differ(now); err != nil || len(left) > 0 {
		t.Fatalf("the world is not restored: %q, %v", left, err)
	}
	w.clock.Advance(3 * time.Second)
}

// send calls the API. Of a stream only the head is read.
func (w *fuzzWorld) send(ctx context.Context, t *rapid.T, g target, s *shot) answer {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, s.method, w.url+s.target, bytes.NewReader(s.body))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	req.Header = s.header.Clone()
	resp, err := w.client.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	defer func() { _ = resp.Body.Close() }() // only read
	if g.op.limit < 0 && resp.StatusCode == http.StatusOK {
		return answer{resp.StatusCode, resp.Header, ""}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// badProblem says why an answer is no problem, "" if it is one.
func (w *fuzzWorld) badProblem(a answer) string {
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		return "content type " + got
	}
	var p struct {
		Title, Code, Detail, Request string
		Status                       int
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		return err.Error()
	}
	if p.Title == "" || p.Code == "" || p.Detail == "" || p.Status != a.status || p.Request == "" || p.Request != a.header.Get("X-Request-Id") {
		return fmt.Sprintf("%+v", p)
	}
	return w.unlike(&huma.Schema{Ref: "#/components/schemas/Problem"}, a.body)
}

// badAnswer says why an answer is not as the document says, "" if it is.
func (w *fuzzWorld) badAnswer(g target, a answer) string {
	doc := g.doc.Responses[strconv.Itoa(a.status)]
	if doc == nil {
		return fmt.Sprintf("status %d is not in the document, which has %v", a.status, slices.Sorted(maps.Keys(g.doc.Responses)))
	}
	kind, _, err := mime.ParseMediaType(cmp.Or(a.header.Get("Content-Type"), "none/none"))
	switch content := doc.Content[kind]; {
	case err != nil:
		return err.Error()
	case len(doc.Content) == 0 && a.body == "":
		return ""
	case content == nil:
		return "content type " + kind
	case kind == "application/json":
		return w.unlike(content.Schema, a.body)
	}
	return ""
}

// unlike says how JSON differs from a schema, "" if it does not.
func (w *fuzzWorld) unlike(schema *huma.Schema, text string) string {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return err.Error()
	}
	found := &huma.ValidateResult{}
	huma.Validate(w.OpenAPI().Components.Schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, found)
	if len(found.Errors) > 0 {
		return fmt.Sprint(found.Errors)
	}
	return ""
}
