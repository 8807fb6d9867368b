package cleanup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/trail"
)

// implied are the services or kinds that a service makes by itself, under its
// own identity: what the lab may not call may still be filled.
var implied = map[string][]string{
	"lambda":      {"logs.group", "ec2.network_interface"},
	"autoscaling": {"ec2"},
}

// plan reads the trail and writes what is to be swept: what the trail shows and
// what the lab type allows, in waves.
func (s *Service) plan(ctx context.Context, a *fleet.Account, run *fleet.CleaningRun) error {
	touched, err := s.read(ctx, a, run)
	if errors.Is(err, trail.ErrLong) {
		run, err = s.whole(ctx, run)
	}
	if err != nil {
		return err
	}
	planned, err := s.planned(ctx, run, touched)
	if err != nil {
		return err
	}
	rec := s.recorder(run, "plan")
	for service, why := range planned.Because {
		rec.add(cleaner.Event{Action: "planned", Kind: service, Detail: why})
	}
	for _, source := range s.uncovered(touched) {
		rec.add(cleaner.Event{Action: "unplanned", Resource: source, Detail: "the trail shows it, and no kind of this build cleans it"})
	}
	if err := rec.flush(ctx); err != nil {
		return err
	}
	_, err = s.write(ctx, run, func(n *fleet.CleaningRun) {
		n.Full, n.Settled, n.Regions = planned.Full, planned.Settled, planned.Regions
		n.Plan, n.Because = planned.Plan, planned.Because
		n.Phase, n.Wave = fleet.PhaseSweep, -1
		s.nextWave(n)
		if len(n.Plan) == 0 { // nothing to sweep or to verify yet: late events decide
			s.verified(n)
		}
	})
	return err
}

// planned gives a copy of the run with Regions, Plan and Because as the trail
// demands. Where global services are recorded, somebody may have used a regional
// one: then the Region belongs to the run.
func (s *Service) planned(ctx context.Context, run *fleet.CleaningRun, touched trail.Touched) (*fleet.CleaningRun, error) {
	lt, _, err := s.labType(ctx, run.LabType, run.LabTypeRevision)
	if err != nil {
		return nil, fmt.Errorf("plan cleaning run %s: %w", run.ID, err)
	}
	n := run.Clone()
	for source, letThrough := range touched[fleet.GlobalRegion] {
		regional := func(name string) bool { k, _ := s.Registry.Get(name); return !k.Global }
		if letThrough && slices.ContainsFunc(s.Registry.BySource(source), regional) {
			n.Regions = withGlobal(n.Regions)
		}
	}
	n.Plan, n.Because = s.waves(n, lt, touched.Sources())
	return n, nil
}

// whole gives a copy of the run that is a full sweep, which needs no trail.
func (s *Service) whole(ctx context.Context, run *fleet.CleaningRun) (*fleet.CleaningRun, error) {
	everywhere, err := s.LabTypes.Regions(ctx)
	if err != nil {
		return nil, fmt.Errorf("plan cleaning run %s: %w", run.ID, err)
	}
	n := run.Clone()
	n.Full, n.Settled, n.Regions = true, true, everywhere
	return n, nil
}

// uncovered gives the event sources that no kind cleans after, and of which some
// call was let through.
func (s *Service) uncovered(touched trail.Touched) []string {
	var out []string
	for _, sources := range touched {
		for source, letThrough := range sources {
			if letThrough && len(s.Registry.BySource(source)) == 0 && !slices.Contains(out, source) {
				out = append(out, source)
			}
		}
	}
	slices.Sort(out)
	return out
}

// read gives what the trail shows since the account was last clean; a full run
// trusts no trail.
func (s *Service) read(ctx context.Context, a *fleet.Account, run *fleet.CleaningRun) (trail.Touched, error) {
	if run.Full {
		return nil, nil
	}
	sess, err := s.AWS.Reader(ctx, target(a))
	if err != nil {
		return nil, fmt.Errorf("session to read the trail of %s: %w", a.ID, err)
	}
	touched, err := trail.Read(ctx, sess.Config, withGlobal(run.Regions), a.RestedSince, s.Orgs[a.Org].MemberRole)
	if err != nil {
		return nil, fmt.Errorf("trail of %s: %w", a.ID, err)
	}
	return touched, nil
}

// why says why a kind belongs to the run: by the lab type, by what that implies,
// by the trail, or because everything does; "" if it does not.
func why(run *fleet.CleaningRun, lt fleet.LabType, k cleaner.Kind, sources map[string]bool) string {
	if run.Full {
		return "full sweep"
	}
	for _, allowed := range lt.Services {
		if allowed == k.Service() {
			return "the lab type allows it"
		}
		if slices.Contains(implied[allowed], k.Service()) || slices.Contains(implied[allowed], k.Name) {
			return "what " + allowed + " makes by itself"
		}
	}
	for _, source := range append([]string{k.Source}, k.Also...) {
		if _, shown := sources[source]; shown {
			return "the trail shows " + strings.TrimSuffix(source, ".amazonaws.com")
		}
	}
	return ""
}

// waves groups the wanted kinds by wave and service.
func (s *Service) waves(run *fleet.CleaningRun, lt fleet.LabType, sources map[string]bool) ([]fleet.PlannedWave, map[string]string) {
	because := map[string]string{}
	wanted := s.Registry.Only(func(k cleaner.Kind) bool { return why(run, lt, k, sources) != "" })
	out := make([]fleet.PlannedWave, 0, len(wanted))
	for _, kinds := range wanted {
		var wave fleet.PlannedWave
		for _, k := range kinds {
			because[k.Service()] = why(run, lt, k, sources)
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

// news gives the services of kinds that later is planned for and the run is not:
// a service may have been planned with some of its kinds only, or in fewer Regions.
func news(run, later *fleet.CleaningRun) []string {
	if len(later.Regions) > len(run.Regions) {
		return slices.Sorted(maps.Keys(later.Because))
	}
	known := map[string]bool{}
	for _, wave := range run.Plan {
		for _, s := range wave.Services {
			for _, k := range s.Kinds {
				known[k] = true
			}
		}
	}
	var out []string
	for _, wave := range later.Plan {
		for _, s := range wave.Services {
			if slices.ContainsFunc(s.Kinds, func(k string) bool { return !known[k] }) && !slices.Contains(out, s.Service) {
				out = append(out, s.Service)
			}
		}
	}
	slices.Sort(out)
	return out
}
