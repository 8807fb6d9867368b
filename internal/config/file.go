package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const organizationsKey = "organizations"

// file sets what the YAML file says, unless a variable says otherwise. It goes
// through the tree itself, so that every mistake is found and not the first.
func (l *loader) file(name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		l.add(&Problem{Key: "--config (" + fileVariable + ")", Value: name, Remedy: "cannot be read: " + reason(err)})
		return
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		l.add(yamlProblem(name, "YAML", err))
		return
	}
	for i, doc := range tree.Docs {
		switch {
		case i > 0:
			l.add(&Problem{Where: name, Key: "YAML", Remedy: "write one document"})
		case doc.Body != nil:
			l.node(name, "", doc.Body)
		}
	}
}

// node walks the mappings down to the values.
func (l *loader) node(file, key string, n ast.Node) {
	switch n := n.(type) {
	case *ast.MappingNode:
		if key != "" && !l.group(key) {
			l.add(&Problem{Where: place(file, n), Key: key, Remedy: l.advice(key)})
			return
		}
		for _, v := range n.Values {
			sub := v.Key.GetToken().Value
			if key != "" {
				sub = key + "." + sub
			}
			if sub == organizationsKey {
				l.inline(file, v.Value)
				continue
			}
			l.node(file, sub, v.Value)
		}
	case *ast.NullNode: // "key:" with nothing behind it is not set, if there is such a key
		if l.field(key) == nil && !l.group(key) && key != "" {
			l.add(&Problem{Where: place(file, n), Key: key, Remedy: l.advice(key)})
		}
	default:
		l.value(file, key, n)
	}
}

func (l *loader) value(file, key string, n ast.Node) {
	where := place(file, n)
	f := l.field(key)
	if f == nil || f.EnvOnly {
		l.add(&Problem{Where: where, Key: key, Remedy: l.advice(key)}) // its value may be a misplaced secret
		return
	}
	scalar, ok := n.(ast.ScalarNode)
	if !ok {
		l.add(&Problem{Where: where, Key: key, Remedy: "write one value"}, f.name())
		return
	}
	value := fmt.Sprint(scalar.GetValue())
	if _, beaten := l.vars[f.Env]; beaten {
		return
	}
	if err := f.set(l.c, value); err != nil {
		l.add(&Problem{Where: where, Key: key, Value: f.shown(value), Remedy: f.remedy(l.c, err)}, f.name())
	}
}

// inline reads the organizations of the configuration file.
func (l *loader) inline(file string, n ast.Node) {
	if _, empty := n.(*ast.NullNode); empty {
		return
	}
	if err := yaml.NodeToValue(n, &l.c.Organizations, yaml.Strict()); err != nil {
		l.add(yamlProblem(file, organizationsKey, err), organizationsKey)
	}
}

func (l *loader) field(key string) *Field {
	for i := range l.fields {
		if l.fields[i].Key == key && key != "" {
			return &l.fields[i]
		}
	}
	return nil
}

// group says whether key has keys below it.
func (l *loader) group(key string) bool {
	for i := range l.fields {
		if strings.HasPrefix(l.fields[i].Key, key+".") {
			return true
		}
	}
	return false
}

// advice tells what to do about a key that does not fit.
func (l *loader) advice(key string) string {
	switch {
	case key == "":
		return "write keys and values"
	case l.field(key) != nil && l.field(key).EnvOnly:
		return "it comes from the environment alone: set " + l.field(key).Env
	case l.field(key) != nil:
		return "write one value"
	case l.group(key):
		return "write keys below it"
	}
	return "no such key; docs/configuration.md lists them"
}

func place(file string, n ast.Node) string {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	at := n.GetToken().Position
	return fmt.Sprintf("%s:%d:%d", file, at.Line, at.Column)
}

// yamlProblem tells an error of the YAML library in one line.
func yamlProblem(file, key string, err error) *Problem {
	p := &Problem{Where: file, Key: key, Remedy: err.Error()}
	var y yaml.Error
	if errors.As(err, &y) {
		p.Remedy = y.GetMessage()
		if t := y.GetToken(); t != nil {
			p.Where = fmt.Sprintf("%s:%d:%d", file, t.Position.Line, t.Position.Column)
		}
	}
	return p
}
