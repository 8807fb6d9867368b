package fleet

import (
	"fmt"
	"slices"
)

// GlobalRegion is where global services answer and are recorded.
const GlobalRegion = "us-east-1"

// RunID names the cleaning run of an account's epoch.
func RunID(account string, epoch int64) string { return fmt.Sprintf("%s/%d", account, epoch) }

// Unit is one piece of a cleaning run: one service in one Region, in one wave of
// one round when it is swept, in one round when it is verified.
type Unit struct {
	Run     string        `json:"run"`
	Session string        `json:"session,omitempty"` // that was cleaned after; for the log
	Account string        `json:"account"`
	Epoch   int64         `json:"epoch"`
	Phase   CleaningPhase `json:"phase"` // sweep or verify
	Round   int           `json:"round"`
	Wave    int           `json:"wave"` // 0 when it is verified
	Service string        `json:"service"`
	Region  string        `json:"region"`
}

// Key names the unit inside its run: phase/round/wave/service/region.
func (u Unit) Key() string {
	return fmt.Sprintf("%s/%d/%d/%s/%s", u.Phase, u.Round, u.Wave, u.Service, u.Region)
}

// Units lists the units of a run's present phase: of its present wave when it
// sweeps, of all services at once when it verifies. From the second round on
// only what was found dirty is swept.
func Units(r *CleaningRun) []Unit {
	from, to := 0, len(r.Plan)
	switch r.Phase {
	case PhaseSweep:
		from, to = min(r.Wave, len(r.Plan)), min(r.Wave+1, len(r.Plan))
	case PhaseVerify:
	default:
		return nil
	}
	seen := map[string]bool{}
	var out []Unit
	for w := from; w < to; w++ {
		for _, s := range r.Plan[w].Services {
			if r.Phase == PhaseSweep && r.Round > 1 && !slices.Contains(r.Dirty, s.Service) {
				continue
			}
			for _, region := range s.regions(r) {
				u := Unit{Run: r.ID, Session: r.SessionID, Account: r.AccountID, Epoch: r.Epoch, Phase: r.Phase, Round: r.Round, Service: s.Service, Region: region}
				if r.Phase == PhaseSweep {
					u.Wave = w
				}
				if !seen[u.Key()] {
					seen[u.Key()] = true
					out = append(out, u)
				}
			}
		}
	}
	return out
}

// Kinds lists the kinds that a unit works on.
func (r *CleaningRun) Kinds(u Unit) []string {
	var out []string
	for w, wave := range r.Plan {
		if u.Phase == PhaseSweep && w != u.Wave {
			continue
		}
		for _, s := range wave.Services {
			if s.Service == u.Service && slices.Contains(s.regions(r), u.Region) {
				out = append(out, s.Kinds...)
			}
		}
	}
	return out
}

// regions are where the service's kinds are cleaned: global ones once.
func (s PlannedService) regions(r *CleaningRun) []string {
	if s.Global {
		return []string{GlobalRegion}
	}
	return r.Regions
}

// Clone gives a copy whose maps and lists are shared: they are replaced, never
// written.
func (r *CleaningRun) Clone() *CleaningRun {
	c := *r
	c.Writes = slices.Clone(r.Writes)
	return &c
}
