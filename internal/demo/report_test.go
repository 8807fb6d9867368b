package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// kept is the report of a class whose every promise was kept.
func kept() *Report {
	return &Report{Students: 3, Accounts: 4, Seed: 7, Served: 3, ResourcesMade: 9, BackDoors: 2, CallsAfterEnd: 5, AccountsBack: 4, Seconds: 1.5}
}

func TestReportOK(t *testing.T) {
	t.Parallel()
	if !kept().OK() {
		t.Fatal("every promise was kept, and it is not OK")
	}
	for name, spoil := range map[string]func(*Report){
		"resources left":           func(r *Report) { r.ResourcesLeft = 1 },
		"worked after the end":     func(r *Report) { r.WorkedAfterEnd = 1 },
		"handed out twice":         func(r *Report) { r.HandedOutTwice = 1 },
		"an account is missing":    func(r *Report) { r.AccountsBack-- },
		"an account too many":      func(r *Report) { r.AccountsBack++ },
		"forbidden call worked":    func(r *Report) { r.ForbiddenWorked = 1 },
		"allowed call refused":     func(r *Report) { r.AllowedRefused = 1 },
		"a student was not served": func(r *Report) { r.NotServed = 1 },
		"a problem":                func(r *Report) { r.problem("account %s is %s", "1", "failed") },
	} {
		r := kept()
		spoil(r)
		if r.OK() {
			t.Errorf("%s: still OK", name)
		}
		var out bytes.Buffer
		if err := r.Print(&out); err != nil || !strings.Contains(out.String(), "A PROMISE WAS BROKEN") || strings.Contains(out.String(), "every promise was kept") {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
}

// The last line is for machines.
func TestReportPrint(t *testing.T) {
	t.Parallel()
	r := kept()
	r.Killed, r.Interrupted, r.InterruptedServed = []string{"worker-1", "mongo"}, 2, 3.25
	for range 2 * maxProblems {
		r.problem("a line end\nin a problem")
	}
	var out bytes.Buffer
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	var fields map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &fields); err != nil {
		t.Fatalf("the last line: %v\n%s", err, out.String())
	}
	for key, want := range map[string]any{"students": 3.0, "accounts": 4.0, "seed": 7.0, "labs_served": 3.0, "labs_not_served": 0.0, "resources_made": 9.0,
		"resources_left": 0.0, "calls_after_the_end": 5.0, "calls_that_worked_after_the_end": 0.0, "accounts_handed_out_twice": 0.0,
		"accounts_back_in_the_pool": 4.0, "forbidden_calls_that_worked": 0.0, "interrupted_assignment_served_within_s": 3.25, "seconds": 1.5} {
		if fields[key] != want {
			t.Errorf("%s is %v, not %v", key, fields[key], want)
		}
	}
	for _, key := range []string{"time_to_credentials_p50_s", "time_to_credentials_p99_s", "warm_time_to_credentials_p50_s", "warm_time_to_credentials_p99_s",
		"cleaning_p50_s", "cleaning_p99_s", "aws_calls_per_cleaned_account", "allowed_calls_refused", "back_doors_left", "killed"} {
		if _, ok := fields[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
	if told, _ := fields["problems"].([]any); len(told) != maxProblems {
		t.Errorf("%d problems told", len(told))
	}
	if !slices.ContainsFunc(lines, func(l string) bool {
		return strings.Contains(l, "processes killed") && strings.Contains(l, "worker-1, mongo")
	}) {
		t.Errorf("nobody reads who was killed:\n%s", out.String())
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 101)
	for i := range hundred {
		hundred[i] = time.Duration(100-i) * time.Second
	}
	for _, c := range []struct {
		of   []time.Duration
		p    float64
		want float64
	}{
		{nil, 99, 0}, {[]time.Duration{1500 * time.Millisecond}, 50, 1.5}, {hundred, 0, 0}, {hundred, 50, 50}, {hundred, 99, 99}, {hundred, 100, 100},
		{[]time.Duration{3 * time.Second, time.Second, 2 * time.Second}, 50, 2}, {[]time.Duration{2 * time.Second, time.Second}, 99, 2},
	} {
		if got := percentile(c.of, c.p); got != c.want {
			t.Errorf("percentile %v of %d values: %v, not %v", c.p, len(c.of), got, c.want)
		}
	}
	if hundred[0] != 100*time.Second {
		t.Error("the caller's values were sorted")
	}
}

// A log file gets a plain line every five seconds; a terminal gets a block that
// is drawn over.
func TestShow(t *testing.T) {
	t.Parallel()
	p := Progress{Accounts: map[fleet.State]int{fleet.InUse: 2, fleet.Cleanup: 1}, Sessions: map[fleet.SessionState]int{fleet.SessionWaiting: 3}, Served: 4, Students: 9}
	var plain, terminal bytes.Buffer
	log, draw := Show(&plain, false), Show(&terminal, true)
	for n := range 11 {
		p.Elapsed = time.Duration(n) * time.Second
		log(p)
		draw(p)
	}
	p.Elapsed, p.Err = 15*time.Second, errors.New("no primary")
	log(p)
	lines := strings.Split(strings.TrimSuffix(plain.String(), "\n"), "\n")
	if len(lines) != 4 || strings.ContainsRune(plain.String(), '\x1b') {
		t.Fatalf("%q", plain.String())
	}
	for i, begin := range []string{"   0 s ", "   5 s ", "  10 s ", "  15 s "} {
		if !strings.HasPrefix(lines[i], begin) {
			t.Errorf("line %d: %q", i, lines[i])
		}
	}
	for _, part := range []string{"served 4 of 9", "waiting 3", string(fleet.InUse) + " 2", string(fleet.Cleanup) + " 1"} {
		if !strings.Contains(lines[0], part) {
			t.Errorf("no %q in %q", part, lines[0])
		}
	}
	if !strings.Contains(lines[3], "no primary") {
		t.Errorf("a stand that could not be read: %q", lines[3])
	}
	if n := strings.Count(terminal.String(), "\x1b[J"); n != 10 {
		t.Errorf("drawn over %d times", n)
	}
}
