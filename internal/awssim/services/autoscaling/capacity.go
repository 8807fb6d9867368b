package autoscaling

import (
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

func (s *Service) capacityOps() []core.Op {
	onMember := func(c *call, in *memberIn) core.Permission {
		if g, _ := c.member(in.InstanceId); g != nil {
			return c.on(g.AutoScalingGroupName)
		}
		return core.Permission{}
	}
	onMembers := func(c *call, in *membersIn) core.Permission { return c.on(in.AutoScalingGroupName) }
	return []core.Op{
		op(s, "SetDesiredCapacity", setDesired, func(c *call, in *desiredIn) core.Permission { return c.on(in.AutoScalingGroupName) }),
		op(s, "TerminateInstanceInAutoScalingGroup", terminateMember, onMember),
		op(s, "SetInstanceHealth", setHealth, onMember),
		op(s, "SetInstanceProtection", setProtection, onMembers),
		op(s, "AttachInstances", attach, onMembers),
		op(s, "DetachInstances", detach, onMembers),
		op(s, "DescribeAutoScalingInstances", describeMembers, nil, core.ReadOnly),
	}
}

type desiredIn struct {
	AutoScalingGroupName string
	DesiredCapacity      int
	HonorCooldown        bool
}

func setDesired(c *call, in *desiredIn) (*core.None, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	if in.DesiredCapacity < g.MinSize {
		return nil, invalid("New SetDesiredCapacity value %d is below min value %d for the AutoScalingGroup.", in.DesiredCapacity, g.MinSize)
	}
	if in.DesiredCapacity > g.MaxSize {
		return nil, invalid("New SetDesiredCapacity value %d is above max value %d for the AutoScalingGroup.", in.DesiredCapacity, g.MaxSize)
	}
	g.DesiredCapacity, g.retry = in.DesiredCapacity, c.Now
	return nil, nil
}

// member finds an instance in any group.
func (st *state) member(id string) (*Group, *Member) {
	for _, n := range names(st.groups) {
		for _, m := range st.groups[n].Instances.Members {
			if m.InstanceId == id {
				return st.groups[n], m
			}
		}
	}
	return nil, nil
}

type memberIn struct {
	InstanceId                     string
	HealthStatus                   string
	ShouldDecrementDesiredCapacity bool
}

type activityOut struct{ Activity *Activity }

func terminateMember(c *call, in *memberIn) (*activityOut, error) {
	g, m := c.member(in.InstanceId)
	if m == nil {
		return nil, invalid("Instance Id not found - No managed instance found for instance ID: %s", in.InstanceId)
	}
	if in.ShouldDecrementDesiredCapacity {
		if g.DesiredCapacity <= g.MinSize {
			return nil, invalid("Currently, desiredSize equals minSize (%d). Terminating instance without replacement will violate group's min size constraint.", g.MinSize)
		}
		g.DesiredCapacity--
	}
	if m.LifecycleState != "Terminating" {
		c.s.drop(c.state, g, m, c.Now, "instance "+m.InstanceId+" was taken out of service in response to a user request.")
	}
	return &activityOut{m.activity}, nil
}

func setHealth(c *call, in *memberIn) (*core.None, error) {
	_, m := c.member(in.InstanceId)
	if m == nil {
		return nil, invalid("No managed instance found for instance ID %s", in.InstanceId)
	}
	if in.HealthStatus != "Healthy" && in.HealthStatus != "Unhealthy" {
		return nil, invalid("HealthStatus %q: give Healthy or Unhealthy", in.HealthStatus)
	}
	m.HealthStatus = in.HealthStatus
	return nil, nil
}

type membersIn struct {
	AutoScalingGroupName           string
	InstanceIds                    []string
	ProtectedFromScaleIn           bool
	ShouldDecrementDesiredCapacity bool
}

func (c *call) members(in *membersIn) (*Group, []*Member, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, nil, err
	}
	var out []*Member
	for _, id := range in.InstanceIds {
		own, m := c.member(id)
		if own != g {
			return nil, nil, invalid("The instance %s is not part of Auto Scaling group %s.", id, g.AutoScalingGroupName)
		}
		out = append(out, m)
	}
	return g, out, nil
}

