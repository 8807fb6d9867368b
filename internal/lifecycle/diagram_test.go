package lifecycle_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/fleet"
)

var update = flag.Bool("update", false, "write docs/states.md anew")

const statesDoc = "../../docs/states.md"

const intro = `# The states of an account

Drawn from the transition table in ` + "`internal/fleet/state.go`" + ` by a test of ` + "`internal/lifecycle`" + `,
which fails when this page is not what the table says; ` + "`go test ./internal/lifecycle -update`" + ` draws it anew.

A move that is not here does not exist. Package lifecycle makes them, and nobody else.

`

const legend = `
A **claim** raises the account's epoch: whoever worked on the account before can take no lease any more.
A **fenced** state is entered only when every mutating session was given back or ran out.
`

func statesPage() string {
	var b strings.Builder
	b.WriteString(intro + "```mermaid\nstateDiagram-v2\n    [*] --> account_loaded: new in a configured OU\n")
	for _, e := range fleet.Transitions() {
		if e.To != fleet.Failed { // one line in the table below each; here they would hide the rest
			fmt.Fprintf(&b, "    %s --> %s: %s\n", e.From, e.To, e.Why)
		}
	}
	b.WriteString("    draining_org_unit --> [*]: removed from the fleet\n```\n\nEvery other state can also end in `failed`: what works on an account can fail for good, and an operator can take any account out.\n\n")
	b.WriteString("| From | To | Why | |\n|---|---|---|---|\n")
	for _, e := range fleet.Transitions() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", e.From, e.To, e.Why, remark(e.To))
	}
	b.WriteString(legend)
	return b.String()
}

func remark(to fleet.State) string {
	var marks []string
	if to.Claims() {
		marks = append(marks, "claim")
	}
	if to.Fenced() {
		marks = append(marks, "fenced")
	}
	return strings.Join(marks, ", ")
}

func TestDiagramIsTheTable(t *testing.T) {
	t.Parallel()
	want := statesPage()
	if *update {
		if err := os.WriteFile(statesDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(statesDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/states.md is not what the table says; go test ./internal/lifecycle -update draws it anew")
	}
}

// TestEveryStateCanFail holds the sentence of the page that leaves out arrows.
func TestEveryStateCanFail(t *testing.T) {
	t.Parallel()
	for _, s := range fleet.States {
		if want := s != fleet.Failed; fleet.CanMove(s, fleet.Failed) != want {
			t.Errorf("%s → failed: %v", s, !want)
		}
	}
}
