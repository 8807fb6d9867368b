package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

const envPrefix = "KML_"

// Field is one value of the configuration, as its tags describe it.
type Field struct {
	Key     string // redis.addr
	Env     string // KML_REDIS_ADDR
	EnvOnly bool   // the file cannot hold it
	Default string
	Meaning string
	Secret  bool

	min   string
	index []int // of the field in Config
}

// Fields lists all values but the organizations, which are no single values.
func Fields() []Field { return collect(reflect.TypeFor[Config](), "", envPrefix, nil) }

func collect(t reflect.Type, key, prefix string, index []int) []Field {
	var out []Field
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int(nil), index...), i)
		name := f.Tag.Get("yaml")
		if sub, group := f.Tag.Lookup("envPrefix"); group {
			out = append(out, collect(f.Type, key+name+".", prefix+sub, at)...)
			continue
		}
		if f.Tag.Get("env") == "-" {
			continue
		}
		field := Field{Key: key + name, Env: prefix + f.Tag.Get("env"), EnvOnly: f.Tag.Get("from") == "env", Default: f.Tag.Get("default"), Meaning: f.Tag.Get("doc"),
			min: f.Tag.Get("min"), index: at}
		switch f.Type {
		case reflect.TypeFor[Secret](), reflect.TypeFor[URI](), reflect.TypeFor[Keys]():
			field.Secret = true
		}
		out = append(out, field)
	}
	return out
}

func (f *Field) in(c *Config) reflect.Value { return reflect.ValueOf(c).Elem().FieldByIndex(f.index) }

// name is how a person finds the value again.
func (f *Field) name() string { return f.Key + " (" + f.Env + ")" }

// set parses value into the field.
func (f *Field) set(c *Config, value string) error {
	return env.ParseWithOptions(c, env.Options{Prefix: envPrefix, Environment: map[string]string{f.Env: value}, DefaultValueTagName: "no_default"})
}

// Environ gives c as the variables that [Load] reads it from again, secrets and
// all. The organizations are not among them, nor are empty values, which would
// count as not set.
func (c Config) Environ() []string {
	var out []string
	for _, f := range Fields() {
		if value := revealed(f.in(&c).Interface()); value != "" {
			out = append(out, f.Env+"="+value)
		}
	}
	return out
}

// revealed is a value as set parses it.
func revealed(value any) string {
	switch v := value.(type) {
	case Secret:
		return v.Reveal()
	case URI:
		return v.Reveal()
	case Keys:
		return v.reveal()
	case fmt.Stringer: // durations and lists
		return v.String()
	default:
		return fmt.Sprint(v)
	}
}

// defaults gives a Config of defaults alone.
func defaults() (Config, error) {
	var c Config
	// An empty map would mean the process's own environment.
	err := env.ParseWithOptions(&c, env.Options{Prefix: envPrefix, Environment: map[string]string{"": ""}, DefaultValueTagName: "default"})
	if err != nil {
		return c, fmt.Errorf("defaults of the configuration: %w", err)
	}
	return c, nil
}

// Table renders the fields as a Markdown table.
func Table() string {
	var b strings.Builder
	b.WriteString("| Key | Variable | Default | Meaning |\n|---|---|---|---|\n")
	for _, f := range Fields() {
		key := f.Key
		if f.EnvOnly {
			key = ""
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", code(key), f.Env, code(f.Default), f.Meaning)
	}
	return b.String()
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}
