package kinds_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const ami = "ami-0c55b159cbfafe1f0"

func (b *bench) ec2() *ec2.Client { return ec2.NewFromConfig(b.admin) }

func (b *bench) zone() *string { return aws.String(b.admin.Region + "a") }

// name gives a name that is nowhere used twice in an account.
func (b *bench) name(what string, i int) *string {
	return aws.String(fmt.Sprintf("%s-%s-%03d", what, b.admin.Region, i))
}

func (b *bench) instances(n int, protected bool) []string {
	out := ok[*ec2.RunInstancesOutput](b)(b.ec2().RunInstances(b.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(ami), InstanceType: types.InstanceTypeT2Micro, MinCount: aws.Int32(int32(n)), MaxCount: aws.Int32(int32(n)),
		DisableApiTermination: &protected, DisableApiStop: &protected,
	}))
	var ids []string
	for _, i := range out.Instances {
		ids = append(ids, *i.InstanceId)
	}
	return ids
}

func (b *bench) volume() *string {
	return ok[*ec2.CreateVolumeOutput](b)(b.ec2().CreateVolume(b.Context(), &ec2.CreateVolumeInput{AvailabilityZone: b.zone(), Size: aws.Int32(1)})).VolumeId
}

func (b *bench) launchTemplate(i int) *string {
	return ok[*ec2.CreateLaunchTemplateOutput](b)(b.ec2().CreateLaunchTemplate(b.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: b.name("template", i),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ami), InstanceType: types.InstanceTypeT2Micro},
	})).LaunchTemplate.LaunchTemplateId
}

var seedsOfEC2 = map[string]seed{
	"ec2.instance": {make: func(b *bench, n int) { b.instances(n, true) }},
	"ec2.spot_request": {make: func(b *bench, n int) {
		b.must(b.ec2().RequestSpotInstances(b.Context(), &ec2.RequestSpotInstancesInput{
			InstanceCount: aws.Int32(int32(n)), LaunchSpecification: &types.RequestSpotLaunchSpecification{ImageId: aws.String(ami), InstanceType: types.InstanceTypeT2Micro},
		}))
	}},
	"ec2.launch_template": {make: func(b *bench, n int) {
		for i := range n {
			b.launchTemplate(i)
		}
	}},
	"ec2.image": {make: func(b *bench, n int) {
		id := b.instances(1, false)[0]
		for i := range n {
			b.must(b.ec2().CreateImage(b.Context(), &ec2.CreateImageInput{InstanceId: &id, Name: b.name("image", i)}))
		}
	}},
	"ec2.snapshot": {make: func(b *bench, n int) {
		v := b.volume()
		for range n {
			b.must(b.ec2().CreateSnapshot(b.Context(), &ec2.CreateSnapshotInput{VolumeId: v}))
		}
	}},
	"ec2.volume": {make: func(b *bench, n int) {
		for range n {
			b.volume()
		}
	}},
	"ec2.key_pair": {only: "DescribeKeyPairs has no pages", make: func(b *bench, n int) {
		for i := range n {
			b.must(b.ec2().CreateKeyPair(b.Context(), &ec2.CreateKeyPairInput{KeyName: b.name("key", i)}))
		}
	}},
	"ec2.address": {n: 5, only: "DescribeAddresses has no pages", make: func(b *bench, n int) {
		for range n {
			b.must(b.ec2().AllocateAddress(b.Context(), &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc}))
		}
	}},
	"ec2.placement_group": {n: 3, only: "DescribePlacementGroups has no pages", make: func(b *bench, n int) {
		for i := range n {
			b.must(b.ec2().CreatePlacementGroup(b.Context(), &ec2.CreatePlacementGroupInput{GroupName: b.name("group", i), Strategy: types.PlacementStrategyCluster}))
		}
	}},
	"autoscaling.group": {n: 6, make: func(b *bench, n int) {
		template := b.launchTemplate(900)
		for i := range n {
			b.must(autoscaling.NewFromConfig(b.admin).CreateAutoScalingGroup(b.Context(), &autoscaling.CreateAutoScalingGroupInput{
				AutoScalingGroupName: b.name("group", i), MinSize: aws.Int32(1), MaxSize: aws.Int32(2), DesiredCapacity: aws.Int32(1),
				LaunchTemplate:     &astypes.LaunchTemplateSpecification{LaunchTemplateId: template, Version: aws.String("1")},
				AvailabilityZones:  []string{*b.zone()},
				DeletionProtection: astypes.DeletionProtectionPreventAllDeletion, NewInstancesProtectedFromScaleIn: aws.Bool(true),
			}))
		}
	}},
	"autoscaling.launch_configuration": {make: func(b *bench, n int) {
		for i := range n {
			b.must(autoscaling.NewFromConfig(b.admin).CreateLaunchConfiguration(b.Context(), &autoscaling.CreateLaunchConfigurationInput{
				LaunchConfigurationName: b.name("config", i), ImageId: aws.String(ami), InstanceType: aws.String("t2.micro"),
			}))
		}
	}},
}
