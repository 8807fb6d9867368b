package mongo_test

import (
	"context"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

var shapes = struct {
	sync.Mutex
	seen map[string]bool
}{seen: map[string]bool{}}

// recorder notes the shape of every command of the suites.
func recorder() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		var body bson.D
		if err := bson.Unmarshal(e.Command, &body); err != nil {
			panic(err) // the driver has just encoded it
		}
		s := shape(body)
		shapes.Lock()
		defer shapes.Unlock()
		shapes.seen[s] = true
	}}
}

// aboutTheWire are fields that the driver adds to every command.
var aboutTheWire = []string{"lsid", "txnNumber", "$clusterTime", "$db", "$readPreference", "maxTimeMS"}

// shape is a command's name, its options, and the operators anywhere in it.
func shape(cmd bson.D) string {
	options, operators := map[string]bool{}, map[string]bool{}
	collection, _ := cmd[0].Value.(string)
	for _, e := range cmd[1:] {
		if slices.Contains(aboutTheWire, e.Key) {
			continue
		}
		options[e.Key] = true
		if e.Key != "documents" { // an inserted document is data
			collect(e.Value, operators)
		}
	}
	return strings.TrimSpace(strings.Join([]string{cmd[0].Key, collection,
		strings.Join(slices.Sorted(maps.Keys(options)), " "), "|", strings.Join(slices.Sorted(maps.Keys(operators)), " ")}, " "))
}

func collect(v any, operators map[string]bool) {
	switch v := v.(type) {
	case bson.D:
		for _, e := range v {
			if strings.HasPrefix(e.Key, "$") {
				operators[e.Key] = true
			}
			collect(e.Value, operators)
		}
	case bson.A:
		for _, item := range v {
			collect(item, operators)
		}
	}
}

const golden = "testdata/shapes.golden"

// checkShapes compares what the suites have sent with the closed list. A new
// shape is fine if it is wanted: mongosim must know it, and MongoDB document it.
func checkShapes(t *testing.T) {
	if run := flag.Lookup("test.run").Value.String(); strings.Contains(run, "/") {
		return // a part of the suites sends a part of the shapes
	}
	t.Cleanup(func() { // after the parallel tests
		shapes.Lock()
		defer shapes.Unlock()
		got := strings.Join(slices.Sorted(maps.Keys(shapes.seen)), "\n") + "\n"
		if *updateGolden {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Error(err)
			}
			return
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("command shapes have changed (-update writes them anew):\n got:\n%s\nwant:\n%s", got, want)
		}
	})
}
