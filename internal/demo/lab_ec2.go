package demo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// image finds an image of Amazon's in a Region.
func image(ctx context.Context, c *ec2.Client) (string, error) {
	out, err := c.DescribeImages(ctx, &ec2.DescribeImagesInput{Owners: []string{"amazon"}})
	if err != nil {
		return "", err
	}
	if len(out.Images) == 0 {
		return "", fmt.Errorf("no image of Amazon is here")
	}
	return aws.ToString(out.Images[0].ImageId), nil
}

// ec2Basics: in every Region groups that refer to each other, an instance with a
// further volume, an address; in one of them a VPC and an Auto Scaling group that
// goes on by itself.
func ec2Basics(ctx context.Context, s *student) {
	for i, region := range s.creds.Regions {
		c := ec2.NewFromConfig(s.own(region))
		ami, err := image(ctx, c)
		if !s.must("describe images", err) {
			return
		}
		group := s.twoGroups(ctx, c)
		s.instanceWithVolume(ctx, c, ami, group)
		if i == 0 {
			s.network(ctx, c)
			s.scalingGroup(ctx, region, c, ami)
			_, err = c.RunInstances(ctx, &ec2.RunInstancesInput{ImageId: &ami, InstanceType: types.InstanceTypeM5Large, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})
			s.forbidden("run an m5.large", err)
		}
		s.backDoor("own key in "+region, func(ctx context.Context) error {
			_, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
			return err
		})
	}
	elsewhere := ec2.NewFromConfig(s.own("ap-southeast-2"))
	_, err := elsewhere.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: aws.String("elsewhere")})
	s.forbidden("work in a Region that is not the lab's", err)
}

// twoGroups makes two security groups whose rules name each other and gives the
// first one.
func (s *student) twoGroups(ctx context.Context, c *ec2.Client) string {
	var ids [2]string
	for i := range ids {
		out, err := c.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String(s.id(fmt.Sprintf("group%d", i))), Description: aws.String("lab")})
		if !s.makes(1, "create a security group", err) {
			return ""
		}
		ids[i] = aws.ToString(out.GroupId)
	}
	for i := range ids {
		_, err := c.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &ids[i], IpPermissions: []types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(80), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &ids[1-i]}}}}})
		s.must("let one group in from the other", err)
	}
	return ids[0]
}

func (s *student) instanceWithVolume(ctx context.Context, c *ec2.Client, ami, group string) {
	in := &ec2.RunInstancesInput{ImageId: &ami, InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8), DeleteOnTermination: aws.Bool(false)}}}}
	if group != "" {
		in.SecurityGroupIds = []string{group}
	}
	out, err := c.RunInstances(ctx, in)
	if !s.makes(3, "run an instance", err) {
		return
	}
	address, err := c.AllocateAddress(ctx, &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc})
	if s.makes(1, "allocate an address", err) && s.rng.IntN(2) == 0 {
		_, err = c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: out.Instances[0].InstanceId, DisableApiTermination: &types.AttributeBooleanValue{Value: aws.Bool(true)}})
		s.must("protect the instance "+aws.ToString(address.AllocationId), err)
	}
	zone := out.Instances[0].Placement.AvailabilityZone
	_, err = c.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: zone, Size: aws.Int32(2)})
	s.makes(1, "create a volume", err)
	_, err = c.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: aws.String(s.id("key"))})
	s.makes(1, "create a key pair", err)
}

func (s *student) network(ctx context.Context, c *ec2.Client) {
	vpc, err := c.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.20.0.0/16")})
	if !s.makes(4, "create a VPC", err) { // with its table, list and group
		return
	}
	id := vpc.Vpc.VpcId
	_, err = c.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: id, CidrBlock: aws.String("10.20.1.0/24")})
	s.makes(1, "create a subnet", err)
	gateway, err := c.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})
	if s.makes(1, "create an internet gateway", err) {
		_, err = c.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{VpcId: id, InternetGatewayId: gateway.InternetGateway.InternetGatewayId})
		s.must("attach the gateway", err)
	}
}

// scalingGroup is a back door of its own kind: it makes instances without a
// caller.
func (s *student) scalingGroup(ctx context.Context, region string, c *ec2.Client, ami string) {
	name := aws.String(s.id("template"))
	_, err := c.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{LaunchTemplateName: name, LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: &ami, InstanceType: types.InstanceTypeT3Micro}})
	if !s.makes(1, "create a launch template", err) {
		return
	}
	zones, err := c.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{})
	if !s.must("describe zones", err) {
		return
	}
	_, err = autoscaling.NewFromConfig(s.own(region)).CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(s.id("asg")), MinSize: aws.Int32(1), MaxSize: aws.Int32(2), AvailabilityZones: []string{aws.ToString(zones.AvailabilityZones[0].ZoneName)},
		LaunchTemplate: &astypes.LaunchTemplateSpecification{LaunchTemplateName: name, Version: aws.String("1")}})
	s.makes(2, "create an Auto Scaling group", err)
}
