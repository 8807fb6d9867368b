package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table in docs/configuration.md anew")

const (
	page  = "../../docs/configuration.md"
	begin = "<!-- table: written by go test ./internal/config -update -->\n"
	end   = "<!-- end of table -->\n"
)

func TestDocs(t *testing.T) {
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	from, to := strings.Index(text, begin), strings.Index(text, end)
	if from < 0 || to < from {
		t.Fatalf("%s has no table", page)
	}
	want := text[:from] + begin + Table() + text[to:]
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		text = want
	}
	if text != want {
		t.Errorf("%s is out of date: go test ./internal/config -update", page)
	}
}

// The example must load as it stands.
func TestExampleInDocs(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), "```yaml\n")
	example, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("no example")
	}
	c, err := Load([]string{"KML_SEAL_KEYS=a:" + key}, write(t, "kml.yaml", example))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Organizations) == 0 {
		t.Error("the example shows no organization")
	}
}
