package iam

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

type position struct{ Line, Column int }

// span is where a statement stands in its document: from its brace, lines and
// columns counted from 1, to behind its last one. The example of
// SimulateCustomPolicy in IAM's API reference counts so.
type span struct {
	StartPosition, EndPosition *position `xml:",omitempty"`
}

// spans finds the statements of a document, which was parsed before.
func spans(doc string) []span {
	d := json.NewDecoder(strings.NewReader(doc))
	for d.More() {
		key, err := d.Token() // the document's brace, or a key
		if err != nil {
			return nil
		}
		if key == json.Delim('{') {
			continue
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil
		}
		if key == "Statement" {
			return statementSpans(doc, string(value), int(d.InputOffset())-len(value))
		}
	}
	return nil
}

// statementSpans finds the statements of the value of Statement, which begins at
// an offset: one object, or a list of them.
func statementSpans(doc, value string, at int) (out []span) {
	if value[0] == '{' {
		return []span{spanOf(doc, at, at+len(value))}
	}
	d := json.NewDecoder(strings.NewReader(value))
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		var one json.RawMessage
		if d.Decode(&one) != nil {
			return nil
		}
		end := at + int(d.InputOffset())
		out = append(out, spanOf(doc, end-len(one), end))
	}
	return out
}

func spanOf(doc string, from, to int) span {
	return span{positionOf(doc[:from]), positionOf(doc[:to])}
}

func positionOf(before string) *position {
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return &position{strings.Count(before, "\n") + 1, utf8.RuneCountInString(line) + 1}
}
