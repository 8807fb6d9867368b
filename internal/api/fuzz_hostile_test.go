package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// What requests are spoiled with.

// raw stands in a tree for text that is written as it is, JSON or not.
type raw string

// hostileTexts are what a string may be instead.
var hostileTexts = []string{
	"", " ", "null", "undefined", "true", "-1", "1e999", "NaN", "0", "*", "%", "%00", "%2e%2e", "..", ".", "../../../etc/passwd", "a/b", "/", "\\", "'", `"`, "';--",
	"$where", `{"$gt":""}`, "{{.Account}}", "${jndi:ldap://x}", "<script>alert(1)</script>", "kml_", "a,b,c", ",", ";", "&", "=", "#", "?", "+", "|", "\x1b[31m", "a\nb", "a\r\nX-Evil: 1",
	"a\x00b", "\x00", "\x7f", "a\xff\xfeb", "\xc0\xaf", "\xed\xa0\x80", "\u202eevil\u202c", "\u2028", "\ufeff", "\ufffd", "e\u0301", "ı", "👩‍💻🧪", "مرحبا", "\U0010ffff",
	strings.Repeat("a", 65), strings.Repeat("7", 129), strings.Repeat("ü", 513), strings.Repeat("🧪", 2001), strings.Repeat("a", 70<<10),
}

// hostileDurations and hostileTimes are bad of their kind, or at its edge.
var (
	hostileDurations = []string{"-1h", "-1ns", "0s", "-0s", "1ns", "1", "h", "1h1", "1e3s", "2562047h47m16.854775807s", "2562048h", "-2562047h47m16.854775808s", "9999999999999999999h", "P1D", "1h 30m", "+5m", "NaN", ".5h", "∞"}
	hostileTimes     = []string{"0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1677-09-21T00:12:43Z", "1969-12-31T23:59:59Z", "2020-01-01T00:00:00Z", "2026-11-21T12:00:00+25:00", "2026-11-21T23:00:00-12:00",
		"2026-11-21T12:00:00.999999999+14:00", "2026-02-30T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T12:00:60Z", "2262-04-12T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z",
		"-0001-01-01T00:00:00Z", "2026-11-21", "2026-11-21 12:00:00", "2026-11-21T12:00:00", "1763712000", "0000-00-00", "9999-12-31", "2026-13-01"}
)

// hostileJSON are values of other types, at the edge of theirs, or no JSON.
var hostileJSON = []string{
	"null", "true", "0", "-1", "-0", "1.5", "1e999", "-1e999", "1e-999", "NaN", "Infinity", "0x10", "01", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e18",
	"4294967296", "3.0", `""`, `"x"`, "[]", "{}", "[null]", "[[]]", `{"":null}`, `{"$gt":""}`, "\"\xff\"", "\"a\x00b\"", "\"a\nb\"", `"\u0000"`, `"\ud800"`, `"\ud800\udc00"`, `"\x"`, "'x'", "", "[1,]", "{,}",
	strings.Repeat("[", 2000) + strings.Repeat("]", 2000), strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2000), "[" + strings.Repeat(`"x",`, 20000) + `"x"]`,
}

func hostileText(t *rapid.T, name string) string {
	all := slices.Concat(hostileTexts, hostileDurations, hostileTimes)
	if rapid.IntRange(0, 9).Draw(t, name+" is random") == 0 {
		return rapid.String().Draw(t, name)
	}
	return rapid.SampledFrom(all).Draw(t, name)
}

// written is a tree as JSON, with what is raw as it is.
func written(v any) []byte {
	switch v := v.(type) {
	case raw:
		return []byte(v)
	case map[string]any:
		var parts [][]byte
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, fmt.Appendf(nil, "%s:%s", written(k), written(v[k])))
		}
		return slices.Concat([]byte("{"), bytes.Join(parts, []byte(",")), []byte("}"))
	case []any:
		var parts [][]byte
		for _, item := range v {
			parts = append(parts, written(item))
		}
		return slices.Concat([]byte("["), bytes.Join(parts, []byte(",")), []byte("]"))
	}
	out, err := json.Marshal(v)
	if err != nil {
		panic(err) // trees are made of what JSON knows
	}
	return out
}

