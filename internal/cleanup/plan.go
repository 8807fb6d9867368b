package cleanup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/trail"
)

// implied are services that a service makes things in by itself, under its own
// identity: what the lab may not call may still be filled.
var implied = map[string][]string{
	"lambda":      {"logs", "ec2"},
	"autoscaling": {"ec2"},
}

// plan reads the trail and writes what is to be swept: what the trail shows and
// what the lab type allows, in waves.
func (s *Service) plan(ctx context.Context, a *fleet.Account, run *fleet.CleaningRun) error {
	touched, err := s.read(ctx, a, run)
	if err != nil {
		return err
	}
	waves, because := s.waves(run, touched)
	rec := s.recorder(run, "plan")
	for service, why := range because {
		rec.add(cleaner.Event{Action: "planned", Kind: service, Detail: why})
	}
	if err := rec.flush(ctx); err != nil {
		return err
	}
	_, err = s.write(ctx, run, func(n *fleet.CleaningRun) {
		n.Phase, n.Wave, n.Plan, n.Because = fleet.PhaseSweep, -1, waves, because
		s.nextWave(n)
		if len(waves) == 0 { // nothing to sweep or to verify yet: late events decide
			n.Phase = fleet.PhaseSettle
		}
	})
	return err
}

// read gives the event sources that the trail shows since the account was last
// clean; a full run trusts no trail.
func (s *Service) read(ctx context.Context, a *fleet.Account, run *fleet.CleaningRun) (map[string]bool, error) {
	if run.Full {
		return nil, nil
	}
	sess, err := s.AWS.Reader(ctx, target(a))
	if err != nil {
		return nil, fmt.Errorf("session to read the trail of %s: %w", a.ID, err)
	}
	touched, err := trail.Read(ctx, sess.Config, withGlobal(run.Regions), a.RestedSince, s.Clock.Now(), s.Orgs[a.Org].MemberRole)
	if err != nil {
		return nil, fmt.Errorf("trail of %s: %w", a.ID, err)
	}
	return touched.Sources(), nil
}

// wanted says whether a kind belongs to the run: by the lab type, by what that
// implies, by the trail, or because everything does.
func (s *Service) wanted(run *fleet.CleaningRun, k cleaner.Kind, sources map[string]bool) bool {
	return s.why(run, k, sources) != ""
}

func (s *Service) why(run *fleet.CleaningRun, k cleaner.Kind, sources map[string]bool) string {
	service := k.Service()
	if run.Full {
		return "full sweep"
	}
	for _, allowed := range s.LabTypes[run.LabType].Services {
		if allowed == service {
			return "the lab type allows it"
		}
		if slices.Contains(implied[allowed], service) {
			return "what " + allowed + " makes by itself"
		}
	}
	if sources[k.Source] {
		return "the trail shows " + strings.TrimSuffix(k.Source, ".amazonaws.com")
	}
	for _, also := range k.Also {
		if sources[also] {
			return "the trail shows " + strings.TrimSuffix(also, ".amazonaws.com")
		}
	}
	return ""
}

// waves groups the wanted kinds by wave and service.
func (s *Service) waves(run *fleet.CleaningRun, sources map[string]bool) ([]fleet.PlannedWave, map[string]string) {
	because := map[string]string{}
	wanted := s.Registry.Only(func(k cleaner.Kind) bool { return s.wanted(run, k, sources) })
	out := make([]fleet.PlannedWave, 0, len(wanted))
	for _, kinds := range wanted {
		var wave fleet.PlannedWave
		for _, k := range kinds {
			because[k.Service()] = s.why(run, k, sources)
			i := slices.IndexFunc(wave.Services, func(p fleet.PlannedService) bool { return p.Service == k.Service() && p.Global == k.Global })
			if i < 0 {
				wave.Services = append(wave.Services, fleet.PlannedService{Service: k.Service(), Global: k.Global})
				i = len(wave.Services) - 1
			}
			wave.Services[i].Kinds = append(wave.Services[i].Kinds, k.Name)
		}
		out = append(out, wave)
	}
	return out, because
}

// news gives the services that a later look at the trail shows and the plan
// does not hold.
func (s *Service) news(run *fleet.CleaningRun, sources map[string]bool) []string {
	_, because := s.waves(run, sources)
	var out []string
	for service := range because {
		if _, planned := run.Because[service]; !planned {
			out = append(out, service)
		}
	}
	slices.Sort(out)
	return out
}
