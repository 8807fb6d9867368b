package apiclient_test

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kodekloud/kml/internal/api"
	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

// recorder is a server that notes what it is asked and says little.
type recorder struct {
	mu    sync.Mutex
	asked []*http.Request
	sent  [][]byte
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	var body []byte
	if q.Body != nil {
		body, _ = io.ReadAll(q.Body)
	}
	r.mu.Lock()
	r.asked, r.sent = append(r.asked, q), append(r.sent, body)
	r.mu.Unlock()
	out := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: q, Body: io.NopCloser(strings.NewReader(`{"state":"ended"}`))}
	if q.Header.Get("Accept") == "text/event-stream" {
		out.StatusCode = http.StatusNoContent
	}
	return out, nil
}

// asking is one method of the client, and what it asked.
type asking struct {
	name   string
	method reflect.Method
	req    *http.Request
	body   []byte
}

// everyCall makes every call of the client once, with every field filled.
func everyCall(t *testing.T) []asking {
	t.Helper()
	var out []asking
	kind := reflect.TypeFor[*apiclient.Client]()
	for m := range kind.Methods() {
		if m.Type.NumIn() < 2 || m.Type.In(1) != reflect.TypeFor[context.Context]() {
			continue
		}
		rec := &recorder{}
		c, err := apiclient.New("http://server/prefix", "kml_id_secret", apiclient.Options{HTTPClient: &http.Client{Transport: rec}, Tries: 1})
		if err != nil {
			t.Fatal(err)
		}
		args := []reflect.Value{reflect.ValueOf(c), reflect.ValueOf(t.Context())}
		for i := 2; i < m.Type.NumIn(); i++ {
			args = append(args, filled(m.Type.In(i)))
		}
		got := m.Func.Call(args)
		if first := got[0]; first.Kind() == reflect.Func {
			for range first.Seq2() {
			}
		}
		if len(rec.asked) != 1 {
			t.Fatalf("%s asked the server %d times", m.Name, len(rec.asked))
		}
		out = append(out, asking{m.Name, m, rec.asked[0], rec.sent[0]})
	}
	return out
}

// filled is a value without zero fields.
func filled(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch {
	case t == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)))
	case t == reflect.TypeFor[io.Writer]():
		v.Set(reflect.ValueOf(io.Discard))
	case t == reflect.TypeFor[func(apitypes.Lab)]():
	case t.Kind() == reflect.String:
		v.SetString("a/b")
	case v.CanInt():
		v.SetInt(7)
	case t.Kind() == reflect.Bool:
		v.SetBool(true)
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		v.Elem().Set(filled(t.Elem()))
	case t.Kind() == reflect.Slice:
		v.Set(reflect.Append(v, filled(t.Elem())))
	case t.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(filled(t.Key()), filled(t.Elem()))
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			v.Field(i).Set(filled(t.Field(i).Type))
		}
	default:
		panic("no value of " + t.String())
	}
	return v
}

// operation is one of the document.
type operation struct {
	*huma.Operation
	name string // METHOD /path/{id}
	used bool
	sent map[string]bool // query parameters that some call sends
}

func operations(doc *huma.OpenAPI) []*operation {
	var out []*operation
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "PUT": item.Put, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete} {
			if op != nil && strings.HasPrefix(path, "/v1/") {
				out = append(out, &operation{Operation: op, name: method + " " + path, sent: map[string]bool{}})
			}
		}
	}
	return out
}

// find gives the operation that a request is for: the one with the most fixed
// segments, as routers do.
func find(ops []*operation, method, path string) *operation {
	var best *operation
	fixed := -1
	for _, op := range ops {
		m, template, _ := strings.Cut(op.name, " ")
		want, got := strings.Split(template, "/"), strings.Split(path, "/")
		if m != method || len(want) != len(got) {
			continue
		}
		n, fits := 0, true
		for i, w := range want {
			if strings.HasPrefix(w, "{") {
				fits = fits && got[i] == "a%2Fb" // a value stays in its segment
				continue
			}
			n++
			fits = fits && w == got[i]
		}
		if fits && n > fixed {
			best, fixed = op, n
		}
	}
	return best
}

