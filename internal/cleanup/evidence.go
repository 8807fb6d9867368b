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

// add takes one line; its id makes a repeated step write it once.
func (r *recorder) add(e cleaner.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := strings.Join([]string{r.run.ID, fmt.Sprint(r.run.Round), r.phase, e.Action, e.Kind, e.Region, e.Resource}, "|")
	r.lines = append(r.lines, fleet.Evidence{ID: id, RunID: r.run.ID, Account: r.run.AccountID, At: r.s.Clock.Now().UTC(),
		Phase: r.phase, Action: e.Action, Kind: e.Kind, Region: e.Region, Resource: e.Resource, Detail: e.Detail})
}

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
