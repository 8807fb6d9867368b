package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// lines are command lines, one of each command at least; what they print stands
// in testdata/commands.txt, written by -update.
var lines = []string{
	"labs request --type ec2-basics --student ada@example.org",
	"labs request --type ec2-basics --student ada@example.org --start-at +2h --duration 90m --priority 3 --booking b-1 --request-id class-7/ada --wait -o json",
	"labs request --type ec2-basics --student ada@example.org --wait -o env",
	"labs request --student ada@example.org",
	"labs request --type ec2-basics --student ada@example.org -o env",
	"labs list", "labs list -o wide --state active,waiting --since -24h", "labs list -o yaml --limit 1", "labs list -o template={{.id}}:{{.version}}",
	"labs get lab-1", "labs get lab-9", "labs get lab-1 -o template={{", "labs wait lab-1",
	"labs credentials lab-1", "labs credentials lab-1 -o env", "labs link lab-1", "labs link lab-1 -o json",
	"labs shell lab-1 -- sh -c 'echo $AWS_REGION $KML_LAB_ID'", "labs shell lab-1 -- sh -c 'exit 42'",
	"labs extend lab-1 --by 30m", "labs end lab-1", "labs end lab-1 --yes --wait --reason over", "labs evidence lab-1", "labs evidence lab-1 -o json", "labs events lab-1 -o template={{.type}}",
	"labtypes list", "labtypes list -o wide", "labtypes get ec2-basics", "labtypes get ec2-basics -o yaml", "labtypes apply -f ../labtype/builtin/ec2-basics.yaml", "labtypes apply -f ../labtype/builtin --validate",
	"labtypes apply -f testdata/typo.yaml", "labtypes apply", "labtypes test ec2-basics ec2:RunInstances * --context aws:RequestedRegion=us-east-1", "labtypes activate ec2-basics --reason mended",
	"labtypes deactivate ec2-basics --reason broken --yes", "labtypes deactivate ec2-basics --yes",
	"accounts list", "accounts list -o wide --state in_use --org alpha", "accounts get 123456789012", "accounts history 123456789012", "accounts cleanings 123456789012", "accounts evidence 123456789012",
	"accounts dry-run 123456789012", "accounts quarantine 123456789012 --reason odd --yes", "accounts release 123456789012 --reason fine", "accounts drain 123456789012 --reason closing --yes",
	"accounts clean 222222222222 --reason check --full --yes --wait", "accounts drain 123456789012 --reason closing",
	"orgs list", "orgs get alpha", "orgs sync alpha", "pool status", "pool status -o json", "pool target alpha ou-1 8", "pool target alpha ou-1 many",
	"bookings create --type ec2-basics --seats 120 --start 2026-11-22T12:00:00Z --for 2h", "bookings create --type ec2-basics --seats 5000 --start 2026-11-22T12:00:00Z --for 2h",
	"bookings create --type ec2-basics --seats 5 --start Tuesday --for 2h",
	"bookings list", "bookings get b-1", "bookings change b-1 --seats 100", "bookings change b-1", "bookings cancel b-1 --reason holiday --yes", "bookings slots --type ec2-basics --seats 120",
	"events tail --type lab.ended --timeout 1s", "activity", "activity -o wide --kind call", "usage", "usage --from 2026-11-01 --to 2026-11-30 --by lab_type -o csv",
	"webhooks create --name academy --url https://academy.example.org/kml", "webhooks list", "webhooks get w-1", "webhooks change w-1 --off", "webhooks delete w-1 --yes", "webhooks rotate w-1",
	"webhooks ping w-1", "webhooks deliveries w-1 --state dead", "webhooks delivery d-1 -o wide", "webhooks redeliver d-1",
	"keys create --name academy --role backend", "keys list", "keys get k1", "keys revoke k1 --yes", "me",
	"queues list", "queues tasks critical --state archived", "queues pause critical --yes", "queues pause critical", "queues resume critical", "queues retry critical --state archived",
	"queues archive critical --id t1 --yes", "queues delete critical --state archived --yes", "queues delete critical --yes",
	"version", "doctor -o yaml", "profile list", "profile show", "exit-codes", "labs lst", "nonsense", "labs list -o xml", "labs list extra",
}

// words splits a line as a shell would, as far as the lines above need.
func words(line string) []string {
	var out []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

func TestCommands(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, line := range lines {
		s := start(t)
		dir := t.TempDir()
		r := s.kmlctl(t, outside{env: []string{"XDG_CONFIG_HOME=" + dir}}, words(line)...)
		fmt.Fprintf(&b, "$ kmlctl %s\n%s", line, strings.NewReplacer(s.URL, "SERVER", dir, "CONFIG").Replace(r.out+prefixed("! ", r.err)))
		if r.code != 0 {
			fmt.Fprintf(&b, "= %d\n", r.code)
		}
		for _, w := range s.wrote() {
			if line := strings.SplitN(w, "\n", 2)[0]; len(line) < 400 {
				fmt.Fprintf(&b, "> %s\n", line)
			}
		}
		b.WriteByte('\n')
		if strings.Contains(r.out+r.err, secret) {
			t.Errorf("%s shows the key", line)
		}
	}
	golden(t, "commands.txt", b.String())
}

func prefixed(prefix, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(prefix + line)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%s:%d: got\n%s\nwant\n%s\n(go test -update writes the file anew)", path, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s has %d lines, got %d", path, len(w), len(g))
}

// leaves are the commands that do something.
func leaves(c *cobra.Command) []*cobra.Command {
	if !c.HasSubCommands() {
		return []*cobra.Command{c}
	}
	var out []*cobra.Command
	for _, sub := range c.Commands() {
		out = append(out, leaves(sub)...)
	}
	return out
}

// others are tried by tests of their own.
var others = []string{"profile set", "profile use", "profile delete"}

func TestEveryCommandIsTried(t *testing.T) {
	t.Parallel()
	for _, c := range leaves((&app{}).root()) {
		path := strings.TrimPrefix(c.CommandPath(), "kmlctl ")
		tried := slices.ContainsFunc(lines, func(l string) bool { return l == path || strings.HasPrefix(l, path+" ") })
		if !tried && !slices.Contains(others, path) {
			t.Errorf("no test runs kmlctl %s", path)
		}
	}
}