// The client and the document say the same: every call is an operation, with its
// parameters, body and answer, and every operation has a call.
func TestFollowsTheDocument(t *testing.T) {
	t.Parallel()
	doc := api.New(api.Config{}).OpenAPI()
	ops := operations(doc)
	for _, a := range everyCall(t) {
		path, under := strings.CutPrefix(a.req.URL.EscapedPath(), "/prefix")
		if !under {
			t.Errorf("%s leaves the address of the server: %s", a.name, a.req.URL)
		}
		if path == "/healthz" || path == "/readyz" {
			continue // of the process, not of the API
		}
		op := find(ops, a.req.Method, path)
		if op == nil {
			t.Errorf("%s calls %s %s, which the document does not know", a.name, a.req.Method, path)
			continue
		}
		op.used = true
		checkParameters(t, a, op)
		checkBody(t, a, op, doc)
		checkAnswer(t, a, op)
	}
	for _, op := range ops {
		if !op.used {
			t.Errorf("no method of the client calls %s", op.name)
			continue
		}
		for _, p := range op.Parameters {
			if p.In == "query" && !op.sent[p.Name] && !elsewhere(p.Name, op) {
				t.Errorf("no method of the client can give %s its parameter %q", op.name, p.Name)
			}
		}
	}
}

// elsewhere says whether a parameter is given in another way: the cursor from the
// second page on, the place on a stream by its header.
func elsewhere(parameter string, op *operation) bool {
	return parameter == "cursor" || parameter == "after" && strings.HasSuffix(op.name, "/events")
}

func checkParameters(t *testing.T, a asking, op *operation) {
	t.Helper()
	known := map[string]bool{}
	for _, p := range op.Parameters {
		known[p.In+" "+p.Name] = true
	}
	for name := range a.req.URL.Query() {
		op.sent[name] = true
		if !known["query "+name] {
			t.Errorf("%s sends the parameter %q, which %s does not know", a.name, name, op.name)
		}
	}
	edits := a.req.Method == http.MethodPut || a.req.Method == http.MethodPatch // elsewhere If-Match may be left out
	// What an edit says of the version that it is for.
	stated := 0
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if a.req.Header.Get(name) == "" {
			continue
		}
		if stated++; !known["header "+name] {
			t.Errorf("%s sends %s, which %s does not know", a.name, name, op.name)
		}
	}
	if (stated == 1) != edits || stated > 1 {
		t.Errorf("%s says %d times which version it edits", a.name, stated)
	}
	if (a.req.Method == http.MethodPost) != (a.req.Header.Get("Idempotency-Key") != "") {
		t.Errorf("%s: a POST has an Idempotency-Key, and nothing else has", a.name)
	}
	if got := a.req.Header.Get("Authorization"); got != "Bearer kml_id_secret" {
		t.Errorf("%s sends %q as authorization", a.name, got)
	}
}

// checkBody holds the body's fields against its schema.
func checkBody(t *testing.T, a asking, op *operation, doc *huma.OpenAPI) {
	t.Helper()
	if op.RequestBody == nil || len(a.body) == 0 {
		if op.RequestBody != nil && op.RequestBody.Required || len(a.body) > 0 {
			t.Errorf("%s and %s disagree on the body %q", a.name, op.name, a.body)
		}
		return
	}
	schema := op.RequestBody.Content["application/json"].Schema
	if schema.Ref != "" {
		schema = doc.Components.Schemas.SchemaFromRef(schema.Ref)
	}
	var sent map[string]any
	if err := json.Unmarshal(a.body, &sent); err != nil {
		t.Fatal(err)
	}
	for name := range sent {
		if schema.Properties[name] == nil {
			t.Errorf("%s sends %q, which %s does not know", a.name, name, op.name)
		}
	}
	for name := range schema.Properties {
		if _, ok := sent[name]; !ok {
			t.Errorf("%s cannot send %q of %s", a.name, name, op.name)
		}
	}
}

// checkAnswer holds the type that a method reads against the one that is written.
func checkAnswer(t *testing.T, a asking, op *operation) {
	t.Helper()
	var written []string
	for status, r := range op.Responses {
		if strings.HasPrefix(status, "2") && r.Content["application/json"] != nil {
			schema := r.Content["application/json"].Schema
			written = append(written, cmp.Or(schema.Ref, schema.Type))
		}
	}
	out := a.method.Type.Out(0)
	var of reflect.Type
	switch {
	case out == reflect.TypeFor[error]():
		return
	case out.Kind() == reflect.Func:
		of = out.In(0).In(0)
		if of == reflect.TypeFor[apiclient.StreamEvent]() {
			return
		}
	default:
		of = out
	}
	name := huma.DefaultSchemaNamer(of, "")
	if out != of {
		name = "Page" + name
	} else if of.Kind() == reflect.Slice {
		if name = "Page" + huma.DefaultSchemaNamer(of.Elem(), ""); slices.Contains(written, "array") {
			return // not every list has pages
		}
	}
	if !slices.Contains(written, "#/components/schemas/"+name) {
		t.Errorf("%s reads %s, and %s writes %v", a.name, name, op.name, written)
	}
}
