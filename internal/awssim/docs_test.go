package awssim_test

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/awssim/core"
)

var update = flag.Bool("update", false, "write the operations in docs/simulated-aws.md anew")

const (
	page  = "../../docs/simulated-aws.md"
	begin = "<!-- operations: written by go test ./internal/awssim -update -->\n"
	end   = "<!-- end of operations -->\n"
)

// TestDocs keeps the list of operations in the documentation true.
func TestDocs(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(page)
	ok(t, err)
	before, rest, found := strings.Cut(string(data), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no list of operations", page)
	}
	want := before + begin + operations(awssim.New(awssim.Config{}).World) + end + after
	if *update {
		ok(t, os.WriteFile(page, []byte(want), 0o644))
	} else if string(data) != want {
		t.Errorf("%s is out of date: go test ./internal/awssim -run TestDocs -update", page)
	}
}

func operations(w *core.World) string {
	var out strings.Builder
	for _, s := range w.Services() {
		names := make([]string, len(s.Ops))
		for i, o := range s.Ops {
			names[i] = o.Name + marks(o)
		}
		sort.Strings(names)
		fmt.Fprintf(&out, "\n### %s (%d)\n%s\n", s.Prefix, len(names), strings.Join(names, ", "))
	}
	return out.String() + "\n"
}

func marks(o core.Op) string {
	switch {
	case o.ReadOnly && o.Data:
		return " `rd`"
	case o.ReadOnly:
		return " `r`"
	case o.Data:
		return " `d`"
	}
	return ""
}
