package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/goccy/go-yaml"
)

// format is what --output asks for.
type format struct {
	kind     string // table, wide, json, yaml, template, env, csv
	template *template.Template
}

var usualFormats = []string{"table", "wide", "json", "yaml", "template=…"}

// parseFormat reads --output; more are the formats that a command has beside the
// usual.
func parseFormat(s string, more []string) (format, error) {
	if text, ok := strings.CutPrefix(s, "template="); ok {
		t, err := template.New("output").Option("missingkey=zero").Funcs(template.FuncMap{"json": compact}).Parse(text)
		if err != nil {
			return format{}, usagef("--output: %w", err)
		}
		return format{"template", t}, nil
	}
	if s == "template=…" || !slices.Contains(slices.Concat(usualFormats, more), s) {
		return format{}, usagef("--output %q: give one of %s", s, strings.Join(slices.Concat(usualFormats, more), ", "))
	}
	return format{kind: s}, nil
}

func compact(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// printList prints a list in the format asked for.
func printList[T any](a *app, cols []column[T], items []T) error {
	switch a.format.kind {
	case "table", "wide":
		if len(items) == 0 {
			a.hint("nothing")
			return nil
		}
		return a.write(renderTable(a.view(), cols, items))
	case "template":
		var b bytes.Buffer
		for _, item := range items {
			if err := a.fill(&b, item); err != nil {
				return err
			}
		}
		return a.write(b.String())
	}
	if items == nil {
		items = []T{}
	}
	return a.dump(items)
}

// printOne prints one thing in the format asked for.
func printOne[T any](a *app, cols []column[T], item T) error {
	switch a.format.kind {
	case "table", "wide":
		return a.write(renderOne(a.view(), cols, item))
	case "template":
		var b bytes.Buffer
		if err := a.fill(&b, item); err != nil {
			return err
		}
		return a.write(b.String())
	}
	return a.dump(item)
}

// dump prints anything as JSON or YAML.
func (a *app) dump(v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // links are to be copied
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	raw := b.Bytes()
	if a.format.kind == "yaml" {
		var err error
		if raw, err = yaml.JSONToYAML(raw); err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	return a.write(strings.TrimSuffix(string(raw), "\n") + "\n")
}

// fill fills the template with an item's JSON, one line.
func (a *app) fill(b *bytes.Buffer, item any) error {
	raw, err := json.Marshal(item)
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // as it is written
	var v any
	if err := d.Decode(&v); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	if err := a.format.template.Execute(b, v); err != nil {
		return usagef("--output: %w", err)
	}
	b.WriteByte('\n')
	return nil
}

// write writes to standard output.
func (a *app) write(s string) error {
	if _, err := fmt.Fprint(a.Out, s); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}