func setProtection(c *call, in *membersIn) (*core.None, error) {
	_, list, err := c.members(in)
	for _, m := range list {
		m.ProtectedFromScaleIn = in.ProtectedFromScaleIn
	}
	return nil, err
}

// attach raises the desired capacity by the instances that join.
func attach(c *call, in *membersIn) (*core.None, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	var add []*Member
	for _, id := range in.InstanceIds {
		i, ok := c.s.ec2.Instance(c.account, c.region, c.Now, id)
		if !ok || i.State != "running" {
			return nil, invalid("Invalid Instance ID %s: it must be running", id)
		}
		if own, _ := c.member(id); own != nil {
			return nil, invalid("Instance %s is already part of AutoScalingGroup:%s", id, own.AutoScalingGroupName)
		}
		add = append(add, &Member{InstanceId: id, InstanceType: i.Type, AvailabilityZone: i.Zone, LifecycleState: "InService", HealthStatus: "Healthy"})
	}
	if g.DesiredCapacity+len(add) > g.MaxSize {
		return nil, invalid("AutoScalingGroup %s: attaching would exceed its max size %d", g.AutoScalingGroupName, g.MaxSize)
	}
	g.DesiredCapacity += len(add)
	g.Instances.Members = append(g.Instances.Members, add...)
	for _, m := range add {
		c.s.ec2.SetTag(c.account, c.region, c.Now, m.InstanceId, "aws:autoscaling:groupName", g.AutoScalingGroupName)
	}
	return nil, nil
}

type detachOut struct{ Activities List[*Activity] }

func detach(c *call, in *membersIn) (*detachOut, error) {
	g, list, err := c.members(in)
	if err != nil {
		return nil, err
	}
	if in.ShouldDecrementDesiredCapacity {
		if g.DesiredCapacity-len(list) < g.MinSize {
			return nil, invalid("AutoScalingGroup %s has min size %d: detaching would go below it", g.AutoScalingGroupName, g.MinSize)
		}
		g.DesiredCapacity -= len(list)
	}
	out := &detachOut{}
	for _, m := range list {
		a := c.begin(c.World, g, c.Now, "Detaching EC2 instance: "+m.InstanceId, "instance "+m.InstanceId+" was detached in response to a user request.")
		a.StatusCode, a.Progress, a.EndTime = "Successful", 100, core.Ptr(c.Now)
		out.Activities.Members = append(out.Activities.Members, a)
	}
	g.Instances.Members = slices.DeleteFunc(g.Instances.Members, func(m *Member) bool { return slices.Contains(list, m) })
	return out, nil
}

type describeMembersIn struct {
	Paged
	InstanceIds []string
}

// MemberDetails is a member with the name of its group.
type MemberDetails struct {
	AutoScalingGroupName string
	Member
}

type describeMembersOut struct {
	AutoScalingInstances List[MemberDetails]
	NextToken            string `xml:",omitempty"`
}

func describeMembers(c *call, in *describeMembersIn) (*describeMembersOut, error) {
	var found []MemberDetails
	for _, n := range names(c.groups) {
		for _, m := range c.groups[n].Instances.Members {
			if len(in.InstanceIds) == 0 || slices.Contains(in.InstanceIds, m.InstanceId) {
				found = append(found, MemberDetails{n, *m})
			}
		}
	}
	slices.SortFunc(found, func(a, b MemberDetails) int { return compare(a.InstanceId, b.InstanceId) })
	list, next, err := page(in.Paged, found, func(m MemberDetails) string { return m.InstanceId })
	return &describeMembersOut{List[MemberDetails]{list}, next}, err
}
