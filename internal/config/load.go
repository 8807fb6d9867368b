package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// variable of the file's name; --config beats it.
const fileVariable = "KML_CONFIG"

// Load reads the configuration from environ (as os.Environ gives it) and file,
// which is KML_CONFIG's when it is "". The error joins every [Problem] there is;
// the Config is good only without one.
func Load(environ []string, file string) (Config, error) {
	c, err := defaults()
	if err != nil {
		return c, err
	}
	vars := variables(environ)
	l := loader{c: &c, fields: Fields(), vars: vars}
	if file = cmp.Or(file, vars[fileVariable]); file != "" {
		l.file(file)
	}
	l.environment()
	l.organizations()
	if c.Seal.Primary == "" && len(c.Seal.Keys) == 1 {
		for id := range c.Seal.Keys {
			c.Seal.Primary = id
		}
	}
	return c, errors.Join(append(l.problems, l.without(c.problems())...)...)
}

// variables are the environment's, those of KML only. An empty one counts as
// not set.
func variables(environ []string) map[string]string {
	out := map[string]string{}
	for _, pair := range environ {
		if key, value, ok := strings.Cut(pair, "="); ok && value != "" && strings.HasPrefix(key, envPrefix) && !slices.Contains(ClientVariables, key) {
			out[key] = value
		}
	}
	return out
}

type loader struct {
	c        *Config
	fields   []Field
	vars     map[string]string
	bad      []string // keys and variables with a problem of their own
	problems []error
}

func (l *loader) add(p *Problem, about ...string) {
	l.problems = append(l.problems, p)
	l.bad = append(l.bad, about...)
}

// without leaves out what is said already: a value that did not parse is not
// complained about again for what stands in its place.
func (l *loader) without(problems []*Problem) []error {
	var out []error
	for _, p := range problems {
		if !slices.ContainsFunc(l.bad, func(name string) bool { return name == p.Key }) {
			out = append(out, p)
		}
	}
	return out
}

// environment sets what variables say, and complains of strangers.
func (l *loader) environment() {
	for i := range l.fields {
		f := &l.fields[i]
		value, given := l.vars[f.Env]
		if !given {
			continue
		}
		if err := f.set(l.c, value); err != nil {
			l.add(&Problem{Key: f.Env, Value: f.shown(value), Remedy: f.remedy(l.c, err)}, f.name())
		}
	}
	var strangers []string
	for name := range l.vars {
		if name != fileVariable && !slices.ContainsFunc(l.fields, func(f Field) bool { return f.Env == name }) {
			strangers = append(strangers, name)
		}
	}
	slices.Sort(strangers)
	for _, name := range strangers {
		l.add(&Problem{Key: name, Remedy: "no such variable; docs/configuration.md lists them"}) // its value may be a misspelled secret
	}
}

// organizations reads the file of organizations, if there is one.
func (l *loader) organizations() {
	file := l.c.OrganizationsFile
	if file == "" {
		return
	}
	const key = "organizations_file (KML_ORGANIZATIONS_FILE)"
	if len(l.c.Organizations) > 0 {
		l.add(&Problem{Key: key, Value: file, Remedy: "organizations are in the configuration file too; keep one of them"})
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		l.add(&Problem{Key: key, Value: file, Remedy: "cannot be read: " + reason(err)}, organizationsKey)
		return
	}
	if err := yaml.UnmarshalWithOptions(data, &l.c.Organizations, yaml.Strict()); err != nil {
		l.add(yamlProblem(file, organizationsKey, err), organizationsKey)
	}
}

// reason is an error of the file system without the path.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// Masked gives the whole configuration as YAML, secrets masked.
func (c Config) Masked() string {
	out, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Sprintf("# the configuration cannot be shown: %v\n", err)
	}
	return string(out)
}
