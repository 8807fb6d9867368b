package ec2

import (
	"reflect"
	"strings"
	"testing"
)

// Every filter must name something that its type has: a wrong path would panic
// only when somebody uses the filter.
func TestFilterPathsExist(t *testing.T) {
	tables := map[reflect.Type]filters{
		reflect.TypeFor[Region](): regionFilters, reflect.TypeFor[Zone](): zoneFilters, reflect.TypeFor[InstanceTypeInfo](): typeFilters,
		reflect.TypeFor[InstanceStatus](): statusFilters, reflect.TypeFor[TagDescription](): tagFilters,
		reflect.TypeFor[PrefixList](): prefixListFilters, reflect.TypeFor[EndpointService](): endpointServiceFilters,
	}
	for _, o := range kinds {
		tables[reflect.TypeOf(o)] = o.kind().filters
	}
	for typ, f := range tables {
		for name, path := range f {
			if !reaches(typ, strings.Split(path, ".")) {
				t.Errorf("filter %q of %s: no %s", name, typ, path)
			}
		}
	}
}

// reaches follows a path of fields and methods through pointers and lists to a value.
func reaches(typ reflect.Type, path []string) bool {
	if len(path) > 0 {
		if m, ok := typ.MethodByName(path[0]); ok {
			return reaches(m.Type.Out(0), path[1:])
		}
	}
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice:
		return reaches(typ.Elem(), path)
	case reflect.Struct:
		if strings.HasSuffix(typ.String(), ".Time") {
			return len(path) == 0
		}
		if len(path) == 0 {
			return false
		}
		f, ok := typ.FieldByName(path[0])
		return ok && reaches(f.Type, path[1:])
	}
	return len(path) == 0
}

func TestWildcards(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"a*c", "abbc", true}, {"a*c", "ab", false},
		{"?b", "ab", true}, {"?", "", false}, {"al2023-*-x86_64", "al2023-ami-x86_64", true}, {"A", "a", false},
	} {
		if got := wild(c.pattern, c.s); got != c.want {
			t.Errorf("wild(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}
