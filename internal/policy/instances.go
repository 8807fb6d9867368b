package policy

import "slices"

// instanceLimits denies launching instances of other types than the lab's. It
// is part of the lab's policies, and of the boundary so that roles which the
// student makes are held to it.
//
// Rights for ec2:RunInstances are checked when an Auto Scaling group is made or
// changed, not when $Latest of its template changes, so groups must pin a
// version (EC2 Auto Scaling UG: ec2-auto-scaling-launch-template-permissions).
// Spot requests and fleets launch through roles of EC2's own, which no boundary
// binds, hence they are denied altogether.
func (in *Input) instanceLimits() []statement {
	if !slices.Contains(in.LabType.Services, "ec2") {
		return nil
	}
	around := list{"ec2:CreateFleet", "ec2:RequestSpot*", "ec2:RunScheduledInstances"}
	types := list(in.LabType.InstanceTypes)
	if len(types) == 0 {
		if Allows(in.LabType, "ec2:RunInstances") { // the statements say what may be launched
			return nil
		}
		return []statement{deny("NoInstances", append(around, "ec2:RunInstances"), everything, nil)}
	}
	other := func(key string) conditions { return conditions{"StringNotLike": {key: types}} }
	out := []statement{
		deny("InstanceTypes", list{"ec2:RunInstances"}, list{"arn:" + in.partition() + ":ec2:*:*:instance/*"}, other("ec2:InstanceType")),
		deny("NoFleets", around, everything, nil),
		// A stopped instance can be given another type. The key is there only when
		// the call changes the type.
		deny("InstanceResize", list{"ec2:ModifyInstanceAttribute"}, everything,
			other(resizeKey).with("Null", resizeKey, list{"false"})),
	}
	if slices.Contains(in.LabType.Services, "autoscaling") {
		groups := list{"autoscaling:CreateAutoScalingGroup", "autoscaling:UpdateAutoScalingGroup"}
		out = append(out,
			deny("PinTemplate", groups, everything, conditions{"Bool": {"autoscaling:LaunchTemplateVersionSpecified": {"false"}}}),
			deny("GroupTypes", groups, everything, conditions{"ForAnyValue:StringNotLike": {"autoscaling:InstanceTypes": types}}),
			deny("LaunchConfigTypes", list{"autoscaling:CreateLaunchConfiguration"}, everything, other("autoscaling:InstanceType")))
	}
	return out
}

const resizeKey = "ec2:Attribute/InstanceType"
