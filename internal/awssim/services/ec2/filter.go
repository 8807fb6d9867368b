package ec2

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Filter is one of a request's filters: all filters must match, each by any of its values.
type Filter struct {
	Name   string
	Values []string `q:"Value"`
}

// filters maps EC2's filter names to paths of Go fields or methods, such as
// "Attachments.VpcId". Lists on the way are looked into. Filters on tags work
// for every kind and are not listed.
type filters map[string]string

// matches tells whether x passes all filters; an unknown filter is an error, as
// on AWS.
func (f filters) matches(x any, fs []Filter) (bool, error) {
	pass := true
	for _, one := range fs {
		have, err := f.values(x, one.Name)
		if err != nil {
			return false, err
		}
		pass = pass && anyMatch(one.Values, have)
	}
	return pass, nil
}

func (f filters) values(x any, name string) ([]string, error) {
	if o, ok := x.(Object); ok {
		if v, ok := tagValues(o.meta().Tags, name); ok {
			return v, nil
		}
	}
	path, ok := f[name]
	if !ok {
		return nil, core.Errorf(400, "InvalidParameterValue", "The filter '%s' is invalid", name)
	}
	return pathValues(reflect.ValueOf(x), strings.Split(path, ".")), nil
}

// tagValues handles the filters tag:<key>, tag-key and tag-value.
func tagValues(tags []Tag, name string) ([]string, bool) {
	key, byKey := strings.CutPrefix(name, "tag:")
	if !byKey && name != "tag-key" && name != "tag-value" {
		return nil, false
	}
	var out []string
	for _, t := range tags {
		switch {
		case byKey && t.Key == key, name == "tag-value":
			out = append(out, t.Value)
		case name == "tag-key":
			out = append(out, t.Key)
		}
	}
	return out, true
}

func pathValues(v reflect.Value, path []string) []string {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		if len(path) > 0 && v.MethodByName(path[0]).IsValid() {
			return pathValues(v.MethodByName(path[0]).Call(nil)[0], path[1:])
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice {
		var out []string
		for i := range v.Len() {
			out = append(out, pathValues(v.Index(i), path)...)
		}
		return out
	}
	if t, ok := v.Interface().(core.Time); ok {
		return []string{t.UTC().Format("2006-01-02T15:04:05.000Z")}
	}
	if t, ok := v.Interface().(time.Time); ok {
		return []string{t.UTC().Format("2006-01-02T15:04:05.000Z")}
	}
	if v.Kind() != reflect.Struct {
		return []string{fmt.Sprint(v.Interface())}
	}
	if len(path) == 0 {
		return nil
	}
	return pathValues(v.FieldByName(path[0]), path[1:])
}

func anyMatch(patterns, have []string) bool {
	for _, p := range patterns {
		for _, h := range have {
			if wild(p, h) {
				return true
			}
		}
	}
	return false
}

// wild matches with * and ?.
func wild(p, s string) bool {
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '*':
			for j := 0; j <= len(s); j++ {
				if wild(p[i+1:], s[j:]) {
					return true
				}
			}
			return false
		case s == "":
			return false
		case p[i] != '?' && p[i] != s[0]:
			return false
		}
		s = s[1:]
	}
	return s == ""
}
