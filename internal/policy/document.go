package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode"
)

// list is a JSON list of strings; one alone is written as a string, which IAM
// takes and which is shorter.
type list []string

// MarshalJSON implements json.Marshaler.
func (l list) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return compact(l[0])
	}
	return compact([]string(l))
}

type conditions map[string]map[string]list

// statement is one IAM statement, in the order IAM's documentation writes them.
type statement struct {
	Sid         string     `json:",omitempty"`
	Effect      string     `json:""`
	Action      list       `json:",omitempty"`
	NotAction   list       `json:",omitempty"`
	Resource    list       `json:",omitempty"`
	NotResource list       `json:",omitempty"`
	Condition   conditions `json:",omitempty"`

	from string // where in the lab type it comes from
}

func deny(sid string, actions list, resources list, c conditions) statement {
	return statement{Sid: sid, Effect: effectDeny, Action: actions, Resource: resources, Condition: c}
}

const (
	effectAllow = "Allow"
	effectDeny  = "Deny"
	version     = "2012-10-17"
)

var everything = list{"*"}

// document renders statements as a policy document without white space. Maps
// are written in the order of their keys, so equal input gives equal bytes.
func document(statements []statement) (string, error) {
	text, err := compact(struct {
		Version   string
		Statement []statement
	}{version, statements})
	if err != nil {
		return "", fmt.Errorf("render a policy document: %w", err)
	}
	return string(text), nil
}

// compact is json.Marshal that leaves <, > and & as they are.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// NonSpaceLen counts characters as IAM's quotas do: white space is free.
func NonSpaceLen(s string) int {
	n := 0
	for _, r := range s {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// frame is the size of a document around its statements.
const frame = len(`{"Version":"2012-10-17","Statement":[]}`)

// pack puts sized statements into documents, the largest first, each into the
// first document with room (first-fit decreasing, at most 11/9 of the best).
// Within a document statements keep their order. It returns their indices.
func pack(sizes []int) [][]int {
	order := make([]int, len(sizes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return sizes[b] - sizes[a] })
	var bins [][]int
	var used []int
	for _, i := range order {
		need := sizes[i] + 1 // and a comma
		at := slices.IndexFunc(used, func(u int) bool { return u+need <= MaxPolicySize })
		if at < 0 {
			at = len(bins)
			bins, used = append(bins, nil), append(used, frame)
		}
		bins[at], used[at] = append(bins[at], i), used[at]+need
	}
	for _, b := range bins {
		slices.Sort(b)
	}
	return bins
}
