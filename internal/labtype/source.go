package labtype

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/kodekloud/kml/internal/fleet"
)

// source is a parsed YAML file, kept to find the places of faults.
type source struct {
	file string
	data []byte
	root ast.Node
}

func parse(file string, data []byte) (*source, error) {
	d := &source{file: file, data: data}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, d.syntax(err)
	}
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		if d.root != nil {
			at := place(doc.Body)
			return nil, &Error{File: file, Line: at.Line, Column: at.Column, Reason: "a second document; write one lab type a file"}
		}
		d.root = doc.Body
	}
	if d.root == nil {
		return nil, &Error{File: file, Reason: "the file is empty"}
	}
	return d, nil
}

func (d *source) decode() (fleet.LabType, error) {
	var lt fleet.LabType
	// The decoder tells no place for a duration that does not parse.
	if node, whole := d.find("max_duration"); whole {
		if s, ok := node.(*ast.StringNode); ok {
			if _, err := time.ParseDuration(s.Value); err != nil {
				return lt, d.fault(&fleet.FieldError{Field: "max_duration", Value: s.Value, Remedy: "write a duration such as 90m or 2h"})
			}
		}
	}
	if err := yaml.NewDecoder(bytes.NewReader(d.data), yaml.Strict()).Decode(&lt); err != nil {
		return fleet.LabType{}, d.syntax(err)
	}
	return lt, nil
}

// syntax places an error of the YAML library.
func (d *source) syntax(err error) error {
	out := &Error{File: d.file, Reason: err.Error(), Err: err}
	var y yaml.Error
	if errors.As(err, &y) {
		out.Reason = y.GetMessage()
		if t := y.GetToken(); t != nil {
			out.Line, out.Column, out.Field = t.Position.Line, t.Position.Column, d.field(t.Position)
		}
	}
	return out
}

// field is the path of the node at a position, "" if there is none.
func (d *source) field(at *token.Position) string {
	if d.root == nil {
		return ""
	}
	v := &finder{at: at}
	ast.Walk(v, d.root)
	return strings.TrimPrefix(strings.TrimPrefix(v.path, "$"), ".")
}

type finder struct {
	at   *token.Position
	path string
}

// Visit implements ast.Visitor. The innermost node comes last.
func (f *finder) Visit(n ast.Node) ast.Visitor {
	if p := n.GetToken().Position; p.Line == f.at.Line && p.Column == f.at.Column {
		f.path = n.GetPath()
	}
	return f
}

// place is where a node begins; the token of a mapping is its first colon.
func place(node ast.Node) *token.Position {
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 {
		node = m.Values[0].Key
	}
	return node.GetToken().Position
}

// fault places a fault of a field, at the nearest node that is there.
func (d *source) fault(f *fleet.FieldError) error {
	node, _ := d.find(f.Field)
	at := place(node)
	reason := f.Remedy
	if f.Value != "" {
		reason = fmt.Sprintf("%q: %s", f.Value, f.Remedy)
	}
	return &Error{File: d.file, Line: at.Line, Column: at.Column, Field: f.Field, Reason: reason, Err: f}
}

// find follows a path such as statements[2].conditions.StringEquals.s3:prefix[0]
// as far as the file has it. Keys may contain dots, so each mapping is asked
// which of its keys the rest begins with.
func (d *source) find(path string) (deepest ast.Node, whole bool) {
	node := d.root
	for path != "" {
		next, rest := step(node, path)
		if next == nil {
			return node, false
		}
		node, path = next, strings.TrimPrefix(rest, ".")
	}
	return node, true
}

func step(node ast.Node, path string) (next ast.Node, rest string) {
	switch n := node.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			rest, ok := strings.CutPrefix(path, v.Key.GetToken().Value)
			if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
				return v.Value, rest
			}
		}
	case *ast.SequenceNode:
		index, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
		if i, err := strconv.Atoi(index); ok && err == nil && i >= 0 && i < len(n.Values) {
			return n.Values[i], rest
		}
	}
	return nil, ""
}
