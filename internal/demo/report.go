package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Report is the outcome of a class. The JSON form is the last line printed.
type Report struct {
	Students          int      `json:"students"`
	Accounts          int      `json:"accounts"`
	Seed              uint64   `json:"seed"`
	Served            int      `json:"labs_served"`
	EndedEarly        int      `json:"labs_ended_early"`
	RequestsTwice     int      `json:"requests_sent_twice"`
	Waited            int      `json:"waited_for_an_account"`
	NotServed         int      `json:"labs_not_served"`
	CredentialsP50    float64  `json:"time_to_credentials_p50_s"` // from the enqueueing, waiting list included
	CredentialsP99    float64  `json:"time_to_credentials_p99_s"`
	WarmP50           float64  `json:"warm_time_to_credentials_p50_s"` // of those that did not wait
	WarmP99           float64  `json:"warm_time_to_credentials_p99_s"`
	CleaningP50       float64  `json:"cleaning_p50_s"`
	CleaningP99       float64  `json:"cleaning_p99_s"`
	EndLateP99        float64  `json:"end_late_p99_s"` // expiry after the lab's end, by the fleet; AWS is on time by itself
	FreezeP50         float64  `json:"freeze_p50_s"`   // from the end to everything powerless, seen by a probe
	FreezeP99         float64  `json:"freeze_p99_s"`
	CallsPerCleaning  float64  `json:"aws_calls_per_cleaned_account"`
	ResourcesMade     int      `json:"resources_made"`
	ResourcesLeft     int      `json:"resources_left"`
	StudentCalls      int      `json:"student_calls"`
	AllowedRefused    int      `json:"allowed_calls_refused"`
	ForbiddenWorked   int      `json:"forbidden_calls_that_worked"`
	BackDoors         int      `json:"back_doors_left"`
	CallsAfterEnd     int      `json:"calls_after_the_end"`
	WorkedAfterEnd    int      `json:"calls_that_worked_after_the_end"`
	HandedOutTwice    int      `json:"accounts_handed_out_twice"`
	AccountsBack      int      `json:"accounts_back_in_the_pool"`
	Killed            []string `json:"killed,omitempty"`
	Interrupted       int      `json:"interrupted_assignments,omitempty"`
	InterruptedServed float64  `json:"interrupted_assignment_served_within_s,omitempty"`
	Seconds           float64  `json:"seconds"`
	Problems          []string `json:"problems,omitempty"`
}

// OK says whether every promise was kept.
func (r *Report) OK() bool {
	return r.ResourcesLeft == 0 && r.WorkedAfterEnd == 0 && r.HandedOutTwice == 0 && r.AccountsBack == r.Accounts &&
		r.ForbiddenWorked == 0 && r.AllowedRefused == 0 && r.NotServed == 0 && len(r.Problems) == 0
}

const maxProblems = 20

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Print writes the report for people, then the JSON line for machines.
func (r *Report) Print(w io.Writer) error {
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "  %-44s %s\n", name, fmt.Sprintf(format, args...))
	}
	_, _ = fmt.Fprintf(w, "\nThe class is over (%d students, %d accounts, seed %d, %.0f s)\n", r.Students, r.Accounts, r.Seed, r.Seconds)
	line("labs served", "%d (%d ended early, %d requested twice, %d waited)", r.Served, r.EndedEarly, r.RequestsTwice, r.Waited)
	line("labs not served", "%d", r.NotServed)
	line("time to credentials, warm account", "p50 %.2f s, p99 %.2f s", r.WarmP50, r.WarmP99)
	line("time to credentials, waiting list included", "p50 %.2f s, p99 %.2f s", r.CredentialsP50, r.CredentialsP99)
	line("expiry after the end", "p99 %.2f s", r.EndLateP99)
	line("frozen after the end, seen by a probe", "p50 %.1f s, p99 %.1f s", r.FreezeP50, r.FreezeP99)
	line("cleaning", "p50 %.1f s, p99 %.1f s", r.CleaningP50, r.CleaningP99)
	line("AWS calls per cleaned account", "%.0f", r.CallsPerCleaning)
	line("calls by students", "%d (%d allowed ones refused)", r.StudentCalls, r.AllowedRefused)
	line("resources made / left", "%d / %d", r.ResourcesMade, r.ResourcesLeft)
	line("back doors left", "%d", r.BackDoors)
	line("forbidden calls that worked", "%d", r.ForbiddenWorked)
	line("calls after the end / that worked", "%d / %d", r.CallsAfterEnd, r.WorkedAfterEnd)
	line("accounts handed out twice", "%d", r.HandedOutTwice)
	line("accounts back in the pool", "%d of %d", r.AccountsBack, r.Accounts)
	if len(r.Killed) > 0 {
		line("processes killed", "%s", strings.Join(r.Killed, ", "))
		line("interrupted assignments", "%d, served within %.1f s of the kill", r.Interrupted, r.InterruptedServed)
	}
	for _, p := range r.Problems {
		_, _ = fmt.Fprintf(w, "  problem: %s\n", p)
	}
	verdict := "every promise was kept"
	if !r.OK() {
		verdict = "A PROMISE WAS BROKEN"
	}
	_, _ = fmt.Fprintf(w, "  => %s\n", verdict)
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", strings.TrimSpace(string(b)))
	return err
}

// percentile gives the p-th percentile (0..100) in seconds, 0 for none.
func percentile(ds []time.Duration, p float64) float64 {
	if len(ds) == 0 {
		return 0
	}
	sorted := slices.Clone(ds)
	slices.Sort(sorted)
	i := int(float64(len(sorted)-1)*p/100 + 0.5)
	return sorted[i].Seconds()
}
