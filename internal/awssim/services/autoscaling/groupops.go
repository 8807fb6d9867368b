package autoscaling

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/ec2"
)

func (s *Service) groupOps() []core.Op {
	return []core.Op{
		op(s, "CreateAutoScalingGroup", createGroup, onNewGroup),
		op(s, "UpdateAutoScalingGroup", updateGroup, onNewGroup),
		op(s, "DescribeAutoScalingGroups", describeGroups, nil, core.ReadOnly),
		op(s, "DeleteAutoScalingGroup", deleteGroup, onGroup),
		op(s, "SuspendProcesses", suspend, onGroup),
		op(s, "ResumeProcesses", resume, onGroup),
		op(s, "DescribeScalingProcessTypes", processTypes, nil, core.ReadOnly),
	}
}

// groupIn is a request to make or change a group; nil means: leave as it is.
type groupIn struct {
	AutoScalingGroupName             string
	LaunchConfigurationName          *string
	LaunchTemplate                   *TemplateSpec
	MixedInstancesPolicy             *MixedInstancesPolicy
	MinSize                          *int
	MaxSize                          *int
	DesiredCapacity                  *int
	DefaultCooldown                  *int
	AvailabilityZones                []string
	LoadBalancerNames                []string
	TargetGroupARNs                  []string
	HealthCheckType                  *string
	HealthCheckGracePeriod           *int
	PlacementGroup                   *string
	VPCZoneIdentifier                *string
	TerminationPolicies              []string
	NewInstancesProtectedFromScaleIn *bool
	CapacityRebalance                *bool
	MaxInstanceLifetime              *int
	ServiceLinkedRoleARN             *string
	DeletionProtection               *string
	Tags                             []Tag
}

func (st *state) groupARN(name string) string {
	return "arn:aws:autoscaling:" + st.region + ":" + st.account + ":autoScalingGroup:*:autoScalingGroupName/" + name
}

// on is the permission to act on a group, with its tags.
func (c *call) on(name string) core.Permission {
	have := map[string]string{}
	arn := c.groupARN(name)
	if g, ok := c.groups[name]; ok {
		arn = g.AutoScalingGroupARN
		for _, t := range g.Tags.Members {
			have[t.Key] = t.Value
		}
	}
	return core.Permission{Resource: arn, Context: core.TagKeys(nil, have)}
}

func onNewGroup(c *call, in *groupIn) core.Permission {
	p := c.on(in.AutoScalingGroupName)
	asked := map[string]string{}
	for _, t := range in.Tags {
		asked[t.Key] = t.Value
	}
	for k, v := range core.TagKeys(asked, nil) {
		p.Context[k] = v
	}
	// LaunchTemplateVersionSpecified tells a pinned version from $Latest and $Default.
	if in.LaunchTemplate != nil {
		_, err := strconv.Atoi(in.LaunchTemplate.Version)
		p.Context["autoscaling:LaunchTemplateVersionSpecified"] = []string{strconv.FormatBool(err == nil)}
	}
	if in.MaxSize != nil {
		p.Context["autoscaling:MaxSize"] = []string{strconv.Itoa(*in.MaxSize)}
	}
	if in.MinSize != nil {
		p.Context["autoscaling:MinSize"] = []string{strconv.Itoa(*in.MinSize)}
	}
	return p
}

