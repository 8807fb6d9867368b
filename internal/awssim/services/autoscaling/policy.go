package autoscaling

import (
	"github.com/kodekloud/kml/internal/awssim/core"
)

// Policy is a scaling policy. Nothing triggers one here but ExecutePolicy: the
// simulation has no load.
type Policy struct {
	AutoScalingGroupName string
	PolicyName           string
	PolicyARN            string `q:"-"`
	PolicyType           string
	AdjustmentType       string `xml:",omitempty"`
	ScalingAdjustment    int    `xml:",omitempty"`
	Cooldown             int    `xml:",omitempty"`
	Enabled              *bool

	TargetTrackingConfiguration *TargetTracking `xml:",omitempty"`
}

// TargetTracking keeps a metric at a value.
type TargetTracking struct {
	PredefinedMetricSpecification *struct {
		PredefinedMetricType string
		ResourceLabel        string `xml:",omitempty"`
	} `xml:",omitempty"`
	TargetValue    float64
	DisableScaleIn bool
}

// Hook is a lifecycle hook; instances do not wait for it here.
type Hook struct {
	AutoScalingGroupName  string
	LifecycleHookName     string
	LifecycleTransition   string
	DefaultResult         string
	HeartbeatTimeout      int
	NotificationTargetARN string `xml:",omitempty"`
	RoleARN               string `xml:",omitempty"`
}

func (s *Service) policyOps() []core.Op {
	return []core.Op{
		op(s, "PutScalingPolicy", putPolicy, func(c *call, in *Policy) core.Permission { return c.on(in.AutoScalingGroupName) }),
		op(s, "DescribePolicies", describePolicies, nil, core.ReadOnly),
		op(s, "ExecutePolicy", executePolicy, func(c *call, in *policyIn) core.Permission { return c.on(in.AutoScalingGroupName) }),
		op(s, "DeletePolicy", deletePolicy, func(c *call, in *policyIn) core.Permission { return c.on(in.AutoScalingGroupName) }),
		op(s, "PutLifecycleHook", putHook, func(c *call, in *Hook) core.Permission { return c.on(in.AutoScalingGroupName) }),
		op(s, "DescribeLifecycleHooks", describeHooks, nil, core.ReadOnly),
		op(s, "DeleteLifecycleHook", deleteHook, func(c *call, in *hookIn) core.Permission { return c.on(in.AutoScalingGroupName) }),
	}
}

type putPolicyOut struct {
	PolicyARN string
	Alarms    List[string]
}

func putPolicy(c *call, in *Policy) (*putPolicyOut, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	if in.PolicyName == "" {
		return nil, invalid("PolicyName is required")
	}
	p := *in
	if p.PolicyType == "" {
		p.PolicyType = "SimpleScaling"
	}
	if p.Enabled == nil {
		yes := true
		p.Enabled = &yes
	}
	p.PolicyARN = "arn:aws:autoscaling:" + c.region + ":" + c.account + ":scalingPolicy:" + c.World.UUID() +
		":autoScalingGroupName/" + g.AutoScalingGroupName + ":policyName/" + p.PolicyName
	if old, ok := g.policies[p.PolicyName]; ok {
		p.PolicyARN = old.PolicyARN
	}
	g.policies[p.PolicyName] = &p
	return &putPolicyOut{PolicyARN: p.PolicyARN}, nil
}

type describePoliciesIn struct {
	Paged
	AutoScalingGroupName string
	PolicyNames          []string
}

type describePoliciesOut struct {
	ScalingPolicies List[*Policy]
	NextToken       string `xml:",omitempty"`
}

func describePolicies(c *call, in *describePoliciesIn) (*describePoliciesOut, error) {
	var found []*Policy
	for _, n := range names(c.groups) {
		for _, p := range names(c.groups[n].policies) {
			if (in.AutoScalingGroupName == "" || in.AutoScalingGroupName == n) && wanted(in.PolicyNames, p, c.groups[n].policies[p].PolicyARN) {
				found = append(found, c.groups[n].policies[p])
			}
		}
	}
	list, next, err := page(in.Paged, found, func(p *Policy) string { return p.AutoScalingGroupName + "/" + p.PolicyName })
	return &describePoliciesOut{List[*Policy]{list}, next}, err
}

func wanted(list []string, have ...string) bool {
	for _, w := range list {
		for _, h := range have {
			if w == h {
				return true
			}
		}
	}
	return len(list) == 0
}

type policyIn struct {
	AutoScalingGroupName string
	PolicyName           string
}

func (c *call) policy(in *policyIn) (*Group, *Policy, error) {
	for _, n := range names(c.groups) {
		for _, p := range c.groups[n].policies {
			if (in.AutoScalingGroupName == "" || in.AutoScalingGroupName == n) && (p.PolicyName == in.PolicyName || p.PolicyARN == in.PolicyName) {
				return c.groups[n], p, nil
			}
		}
	}
	return nil, nil, invalid("PolicyARN or PolicyName not found: %s", in.PolicyName)
}

func executePolicy(c *call, in *policyIn) (*core.None, error) {
	g, p, err := c.policy(in)
	if err != nil {
		return nil, err
	}
	n := p.ScalingAdjustment
	switch p.AdjustmentType {
	case "ChangeInCapacity":
		n += g.DesiredCapacity
	case "PercentChangeInCapacity":
		n = g.DesiredCapacity + g.DesiredCapacity*n/100
	case "ExactCapacity":
	default:
		return nil, invalid("Policy %s of type %s cannot be executed", p.PolicyName, p.PolicyType)
	}
	g.DesiredCapacity = min(max(n, g.MinSize), g.MaxSize)
	return nil, nil
}

func deletePolicy(c *call, in *policyIn) (*core.None, error) {
	g, p, err := c.policy(in)
	if err != nil {
		return nil, err
	}
	delete(g.policies, p.PolicyName)
	return nil, nil
}

func putHook(c *call, in *Hook) (*core.None, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	if in.LifecycleHookName == "" || in.LifecycleTransition == "" {
		return nil, invalid("LifecycleHookName and LifecycleTransition are required")
	}
	h := *in
	if h.DefaultResult == "" {
		h.DefaultResult = "ABANDON"
	}
	if h.HeartbeatTimeout == 0 {
		h.HeartbeatTimeout = 3600
	}
	g.hooks[h.LifecycleHookName] = &h
	return nil, nil
}

type hookIn struct {
	AutoScalingGroupName string
	LifecycleHookName    string
	LifecycleHookNames   []string
}

type describeHooksOut struct{ LifecycleHooks List[*Hook] }

func describeHooks(c *call, in *hookIn) (*describeHooksOut, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	out := &describeHooksOut{}
	for _, n := range names(g.hooks) {
		if wanted(in.LifecycleHookNames, n) {
			out.LifecycleHooks.Members = append(out.LifecycleHooks.Members, g.hooks[n])
		}
	}
	return out, nil
}

func deleteHook(c *call, in *hookIn) (*core.None, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	if g.hooks[in.LifecycleHookName] == nil {
		return nil, invalid("No Lifecycle Hook found with name %s", in.LifecycleHookName)
	}
	delete(g.hooks, in.LifecycleHookName)
	return nil, nil
}
