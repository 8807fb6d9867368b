package identity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// document is a policy as it goes to IAM's simulator: one line of JSON.
type document struct {
	id, name, text string
	statements     []statement
}

type statement struct {
	Sid, Effect string
	Condition   map[string]map[string]json.RawMessage

	text     string
	from, to int // columns, from 1
}

// read finds the statements of the text and their places.
func (d *document) read() error {
	var doc struct{ Statement []json.RawMessage }
	if err := json.Unmarshal([]byte(d.text), &doc); err != nil {
		return fmt.Errorf("read policy %s: %w", d.name, err)
	}
	rest, at := []byte(d.text), 1
	for _, raw := range doc.Statement {
		s := statement{text: string(raw)}
		if err := json.Unmarshal(raw, &s); err != nil {
			return fmt.Errorf("read policy %s: %w", d.name, err)
		}
		i := bytes.Index(rest, raw)
		s.from = at + utf8.RuneCount(rest[:i])
		s.to = s.from + utf8.RuneCount(raw)
		rest, at = rest[i+len(raw):], s.to
		d.statements = append(d.statements, s)
	}
	return nil
}

// find gives the statement that IAM points at: the one around the middle of the
// range, whichever way its ends are counted.
func find(docs []document, m types.Statement) MatchedBy {
	for _, d := range docs {
		if d.id != aws.ToString(m.SourcePolicyId) {
			continue
		}
		by := MatchedBy{Policy: d.name}
		if m.StartPosition == nil || m.EndPosition == nil {
			return by
		}
		middle := (int(m.StartPosition.Column) + int(m.EndPosition.Column)) / 2
		for _, s := range d.statements {
			if s.from <= middle && middle < s.to {
				by.Sid, by.Effect, by.Text = s.Sid, s.Effect, s.text
			}
		}
		return by
	}
	return MatchedBy{Policy: aws.ToString(m.SourcePolicyId)}
}