func set[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

// apply puts the request into the group.
func (in *groupIn) apply(g *Group) {
	set(&g.LaunchConfigurationName, in.LaunchConfigurationName)
	switch {
	case in.LaunchTemplate != nil:
		g.LaunchTemplate, g.MixedInstancesPolicy, g.LaunchConfigurationName = in.LaunchTemplate, nil, ""
	case in.MixedInstancesPolicy != nil:
		g.LaunchTemplate, g.MixedInstancesPolicy, g.LaunchConfigurationName = nil, in.MixedInstancesPolicy, ""
	case in.LaunchConfigurationName != nil:
		g.LaunchTemplate, g.MixedInstancesPolicy = nil, nil
	}
	set(&g.MinSize, in.MinSize)
	set(&g.MaxSize, in.MaxSize)
	set(&g.DesiredCapacity, in.DesiredCapacity)
	set(&g.DefaultCooldown, in.DefaultCooldown)
	set(&g.HealthCheckType, in.HealthCheckType)
	set(&g.HealthCheckGracePeriod, in.HealthCheckGracePeriod)
	set(&g.PlacementGroup, in.PlacementGroup)
	set(&g.VPCZoneIdentifier, in.VPCZoneIdentifier)
	set(&g.NewInstancesProtectedFromScaleIn, in.NewInstancesProtectedFromScaleIn)
	set(&g.CapacityRebalance, in.CapacityRebalance)
	set(&g.MaxInstanceLifetime, in.MaxInstanceLifetime)
	set(&g.DeletionProtection, in.DeletionProtection)
	if len(in.AvailabilityZones) > 0 {
		g.AvailabilityZones.Members = in.AvailabilityZones
	}
	if len(in.TerminationPolicies) > 0 {
		g.TerminationPolicies.Members = in.TerminationPolicies
	}
}

// check makes sure that the group can launch, and resolves its zones and
// template. It asks for the caller's right to run the instances, which AWS does
// when a group is made or changed and never again.
func (c *call) check(g *Group) error {
	if g.MinSize < 0 || g.MaxSize < g.MinSize {
		return invalid("Max bound, %d, must be greater than or equal to min bound, %d", g.MaxSize, g.MinSize)
	}
	if g.DesiredCapacity < g.MinSize || g.DesiredCapacity > g.MaxSize {
		return invalid("Desired capacity:%d must be between the specified min size:%d and max size:%d", g.DesiredCapacity, g.MinSize, g.MaxSize)
	}
	if err := c.resolve(g); err != nil {
		return err
	}
	subnet, zone := g.place()
	l, err := c.launch(g, subnet, zone)
	if err != nil {
		return err
	}
	if err := c.s.ec2.Check(c.account, c.region, c.Now, l); err != nil {
		return refusal(err)
	}
	if g.template() == nil {
		return nil
	}
	for _, p := range c.s.ec2.Needed(c.Call, l) {
		if e := c.Authorize(p); e != nil {
			return core.Errorf(403, "AccessDenied", "You are not authorized to use launch template: %s (%s)", g.template().LaunchTemplateId, e.Message)
		}
	}
	return nil
}

// refusal turns EC2's error into Auto Scaling's.
func refusal(err error) error { return invalid("%s", message(err)) }

// message is an error's text without the code.
func message(err error) string {
	var e *core.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

func (c *call) resolve(g *Group) error {
	if subnets := g.subnets(); len(subnets) > 0 {
		g.AvailabilityZones.Members = nil
		for _, id := range subnets {
			z, err := c.s.ec2.SubnetZone(c.account, c.region, c.Now, id)
			if err != nil {
				return refusal(err)
			}
			if !slices.Contains(g.AvailabilityZones.Members, z) {
				g.AvailabilityZones.Members = append(g.AvailabilityZones.Members, z)
			}
		}
	}
	if len(g.AvailabilityZones.Members) == 0 {
		return invalid("At least one Availability Zone or VPC Subnet is required.")
	}
	t := g.template()
	if t == nil {
		if g.LaunchConfigurationName == "" {
			return invalid("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.")
		}
		return nil
	}
	if t.LaunchTemplateId != "" {
		t.LaunchTemplateName = ""
	}
	id, name, _, err := c.s.ec2.TemplateNames(c.account, c.region, c.Now, ec2.TemplateRef{LaunchTemplateId: t.LaunchTemplateId, LaunchTemplateName: t.LaunchTemplateName, Version: t.Version})
	if err != nil {
		return refusal(err)
	}
	t.LaunchTemplateId, t.LaunchTemplateName = id, name
	return nil
}

func createGroup(c *call, in *groupIn) (*core.None, error) {
	if in.AutoScalingGroupName == "" || in.MinSize == nil || in.MaxSize == nil {
		return nil, invalid("AutoScalingGroupName, MinSize and MaxSize are required")
	}
	if g, ok := c.groups[in.AutoScalingGroupName]; ok {
		pending := ""
		if g.deleting {
			pending = " and is pending delete"
		}
		return nil, core.Errorf(400, "AlreadyExists", "AutoScalingGroup by this name already exists - A group with the name %s already exists%s", g.AutoScalingGroupName, pending)
	}
	g := &Group{
		AutoScalingGroupName: in.AutoScalingGroupName, DefaultCooldown: 300, HealthCheckType: "EC2", CreatedTime: core.At(c.Now),
		TerminationPolicies: List[string]{[]string{"Default"}}, DeletionProtection: "none",
		LoadBalancerNames: List[string]{in.LoadBalancerNames}, TargetGroupARNs: List[string]{in.TargetGroupARNs},
		policies: map[string]*Policy{}, schedules: map[string]*Schedule{}, hooks: map[string]*Hook{},
	}
	g.DesiredCapacity = *in.MinSize
	in.apply(g)
	if err := c.check(g); err != nil {
		return nil, err
	}
	g.AutoScalingGroupARN = strings.Replace(c.groupARN(g.AutoScalingGroupName), ":*:", ":"+c.World.UUID()+":", 1)
	for _, t := range in.Tags {
		t.ResourceId, t.ResourceType = g.AutoScalingGroupName, "auto-scaling-group"
		g.Tags.Members = append(g.Tags.Members, t)
	}
	if c.s.roles != nil {
		g.ServiceLinkedRoleARN = c.s.roles.EnsureServiceLinkedRole(c.account, principal, c.Now)
	}
	set(&g.ServiceLinkedRoleARN, in.ServiceLinkedRoleARN)
	c.groups[g.AutoScalingGroupName] = g
	return nil, nil
}

// group finds a group that is not being deleted.
func (c *call) group(name string) (*Group, error) {
	g, ok := c.groups[name]
	if !ok {
		return nil, invalid("AutoScalingGroup name not found - AutoScalingGroup '%s' not found", name)
	}
	if g.deleting {
		return nil, core.Errorf(400, "ScalingActivityInProgress", "Group %s is pending delete", name)
	}
	return g, nil
}

func updateGroup(c *call, in *groupIn) (*core.None, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	n := *g
	in.apply(&n)
	if in.DesiredCapacity == nil { // the new bounds move it
		n.DesiredCapacity = min(max(n.DesiredCapacity, n.MinSize), n.MaxSize)
	}
	if err := c.check(&n); err != nil {
		return nil, err
	}
	n.retry = c.Now
	*g = n
	return nil, nil
}

type describeGroupsIn struct {
	Paged
	AutoScalingGroupNames []string
	Filters               []struct {
		Name   string
		Values []string
	}
}

type describeGroupsOut struct {
	AutoScalingGroups List[*Group]
	NextToken         string `xml:",omitempty"`
}

// describeGroups ignores unknown names, as AWS does.
func describeGroups(c *call, in *describeGroupsIn) (*describeGroupsOut, error) {
	var found []*Group
	for _, n := range names(c.groups) {
		g := c.groups[n]
		keep := len(in.AutoScalingGroupNames) == 0 || slices.Contains(in.AutoScalingGroupNames, n)
		for _, f := range in.Filters {
			keep = keep && g.hasTag(f.Name, f.Values)
		}
		if keep {
			found = append(found, g)
		}
	}
	list, next, err := page(in.Paged, found, func(g *Group) string { return g.AutoScalingGroupName })
	return &describeGroupsOut{List[*Group]{list}, next}, err
}

type groupNameIn struct {
	AutoScalingGroupName string
	ForceDelete          bool
	ScalingProcesses     []string
}

func onGroup(c *call, in *groupNameIn) core.Permission { return c.on(in.AutoScalingGroupName) }

// deleteGroup of a group with instances needs ForceDelete; they are terminated,
// and the group goes after the last one.
func deleteGroup(c *call, in *groupNameIn) (*core.None, error) {
	g, ok := c.groups[in.AutoScalingGroupName]
	if !ok {
		return nil, invalid("AutoScalingGroup name not found - AutoScalingGroup '%s' not found", in.AutoScalingGroupName)
	}
	if g.DeletionProtection == "prevent-all-deletion" || g.DeletionProtection == "prevent-force-deletion" && in.ForceDelete {
		return nil, invalid("The Auto Scaling group %s has deletion protection %s: change it first", g.AutoScalingGroupName, g.DeletionProtection)
	}
	if g.deleting {
		return nil, nil
	}
	if !in.ForceDelete {
		switch {
		case slices.ContainsFunc(g.Instances.Members, func(m *Member) bool { return m.LifecycleState == "Terminating" }):
			return nil, core.Errorf(400, "ScalingActivityInProgress", "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.")
		case len(g.Instances.Members) > 0:
			return nil, core.Errorf(400, "ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.")
		}
	}
	g.deleting, g.Status = true, "Delete in progress"
	g.DesiredCapacity, g.MinSize = 0, 0
	c.s.settleGroup(c.state, g, c.Now)
	return nil, nil
}

// processes are what a group does by itself.
var processes = []string{"Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions"}

func suspend(c *call, in *groupNameIn) (*core.None, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	list := in.ScalingProcesses
	if len(list) == 0 {
		list = processes
	}
	for _, p := range list {
		if !slices.Contains(processes, p) {
			return nil, invalid("Unknown process %s: give one of %s", p, strings.Join(processes, ", "))
		}
	}
	for _, p := range list {
		if !g.suspended(p) {
			g.SuspendedProcesses.Members = append(g.SuspendedProcesses.Members, SuspendedProcess{p, "User suspended at " + c.Now.Format("2006-01-02T15:04:05Z")})
		}
	}
	return nil, nil
}

func resume(c *call, in *groupNameIn) (*core.None, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	g.SuspendedProcesses.Members = slices.DeleteFunc(slices.Clone(g.SuspendedProcesses.Members), func(p SuspendedProcess) bool {
		return len(in.ScalingProcesses) == 0 || slices.Contains(in.ScalingProcesses, p.ProcessName)
	})
	return nil, nil
}

type processTypesOut struct {
	Processes List[processType]
}

type processType struct{ ProcessName string }

func processTypes(*call, *core.None) (*processTypesOut, error) {
	out := &processTypesOut{}
	for _, p := range processes {
		out.Processes.Members = append(out.Processes.Members, processType{p})
	}
	return out, nil
}
