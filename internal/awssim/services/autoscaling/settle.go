package autoscaling

import (
	"fmt"
	"slices"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// pause is how long a group waits after a launch that failed.
const pause = time.Minute

// Settle brings every group of an account and Region towards what it should be.
func (s *Service) Settle(account, region string, now time.Time) {
	st := s.shelf.Peek(account, region)
	if st == nil {
		return
	}
	for _, n := range names(st.groups) {
		s.settleGroup(st, st.groups[n], now)
	}
}

func (s *Service) settleGroup(st *state, g *Group, now time.Time) {
	s.runSchedules(g, now)
	s.look(st, g, now)
	if g.deleting {
		s.end(st, g, now)
		return
	}
	if missing := g.DesiredCapacity - g.active(); missing > 0 && !g.suspended("Launch") && !now.Before(g.retry) {
		s.grow(st, g, missing, now)
	} else if missing < 0 && !g.suspended("Terminate") {
		s.shrink(st, g, -missing, now)
	}
}

// active counts the members that count as capacity.
func (g *Group) active() int {
	n := 0
	for _, m := range g.Instances.Members {
		if m.LifecycleState != "Terminating" {
			n++
		}
	}
	return n
}

// look takes over what became of the instances in EC2.
func (s *Service) look(st *state, g *Group, now time.Time) {
	g.Instances.Members = slices.DeleteFunc(g.Instances.Members, func(m *Member) bool {
		i, ok := s.ec2.Instance(st.account, st.region, now, m.InstanceId)
		switch {
		case !ok || i.State == "terminated":
			m.finish(now)
			return true
		case i.State == "running" && m.LifecycleState == "Pending":
			m.LifecycleState = "InService"
			m.finish(now)
		case m.LifecycleState == "InService" && i.State != "running" || m.HealthStatus == "Unhealthy" && m.LifecycleState != "Terminating":
			s.replace(st, g, m, now)
		}
		return false
	})
}

// replace gives up an instance that somebody stopped or terminated, or that is
// marked unhealthy.
func (s *Service) replace(st *state, g *Group, m *Member, now time.Time) {
	if g.suspended("HealthCheck") && m.HealthStatus != "Unhealthy" {
		return
	}
	m.HealthStatus = "Unhealthy"
	if g.suspended("ReplaceUnhealthy") || g.suspended("Terminate") {
		return
	}
	s.drop(st, g, m, now, "an instance was taken out of service in response to an EC2 health check.")
}

// drop terminates a member.
func (s *Service) drop(st *state, g *Group, m *Member, now time.Time, cause string) {
	m.LifecycleState = "Terminating"
	m.activity = st.begin(s.w, g, now, "Terminating EC2 instance: "+m.InstanceId, cause)
	s.ec2.Terminate(st.account, st.region, now, principal, m.InstanceId)
}

func (m *Member) finish(now time.Time) {
	if m.activity != nil && m.activity.StatusCode == "InProgress" {
		m.activity.StatusCode, m.activity.Progress, m.activity.EndTime = "Successful", 100, core.Ptr(now)
	}
}

// grow launches what is missing; a failure is told in an activity and tried
// again later.
func (s *Service) grow(st *state, g *Group, n int, now time.Time) {
	for range n {
		cause := fmt.Sprintf("an instance was started in response to a difference between desired and actual capacity, increasing the capacity from %d to %d.", g.active(), g.DesiredCapacity)
		m, err := s.startOne(st, g, now, cause)
		if err == nil {
			g.Instances.Members = append(g.Instances.Members, m)
			continue
		}
		g.retry = now.Add(pause)
		if err.Error() == g.lastError {
			return
		}
		g.lastError = err.Error()
		a := st.begin(s.w, g, now, "Launching a new EC2 instance", cause)
		a.StatusCode, a.Progress, a.StatusMessage, a.EndTime = "Failed", 100, message(err)+". Launching EC2 instance failed.", core.Ptr(now)
		return
	}
	g.lastError = ""
}

func (s *Service) startOne(st *state, g *Group, now time.Time, cause string) (*Member, error) {
	subnet, zone := g.place()
	l, err := st.launch(g, subnet, zone)
	if err != nil {
		return nil, err
	}
	started, err := s.ec2.Launch(st.account, st.region, now, l)
	if err != nil {
		return nil, err
	}
	i := started[0]
	m := &Member{
		InstanceId: i.ID, InstanceType: i.Type, AvailabilityZone: i.Zone, LifecycleState: "Pending", HealthStatus: "Healthy",
		LaunchConfigurationName: g.LaunchConfigurationName, ProtectedFromScaleIn: g.NewInstancesProtectedFromScaleIn, subnet: subnet,
	}
	if l.Template != nil {
		id, name, version, err := s.ec2.TemplateNames(st.account, st.region, now, *l.Template)
		if err != nil {
			return nil, err
		}
		m.LaunchTemplate = &TemplateSpec{id, name, fmt.Sprint(version)}
	}
	m.activity = st.begin(s.w, g, now, "Launching a new EC2 instance: "+i.ID, cause)
	return m, nil
}

// shrink terminates the oldest members that are not protected from scale-in.
func (s *Service) shrink(st *state, g *Group, n int, now time.Time) {
	for _, m := range g.Instances.Members {
		if n == 0 {
			return
		}
		if m.LifecycleState == "Terminating" || m.ProtectedFromScaleIn {
			continue
		}
		n--
		s.drop(st, g, m, now, fmt.Sprintf("an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity to %d.", g.DesiredCapacity))
	}
}

// end finishes a deletion: terminate all, and go once they are gone.
func (s *Service) end(st *state, g *Group, now time.Time) {
	for _, m := range g.Instances.Members {
		if m.LifecycleState != "Terminating" {
			s.drop(st, g, m, now, "a user request force-deleted the group.")
		}
	}
	if len(g.Instances.Members) == 0 {
		delete(st.groups, g.AutoScalingGroupName)
	}
}
