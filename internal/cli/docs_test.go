package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// page is the documentation, from here.
const docsPage = "../../docs/kmlctl.md"

// table is a table of the documentation as it ought to be.
func table(rows [][2]string) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s |\n", r[0], r[1])
	}
	return b.String()
}

// The documentation names every exit code and every command, with the words that
// the program itself has for them.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	var codes, commands [][2]string
	for _, c := range exitCodes {
		codes = append(codes, [2]string{fmt.Sprint(c.code), c.means})
	}
	for _, c := range leaves((&app{}).root()) {
		if c.RunE != nil { // not a topic of help
			commands = append(commands, [2]string{"`" + strings.TrimSuffix(c.CommandPath(), " "+c.Name()) + " " + c.Use + "`", c.Short})
		}
	}
	raw, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for heading, rows := range map[string][][2]string{"## Exit codes": codes, "## Commands": commands} {
		_, section, _ := strings.Cut(page, heading+"\n")
		_, body, _ := strings.Cut(section, "|---|---|\n")
		got, _, _ := strings.Cut(body, "\n\n")
		want := table(rows)
		if *update {
			page = strings.Replace(page, heading+"\n"+section[:strings.Index(section, body)]+got, heading+"\n"+section[:strings.Index(section, body)]+strings.TrimSuffix(want, "\n"), 1)
		} else if got+"\n" != want {
			t.Errorf("the table under %q is not the program's; go test ./internal/cli -update writes it:\n%s", heading, want)
		}
	}
	if *update {
		if err := os.WriteFile(docsPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDocumentationOfConfirmations(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(docsPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range confirmed {
		if !strings.Contains(string(raw), "`"+name+"`") {
			t.Errorf("%s does not say that %q asks first", docsPage, name)
		}
	}
}
