package autoscaling

import (
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/ec2"
)

// Group is an Auto Scaling group.
type Group struct {
	AutoScalingGroupName             string
	AutoScalingGroupARN              string
	LaunchConfigurationName          string                `xml:",omitempty"`
	LaunchTemplate                   *TemplateSpec         `xml:",omitempty"`
	MixedInstancesPolicy             *MixedInstancesPolicy `xml:",omitempty"`
	MinSize                          int
	MaxSize                          int
	DesiredCapacity                  int
	DefaultCooldown                  int
	AvailabilityZones                List[string]
	LoadBalancerNames                List[string]
	TargetGroupARNs                  List[string]
	HealthCheckType                  string
	HealthCheckGracePeriod           int
	Instances                        List[*Member]
	CreatedTime                      core.Time
	SuspendedProcesses               List[SuspendedProcess]
	VPCZoneIdentifier                string
	EnabledMetrics                   List[string]
	Status                           string `xml:",omitempty"`
	Tags                             List[Tag]
	TerminationPolicies              List[string]
	NewInstancesProtectedFromScaleIn bool
	ServiceLinkedRoleARN             string `xml:",omitempty"`
	CapacityRebalance                bool
	MaxInstanceLifetime              int    `xml:",omitempty"`
	PlacementGroup                   string `xml:",omitempty"`
	DeletionProtection               string `xml:",omitempty"`

	deleting  bool
	retry     time.Time // no launch before: after one that failed
	lastError string
	policies  map[string]*Policy
	schedules map[string]*Schedule
	hooks     map[string]*Hook
}

// Member is an instance of a group.
type Member struct {
	InstanceId              string
	InstanceType            string
	AvailabilityZone        string
	LifecycleState          string
	HealthStatus            string
	LaunchConfigurationName string        `xml:",omitempty"`
	LaunchTemplate          *TemplateSpec `xml:",omitempty"`
	ProtectedFromScaleIn    bool

	activity *Activity // the launch under way
	subnet   string
}

// TemplateSpec names a launch template and version.
type TemplateSpec struct {
	LaunchTemplateId   string `xml:",omitempty"`
	LaunchTemplateName string `xml:",omitempty"`
	Version            string `xml:",omitempty"`
}

// MixedInstancesPolicy names a template and types that may stand in; the first
// type is launched.
type MixedInstancesPolicy struct {
	LaunchTemplate struct {
		LaunchTemplateSpecification TemplateSpec
		Overrides                   []Override `xml:"Overrides>member"`
	}
	InstancesDistribution *struct {
		OnDemandBaseCapacity                int    `xml:",omitempty"`
		OnDemandPercentageAboveBaseCapacity *int   `xml:",omitempty"`
		OnDemandAllocationStrategy          string `xml:",omitempty"`
		SpotAllocationStrategy              string `xml:",omitempty"`
	} `xml:",omitempty"`
}

// Override is a type that may be launched instead.
type Override struct {
	InstanceType     string `xml:",omitempty"`
	WeightedCapacity string `xml:",omitempty"`
}

// SuspendedProcess is one that the group does not do for now.
type SuspendedProcess struct {
	ProcessName      string
	SuspensionReason string
}

func (g *Group) suspended(process string) bool {
	for _, p := range g.SuspendedProcesses.Members {
		if p.ProcessName == process {
			return true
		}
	}
	return false
}

func (g *Group) subnets() []string {
	if g.VPCZoneIdentifier == "" {
		return nil
	}
	var out []string
	for _, s := range strings.Split(g.VPCZoneIdentifier, ",") {
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

// template gives the launch template that the group uses, or nil.
func (g *Group) template() *TemplateSpec {
	if g.MixedInstancesPolicy != nil {
		return &g.MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification
	}
	return g.LaunchTemplate
}

// launch says what EC2 has to start for one instance in a subnet or zone.
func (st *state) launch(g *Group, subnet, zone string) (ec2.Launch, error) {
	l := ec2.Launch{SubnetID: subnet, Zone: zone, Count: 1, By: principal, Tags: map[string]string{"aws:autoscaling:groupName": g.AutoScalingGroupName}}
	for _, t := range g.Tags.Members {
		if t.PropagateAtLaunch {
			l.Tags[t.Key] = t.Value
		}
	}
	if t := g.template(); t != nil {
		l.Template = &ec2.TemplateRef{LaunchTemplateId: t.LaunchTemplateId, LaunchTemplateName: t.LaunchTemplateName, Version: t.Version}
		if t.LaunchTemplateId != "" {
			l.Template.LaunchTemplateName = ""
		}
		if m := g.MixedInstancesPolicy; m != nil && len(m.LaunchTemplate.Overrides) > 0 {
			l.Spec.InstanceType = m.LaunchTemplate.Overrides[0].InstanceType
		}
		return l, nil
	}
	c, ok := st.configs[g.LaunchConfigurationName]
	if !ok {
		return l, invalid("Launch configuration name not found - %s", g.LaunchConfigurationName)
	}
	l.Spec = c.spec()
	return l, nil
}

// place gives the subnet or zone with the fewest members.
func (g *Group) place() (subnet, zone string) {
	places, count := g.subnets(), map[string]int{}
	bySubnet := len(places) > 0
	if !bySubnet {
		places = g.AvailabilityZones.Members
	}
	for _, m := range g.Instances.Members {
		if bySubnet {
			count[m.subnet]++
		} else {
			count[m.AvailabilityZone]++
		}
	}
	best := ""
	for _, p := range places {
		if best == "" || count[p] < count[best] {
			best = p
		}
	}
	if bySubnet {
		return best, ""
	}
	return "", best
}
