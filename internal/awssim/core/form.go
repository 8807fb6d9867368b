package core

import (
	"encoding"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// decodeForm fills in from form parameters as the query protocols flatten them.
func decodeForm(form url.Values, in any) error {
	keys := make(map[string]bool, len(form)) // every prefix that has something below it
	for k := range form {
		for i := range len(k) {
			if k[i] == '.' {
				keys[k[:i]] = true
			}
		}
		keys[k] = true
	}
	f := formDecoder{form: form, has: keys}
	return f.structure("", reflect.ValueOf(in).Elem())
}

type formDecoder struct {
	form url.Values
	has  map[string]bool
}

func (f formDecoder) structure(prefix string, v reflect.Value) error {
	t := v.Type()
	for i := range t.NumField() {
		sf := t.Field(i)
		if !sf.IsExported() || sf.Tag.Get("q") == "-" {
			continue
		}
		if sf.Anonymous {
			if err := f.structure(prefix, v.Field(i)); err != nil {
				return err
			}
			continue
		}
		name := sf.Tag.Get("q")
		if name == "" {
			name = sf.Name
		}
		if err := f.value(prefix+name, v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func (f formDecoder) value(key string, v reflect.Value) error {
	if !f.has[key] {
		return nil
	}
	if v.Kind() == reflect.Pointer {
		p := reflect.New(v.Type().Elem())
		if err := f.value(key, p.Elem()); err != nil {
			return err
		}
		v.Set(p)
		return nil
	}
	if v.CanAddr() {
		if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
			return wrapField(key, u.UnmarshalText([]byte(f.form.Get(key))))
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		return f.structure(key+".", v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return setBlob(key, f.form.Get(key), v)
		}
		return f.list(key, v)
	case reflect.Map:
		return f.stringMap(key, v)
	default:
		return setScalar(key, f.form.Get(key), v)
	}
}

func (f formDecoder) list(key string, v reflect.Value) error {
	if f.has[key+".member"] {
		key += ".member"
	}
	out := reflect.MakeSlice(v.Type(), 0, 4)
	for n := 1; ; n++ {
		k := key + "." + strconv.Itoa(n)
		if !f.has[k] {
			break
		}
		e := reflect.New(v.Type().Elem()).Elem()
		if err := f.value(k, e); err != nil {
			return err
		}
		out = reflect.Append(out, e)
	}
	v.Set(out)
	return nil
}

// stringMap reads Name.entry.N.key/value, Name.N.key/value and Name.N.Name/Value.
func (f formDecoder) stringMap(key string, v reflect.Value) error {
	if f.has[key+".entry"] {
		key += ".entry"
	}
	m := reflect.MakeMap(v.Type())
	for n := 1; ; n++ {
		k := key + "." + strconv.Itoa(n)
		if !f.has[k] {
			break
		}
		name, val := "", ""
		for _, s := range []string{".key", ".Name", ".Key"} {
			if f.has[k+s] {
				name = f.form.Get(k + s)
			}
		}
		for _, s := range []string{".value", ".Value"} {
			if f.has[k+s] {
				val = k + s
			}
		}
		e := reflect.New(v.Type().Elem()).Elem()
		if val != "" {
			if err := f.value(val, e); err != nil {
				return err
			}
		}
		m.SetMapIndex(reflect.ValueOf(name), e)
	}
	v.Set(m)
	return nil
}

func setScalar(key, s string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		b, err := strconv.ParseBool(strings.ToLower(s))
		if err != nil {
			return wrapField(key, err)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return wrapField(key, err)
		}
		v.SetInt(n)
	case reflect.Float64, reflect.Float32:
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return wrapField(key, err)
		}
		v.SetFloat(n)
	default:
		return fmt.Errorf("parameter %s: the simulator cannot read a %s", key, v.Kind())
	}
	return nil
}

func wrapField(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("parameter %s: %w", key, err)
}
