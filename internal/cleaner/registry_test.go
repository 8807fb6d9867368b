package cleaner_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/cleaner"
)

func kind(name string, after ...string) cleaner.Kind {
	return cleaner.Kind{Name: name, Source: name[:strings.Index(name, ".")] + ".amazonaws.com", After: after}
}

func order(waves [][]cleaner.Kind) string {
	var out []string
	for _, w := range waves {
		var names []string
		for _, k := range w {
			names = append(names, k.Name)
		}
		out = append(out, strings.Join(names, " "))
	}
	return strings.Join(out, " | ")
}

func TestWaves(t *testing.T) {
	t.Parallel()
	group := kind("logs.group", "lambda.function")
	group.Also = []string{"lambda.amazonaws.com"}
	r, err := cleaner.NewRegistry(kind("ec2.vpc", "ec2.subnet", "ec2.instance"), kind("ec2.subnet", "ec2.instance"), kind("ec2.instance"), kind("lambda.function"), group)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := order(r.Waves()), "ec2.instance lambda.function | ec2.subnet logs.group | ec2.vpc"; got != want {
		t.Errorf("waves = %s, want %s", got, want)
	}
	if got, want := order(r.Only(func(k cleaner.Kind) bool { return k.Service() == "logs" })), "logs.group"; got != want {
		t.Errorf("waves of one service = %s, want %s", got, want)
	}
	if got, want := r.BySource("lambda.amazonaws.com"), []string{"lambda.function", "logs.group"}; !slices.Equal(got, want) {
		t.Errorf("BySource = %v, want %v", got, want)
	}
	if _, ok := r.Get("ec2.vpc"); !ok {
		t.Error("ec2.vpc is not found")
	}
}

func TestWrongOrdersFailAtStart(t *testing.T) {
	t.Parallel()
	for want, kinds := range map[string][]cleaner.Kind{
		"registered twice":    {kind("a.x"), kind("a.x")},
		`unknown kind "a.y"`:  {kind("a.x", "a.y")},
		"each other: a.x":     {kind("a.x", "a.x")},
		"each other: a.x, a.": {kind("a.x", "a.z"), kind("a.y", "a.x"), kind("a.z", "a.y"), kind("a.free")},
	} {
		if _, err := cleaner.NewRegistry(kinds...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one that says %q", err, want)
		}
	}
}
