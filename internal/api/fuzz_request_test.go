package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"pgregory.net/rapid"

	"github.com/kodekloud/kml/internal/access"
)

// shot is one request, with what was done to it.
type shot struct {
	method, target string // path and query as they are sent
	header         http.Header
	body           []byte
	key            string // name of the key
	good           bool   // nothing is spoiled, though it may still be refused
	spoiled        []string
}

// String is the request for people; the key is named, not shown.
func (s *shot) String() string {
	head := s.header.Clone()
	head.Del("Authorization")
	return fmt.Sprintf("%s %s as %s\nheader %q\nbody %.1000q (%d bytes)\nspoiled: %s", s.method, shortenTo(s.target, 1000), s.key, fmt.Sprint(head), s.body, len(s.body), strings.Join(s.spoiled, "; "))
}

// target is an operation that is shot at.
type target struct {
	w    *fuzzWorld
	path string // as in the document
	doc  *huma.Operation
	op   op
}

// odds says whether something is spoiled: one time in so many, and never in a
// request that is good.
func (s *shot) odds(t *rapid.T, n int, what string) bool {
	return !s.good && rapid.IntRange(1, n).Draw(t, what) == 1
}

// draw makes a request for the operation: a good one, spoiled here and there.
func (g target) draw(t *rapid.T) *shot {
	s := &shot{method: g.doc.Method, header: http.Header{}, good: rapid.IntRange(0, 2).Draw(t, "good") == 0}
	s.key = rapid.SampledFrom(g.keyNames(s.good)).Draw(t, "key")
	if plain := g.w.keys[s.key]; plain != "" {
		s.header.Set("Authorization", "Bearer "+plain)
	}
	at, query := g.path, url.Values{}
	for _, p := range g.doc.Parameters {
		name := p.In + "." + p.Name
		if p.In != "path" && !p.Required && p.Name != "If-Match" && rapid.IntRange(0, 2).Draw(t, name+" is left out") > 0 {
			continue
		}
		text := g.param(t, p, name)
		if s.odds(t, 6, name+" is spoiled") {
			text = hostileText(t, name)
			s.spoiled = append(s.spoiled, fmt.Sprintf("%s = %.80q", name, text))
		}
		switch p.In {
		case "path":
			at = escaped(at, p.Name, text)
		case "query":
			query.Add(p.Name, text)
		case "header":
			if !strings.ContainsFunc(text, unicode.IsControl) { // others do not get through net/http
				s.header.Set(p.Name, text)
			}
		}
	}
	s.target = at
	if q := g.spoilQuery(t, s, query.Encode()); q != "" {
		s.target += "?" + q
	}
	g.drawBody(t, s)
	return s
}

// keyNames are the keys to choose from. Most calls are by somebody who may: what
// is refused at the door tests nothing else.
func (g target) keyNames(good bool) []string {
	var may []string
	for _, r := range access.Roles {
		if r.May(g.op.needs) {
			may = append(may, string(r))
		}
	}
	if good {
		return may
	}
	return slices.Concat(may, may, may, []string{"none", "revoked", "unknown"}, slices.Sorted(maps.Keys(g.w.keys)))
}

// spoilQuery writes the query with something in it that is in no document.
func (g target) spoilQuery(t *rapid.T, s *shot, q string) string {
	if !s.odds(t, 10, "query is spoiled") {
		return q
	}
	junk := rapid.SampledFrom([]string{"unknown=1", "%zz", "a=%ff", "a=%00", "limit=1&limit=2", "cursor", "=", "&&&", ";", "a[b]=c", "limit=", "wait=1h", "wait=-1s", strings.Repeat("a", 20000) + "=1"}).Draw(t, "junk")
	s.spoiled = append(s.spoiled, fmt.Sprintf("query %.60q", junk))
	return strings.TrimPrefix(q+"&"+junk, "&")
}

