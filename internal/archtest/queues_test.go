package archtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/kodekloud/kml/tasks"
)

// TestQueuesOnThePage holds the table of queues in docs/architecture.md to
// package tasks: every kind stands in the row of its queue, and every row says
// which slots serve it.
func TestQueuesOnThePage(t *testing.T) {
	t.Parallel()
	_, table, found := strings.Cut(read(t, "docs/architecture.md"), "| Queue | Served by | Tasks |\n")
	if !found {
		t.Fatal("no table of queues")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	rows := map[string][]string{}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) == 5 && !strings.HasPrefix(line, "|-") {
			rows[strings.Trim(cells[1], " `")] = cells[2:4]
		}
	}
	for _, kind := range append(tasks.Kinds(), tasks.KindTick) {
		row := rows[tasks.QueueOf(kind)]
		if row == nil || !strings.Contains(row[1], "`"+kind) {
			t.Errorf("the row of queue %s does not name %s", tasks.QueueOf(kind), kind)
		}
	}
	for name, row := range rows {
		_, critical := tasks.CriticalQueues[name]
		if _, bulk := tasks.BulkQueues[name]; !critical && !bulk {
			t.Errorf("the page has a queue %s, and no worker serves it", name)
		}
		if critical == strings.Contains(row[0], "bulk") {
			t.Errorf("queue %s is not served by%s", name, row[0])
		}
		for _, kind := range slices.Sorted(slices.Values(tasks.Kinds())) {
			if strings.Contains(row[1], "`"+kind+"`") && tasks.QueueOf(kind) != name {
				t.Errorf("the row of queue %s names %s, which goes to %s", name, kind, tasks.QueueOf(kind))
			}
		}
	}
}