// place is somewhere in a tree.
type place struct {
	path  string
	value any
	set   func(any)
	drop  func() // nil if it cannot be left out
}

// places lists a tree's, the whole first.
func places(path string, v any, set func(any), drop func()) []place {
	out := []place{{path, v, set, drop}}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, places(path+"."+k, v[k], func(n any) { v[k] = n }, func() { delete(v, k) })...)
		}
	case []any:
		for i := range v {
			out = append(out, places(fmt.Sprintf("%s[%d]", path, i), v[i], func(n any) { v[i] = n }, nil)...)
		}
	}
	return out
}

// largest is about how long a body gets.
const largest = 8 << 20

// spoil changes one place of a tree, and says what it did.
func spoil(t *rapid.T, root *any) string {
	all := places("body", *root, func(n any) { *root = n }, nil)
	at := rapid.SampledFrom(all).Draw(t, "place")
	object, isObject := at.value.(map[string]any)
	how := rapid.SampledFrom([]string{"json", "json", "text", "duration", "time", "missing", "unknown", "twice", "case", "many"}).Draw(t, "how")
	switch {
	case how == "json":
		at.set(raw(rapid.SampledFrom(hostileJSON).Draw(t, "json")))
	case how == "text":
		at.set(hostileText(t, "text"))
	case how == "duration":
		at.set(rapid.SampledFrom(hostileDurations).Draw(t, "duration"))
	case how == "time":
		at.set(rapid.SampledFrom(hostileTimes).Draw(t, "time"))
	case how == "missing" && at.drop != nil:
		at.drop()
	case how == "many":
		one, times := string(written(at.value)), rapid.SampledFrom([]int{1, 60, 600, 10001}).Draw(t, "many")
		times = min(times, 1+largest/len(one)) // many of many are soon too many for the machine that asks
		at.set(raw("[" + strings.Repeat(one+",", times) + one + "]"))
	case isObject && how == "unknown":
		object[rapid.SampledFrom([]string{"unknown", "", "$where", "__proto__", "a.b", "\u202e", strings.Repeat("k", 300)}).Draw(t, "field")] = hostileText(t, "value")
	case isObject && how == "twice" && len(object) > 0:
		k := rapid.SampledFrom(slices.Sorted(maps.Keys(object))).Draw(t, "field")
		at.set(raw(fmt.Sprintf("{%s:%s,%s", written(k), rapid.SampledFrom(hostileJSON).Draw(t, "first"), written(object)[1:])))
	case isObject && how == "case" && len(object) > 0:
		k := rapid.SampledFrom(slices.Sorted(maps.Keys(object))).Draw(t, "field")
		object[strings.ToUpper(k)] = hostileText(t, "value")
	default:
		at.set(nil)
	}
	return how + " at " + at.path
}

// spoilBytes changes a body that is written already.
func spoilBytes(t *rapid.T, body []byte, limit int64) ([]byte, string) {
	how := rapid.SampledFrom([]string{"cut", "tail", "bom", "byte", "blank", "none", "large", "just fits", "two"}).Draw(t, "bytes")
	at := rapid.IntRange(0, max(0, len(body)-1)).Draw(t, "offset")
	switch how {
	case "cut":
		return body[:at], how
	case "tail":
		return append(slices.Clone(body), "}garbage"...), how
	case "bom":
		return append([]byte("\xef\xbb\xbf"), body...), how
	case "byte":
		return slices.Concat(body[:at], []byte{rapid.Byte().Draw(t, "byte")}, body[at:]), how
	case "blank":
		return []byte(" \t\n"), how
	case "large":
		return append(bytes.Repeat([]byte(" "), int(limit)+1), body...), how
	case "just fits":
		return append(bytes.Repeat([]byte(" "), max(0, int(limit)-len(body))), body...), how
	case "two":
		return append(slices.Clone(body), body...), how
	}
	return nil, how
}