// param is a value that fits a parameter, and is known for a path's.
func (g target) param(t *rapid.T, p *huma.Param, name string) string {
	if ids := g.w.idsFor(g.path, p.Name); p.In == "path" && len(ids) > 0 {
		return rapid.SampledFrom(ids).Draw(t, name)
	}
	switch p.Name {
	case "If-Match", "If-None-Match":
		return rapid.SampledFrom([]string{"*", "*", "*", `"0"`, `"1"`, `"2"`, `W/"1"`, `"1", "2"`, `"9223372036854775808"`, "1", `"-1"`}).Draw(t, name)
	case "cursor":
		return rapid.SampledFrom([]string{cursorTo(t0, "id-0001"), cursorTo(time.UnixMilli(0), "000000000003"), cursorTo(time.UnixMilli(2), pageCursor), cursorTo(time.UnixMilli(-1<<62), ""), cursorTo(t0, "a|b\x00\xff"), "bm9uZQ"}).Draw(t, name)
	case idempotencyKey:
		return rapid.StringMatching(`[a-z0-9]{8}`).Draw(t, name)
	case "wait":
		return rapid.SampledFrom([]string{"0s", "1ms", "30s"}).Draw(t, name)
	case "duration":
		return rapid.SampledFrom([]string{"1h", "90m"}).Draw(t, name)
	case "type":
		return "lab.active,lab.ended"
	case "lab_type":
		return labName
	case "account":
		return rapid.SampledFrom(g.w.known["accounts"]).Draw(t, name)
	case "cleaning":
		return g.w.known["cleanings"][0]
	case "owner":
		return "academy"
	}
	v := g.value(t, p.Schema, name)
	if list, ok := v.([]any); ok {
		var parts []string
		for _, item := range list {
			parts = append(parts, fmt.Sprint(item))
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(v)
}

// drawBody writes a body by the schema, and spoils it.
func (g target) drawBody(t *rapid.T, s *shot) {
	limit := g.op.maxBody
	if g.doc.RequestBody == nil || g.doc.RequestBody.Content["application/json"] == nil {
		if s.odds(t, 6, "a body where there is none") {
			s.body, s.spoiled = []byte(rapid.SampledFrom(hostileJSON).Draw(t, "body")), append(s.spoiled, "a body")
			s.header.Set("Content-Type", "application/json")
		}
		return
	}
	var tree any = g.value(t, g.doc.RequestBody.Content["application/json"].Schema, "body")
	if strings.HasSuffix(g.doc.RequestBody.Content["application/json"].Schema.Ref, "/LabTypeSpec") && rapid.Bool().Draw(t, "a lab type that is right") {
		text, err := json.Marshal(typeSpec(path.Base(strings.Split(s.target, "?")[0])))
		if err = cmp.Or(err, json.Unmarshal(text, &tree)); err != nil {
			t.Fatal(err)
		}
	}
	places := 0
	if !s.good {
		places = rapid.SampledFrom([]int{0, 1, 1, 1, 2, 3}).Draw(t, "spoiled places")
	}
	for range places {
		s.spoiled = append(s.spoiled, spoil(t, &tree))
	}
	s.body = written(tree)
	kind := "application/json"
	if s.odds(t, 10, "bytes are spoiled") {
		var how string
		s.body, how = spoilBytes(t, s.body, limit)
		s.spoiled = append(s.spoiled, "bytes: "+how)
	}
	if s.odds(t, 15, "content type is spoiled") {
		kind = rapid.SampledFrom([]string{"", "text/plain", "application/json; charset=utf-16", "application/xml", "application/cbor", "multipart/form-data", "application/x-www-form-urlencoded",
			"application/merge-patch+json", "*/*", ";", "application/json, text/plain"}).Draw(t, "content type")
		s.spoiled = append(s.spoiled, "content type "+kind)
	}
	if kind != "" {
		s.header.Set("Content-Type", kind)
	}
}

// value makes a value that fits a schema; names that the fleet knows are used
// where it asks for them.
func (g target) value(t *rapid.T, schema *huma.Schema, name string) any {
	if schema.Ref != "" {
		schema = g.w.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	if len(schema.Enum) > 0 {
		return rapid.SampledFrom(schema.Enum).Draw(t, name)
	}
	switch schema.Type {
	case huma.TypeObject:
		return g.object(t, schema, name)
	case huma.TypeArray:
		out := []any{}
		for i := range rapid.IntRange(1, 3).Draw(t, "length of "+name) {
			out = append(out, g.value(t, schema.Items, fmt.Sprintf("%s[%d]", name, i)))
		}
		return out
	case huma.TypeBoolean:
		return rapid.Bool().Draw(t, name)
	case huma.TypeInteger, huma.TypeNumber:
		least, most := 0, 1000
		if schema.Minimum != nil {
			least = int(*schema.Minimum)
		}
		if schema.Maximum != nil {
			most = int(*schema.Maximum)
		}
		return rapid.IntRange(least, min(most, least+3)).Draw(t, name)
	}
	return g.text(t, schema, name)
}

func (g target) object(t *rapid.T, schema *huma.Schema, name string) map[string]any {
	out := map[string]any{}
	for _, field := range slices.Sorted(maps.Keys(schema.Properties)) {
		if slices.Contains(schema.Required, field) || rapid.Bool().Draw(t, name+" has "+field) {
			out[field] = g.value(t, schema.Properties[field], name+"."+field)
		}
	}
	if values, ok := schema.AdditionalProperties.(*huma.Schema); ok && rapid.Bool().Draw(t, name+" has entries") {
		out["StringEquals"] = g.value(t, values, name+" entry")
	}
	return out
}

// fitting are values of fields that only certain ones are good for.
var fitting = map[string][]any{
	"body.lab_type": {labName, labName, "applied", "none"}, "body.duration": {"1h", "90m", "4h"}, "body.by": {"30m", "10h"}, "body.patience": {"5m"}, "body.no_show": {"10m"}, "body.overlap": {"1h", "24h"},
	"body.callback": {"https://lms.test/hook", "http://127.0.0.1:9/x", "http://169.254.169.254/"}, "body.url": {"https://lms.test/hook", "http://127.0.0.1:9/x"}, "body.max_duration": {"2h"},
	"body.name": {"applied", labName, "brand-new"}, "body.statements[].sid": {"Look"}, "body.statements[].actions[]": {"ec2:Describe*", "ec2:RunInstances"}, "body.statements[].resources[]": {"*"},
	"body.start": {"2026-11-22T18:00:00Z", "2026-11-23T18:00:00Z"}, "body.end": {"2026-11-22T20:00:00Z", "2026-11-23T20:00:00Z"}, "body.instance_types[]": {"t3.micro"}, "body.resource": {"*"},
	"body.probe": {"ec2:DescribeInstances"}, "body.action": {"ec2:RunInstances"}, "body.state": {"pending", "archived", "scheduled"},
	"body.events[]": {"lab.active", "lab.ended"}, "body.regions[]": {"us-east-1", "eu-west-1"}, "body.services[]": {"ec2", "s3"}, "body.owner": {"academy", ""},
}

// numbers are those of the items of a list.
var numbers = regexp.MustCompile(`\[\d+\]`)

func (g target) text(t *rapid.T, schema *huma.Schema, name string) any {
	switch {
	case fitting[numbers.ReplaceAllString(name, "[]")] != nil:
		return rapid.SampledFrom(fitting[numbers.ReplaceAllString(name, "[]")]).Draw(t, name)
	case name == "body.booking":
		return rapid.SampledFrom(g.w.known["bookings"]).Draw(t, name)
	case name == "body.id":
		return rapid.SampledFrom(g.w.known["tasks"]).Draw(t, name)
	case schema.Format == "date-time":
		return t0.Add(time.Duration(rapid.IntRange(-2, 72).Draw(t, name)) * time.Hour).Format(time.RFC3339)
	case schema.Format == "date":
		return t0.AddDate(0, 0, rapid.IntRange(-40, 3).Draw(t, name)).Format(time.DateOnly)
	case schema.Pattern != "" && rapid.Bool().Draw(t, name+" by pattern"):
		return rapid.StringMatching(schema.Pattern).Draw(t, name)
	case len(schema.Examples) > 0:
		return schema.Examples[0]
	}
	return rapid.StringMatching(`[a-z][a-z0-9 ]{2,12}[a-z]`).Draw(t, name)
}
