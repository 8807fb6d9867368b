package expr

import (
	"encoding/json"
	"strings"
	"testing"
)

func item(t *testing.T, text string) Item {
	t.Helper()
	var it Item
	if err := json.Unmarshal([]byte(text), &it); err != nil {
		t.Fatal(err)
	}
	return it
}

func names(t *testing.T) *Names {
	return NewNames(map[string]string{"#n": "name", "#s": "status"}, item(t, `{
		":one":{"N":"1"}, ":two":{"N":"2.0"}, ":x":{"S":"x"}, ":S":{"S":"S"}, ":list":{"L":[{"N":"9"}]}, ":set":{"SS":["b","c"]}, ":a":{"S":"a"}}`))
}

const sample = `{"id":{"S":"k"},"n":{"N":"2"},"name":{"S":"xyz"},"tags":{"SS":["a","b"]},"m":{"M":{"deep":{"L":[{"N":"7"},{"S":"x"}]}}},"b":{"BOOL":true}}`

func TestConditions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"n = :two": true, "n <> :two": false, "n > :one AND n <= :two": true, "nothing = :one": false, "nothing <> :one": true,
		"n BETWEEN :one AND :two": true, "n IN (:one, :two)": true, "NOT n IN (:one)": true,
		"begins_with(#n, :x)": true, "contains(tags, :a)": true, "contains(tags, :x)": false, "contains(#n, :x)": true,
		"attribute_exists(m.deep[1]) and attribute_not_exists(m.deep[2])": true, "m.deep[1] = :x": true,
		"attribute_type(id, :S)": true, "size(tags) = :two": true, "n = :x": false, "id > :one": false,
		"n = :one OR n = :two AND id = :x": false, "(n = :one OR n = :two) AND NOT id = :x": true,
	} {
		c, err := ParseCondition("ConditionExpression", text, names(t))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := c.Holds(item(t, sample)); got != want {
			t.Errorf("%s = %v, want %v", text, got, want)
		}
	}
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SET n = n + :one":                        `{"n":{"N":"3"}}`,
		"SET n = n - :two, #n = :x":               `{"n":{"N":"0"},"name":{"S":"x"}}`,
		"set fresh = if_not_exists(fresh, :one)":  `{"fresh":{"N":"1"}}`,
		"SET m.deep = list_append(m.deep, :list)": `{"m":{"M":{"deep":{"L":[{"N":"7"},{"S":"x"},{"N":"9"}]}}}}`,
		"SET m.deep[9] = :one":                    `{"m":{"M":{"deep":{"L":[{"N":"7"},{"S":"x"},{"N":"1"}]}}}}`,
		"REMOVE m.deep[0], b":                     `{"m":{"M":{"deep":{"L":[{"S":"x"}]}}},"b":null}`,
		"ADD n :two, fresh :one, tags :set":       `{"n":{"N":"4"},"fresh":{"N":"1"},"tags":{"SS":["a","b","c"]}}`,
		"DELETE tags :set":                        `{"tags":{"SS":["a"]}}`,
		"SET a1 = n ADD n :one":                   `{"a1":{"N":"2"},"n":{"N":"3"}}`,
	} {
		u, err := ParseUpdate(text, names(t))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		before := item(t, sample)
		after, err := u.Apply(before)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		expected := item(t, sample)
		var changes map[string]*Value
		if err := json.Unmarshal([]byte(want), &changes); err != nil {
			t.Fatal(err)
		}
		for k, v := range changes {
			if delete(expected, k); v != nil {
				expected[k] = *v
			}
		}
		if !Equal(Value{Type: "M", M: after}, Value{Type: "M", M: expected}) {
			t.Errorf("%s gives %v, want %v", text, after, expected)
		}
		if !Equal(Value{Type: "M", M: before}, Value{Type: "M", M: item(t, sample)}) {
			t.Errorf("%s changed the item in place", text)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SET status = :x": "reserved keyword", "SET n = :nope": "not defined", "SET #q = :x": "not defined", "SET n": "Syntax error",
		"SET n = :one SET id = :x": "only be used once", "SET m = :one, m.deep = :two": "overlap", "SET n = whatever(id)": "Invalid function name",
		"DROP n": "Syntax error", "SET n = :one &": "Syntax error", "": "can not be empty",
	} {
		if _, err := ParseUpdate(text, names(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q = %v; want %q", text, err, want)
		}
	}
	if _, err := ParseCondition("FilterExpression", strings.Repeat("(", 5000)+"n = :one", names(t)); err == nil || !strings.Contains(err.Error(), "deep") {
		t.Errorf("deep nesting = %v", err)
	}
	for text, want := range map[string]string{
		"n = :one": "missed key schema element", "id = :x AND n > :one AND #s = :x": "not supported", "id > :x": "not supported",
		"id = :x OR n = :one": "Invalid operator",
	} {
		if _, err := ParseKeyCondition(text, "id", "n", names(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q = %v; want %q", text, err, want)
		}
	}
	n := names(t)
	if _, err := ParseCondition("ConditionExpression", "n = :one", n); err != nil {
		t.Fatal(err)
	}
	if err := n.Unused(); err == nil || !strings.Contains(err.Error(), "#n") {
		t.Errorf("unused placeholders = %v", err)
	}
}

func TestNumbersHaveOneForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"1.50": "1.5", "-0": "0", "1e3": "1000", "0.000": "0", ".5": "0.5", "+7": "7", "00012": "12", "-1.0E-2": "-0.01",
		"12345678901234567890123456789012345678": "12345678901234567890123456789012345678",
	} {
		if got, err := canonical(in); err != nil || got != want {
			t.Errorf("canonical(%s) = %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "x", "1e500", "123456789012345678901234567890123456789", "0x10", "NaN"} {
		if got, err := canonical(in); err == nil {
			t.Errorf("canonical(%q) = %s; want an error", in, got)
		}
	}
}

func TestProjection(t *testing.T) {
	t.Parallel()
	paths, err := ParseProjection("id, m.deep[1]", names(t))
	if err != nil {
		t.Fatal(err)
	}
	want := item(t, `{"id":{"S":"k"},"m":{"M":{"deep":{"L":[{"S":"x"}]}}}}`)
	if got := Project(item(t, sample), paths); !Equal(Value{Type: "M", M: got}, Value{Type: "M", M: want}) {
		t.Errorf("Project = %v", got)
	}
}
