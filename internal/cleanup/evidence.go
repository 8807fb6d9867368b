package cleanup

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/fleet"
)

// recorder collects the evidence of a step and writes it in one go.
type recorder struct {
	s     *Service
	run   *fleet.CleaningRun
	phase string
	mu    sync.Mutex
	lines []fleet.Evidence
}

func (s *Service) recorder(run *fleet.CleaningRun, phase string) *recorder {
	return &recorder{s: s, run: run, phase: phase}
}

// actionVerified marks the lines that say what a look found.
const actionVerified = "verified"

// add takes lines; their ids make a repeated step write them once. Two looks of
// one round that found different things are two lines: the later one counts.
func (r *recorder) add(events ...cleaner.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		id := strings.Join([]string{r.run.ID, fmt.Sprint(r.run.Round), r.phase, e.Action, e.Kind, e.Region, e.Resource}, "|")
		if e.Action == actionVerified {
			id += "|" + e.Detail
		}
		r.lines = append(r.lines, fleet.Evidence{ID: id, RunID: r.run.ID, Account: r.run.AccountID, At: r.s.Clock.Now().UTC(),
			Phase: r.phase, Action: e.Action, Kind: e.Kind, Region: e.Region, Resource: e.Resource, Detail: e.Detail})
	}
}

// record is add as a [cleaner.Recorder].
func (r *recorder) record(e cleaner.Event) { r.add(e) }

// flush writes what was collected.
func (r *recorder) flush(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) == 0 {
		return nil
	}
	if err := r.s.Runs.AddEvidence(ctx, r.lines); err != nil {
		return fmt.Errorf("evidence of cleaning run %s: %w", r.run.ID, err)
	}
	r.lines = nil
	return nil
}
