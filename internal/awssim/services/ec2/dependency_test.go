package ec2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestSecurityGroupsThatReferToEachOther(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	vpc, _ := b.vpc()
	group := func(name string) *string {
		return must[*sdk.CreateSecurityGroupOutput](t)(b.CreateSecurityGroup(ctx, &sdk.CreateSecurityGroupInput{GroupName: &name, Description: aws.String("d"), VpcId: &vpc})).GroupId
	}
	one, two := group("one"), group("two")
	allow := func(g, from *string) (*sdk.AuthorizeSecurityGroupIngressOutput, error) {
		return b.AuthorizeSecurityGroupIngress(ctx, &sdk.AuthorizeSecurityGroupIngressInput{GroupId: g, IpPermissions: []types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(80), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: from}}}}})
	}
	rule := must[*sdk.AuthorizeSecurityGroupIngressOutput](t)(allow(one, two)).SecurityGroupRules[0]
	must[*sdk.AuthorizeSecurityGroupIngressOutput](t)(allow(two, one))
	_, err := allow(one, two)
	b.refused("InvalidPermission.Duplicate", err)
	for _, g := range []*string{one, two} {
		_, err := b.DeleteSecurityGroup(ctx, &sdk.DeleteSecurityGroupInput{GroupId: g})
		b.refused("DependencyViolation", err)
	}
	_, err = b.DeleteVpc(ctx, &sdk.DeleteVpcInput{VpcId: &vpc})
	b.refused("DependencyViolation", err)
	must[*sdk.RevokeSecurityGroupIngressOutput](t)(b.RevokeSecurityGroupIngress(ctx, &sdk.RevokeSecurityGroupIngressInput{GroupId: one, SecurityGroupRuleIds: []string{*rule.SecurityGroupRuleId}}))
	must[*sdk.DeleteSecurityGroupOutput](t)(b.DeleteSecurityGroup(ctx, &sdk.DeleteSecurityGroupInput{GroupId: two}))
	must[*sdk.DeleteSecurityGroupOutput](t)(b.DeleteSecurityGroup(ctx, &sdk.DeleteSecurityGroupInput{GroupId: one}))
	_, err = b.DeleteSecurityGroup(ctx, &sdk.DeleteSecurityGroupInput{GroupId: one})
	b.refused("InvalidGroup.NotFound", err)
}

func TestNatGatewayHoldsSubnetAndKeepsItsAddress(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	vpc, subnet := b.vpc()
	a := must[*sdk.AllocateAddressOutput](t)(b.AllocateAddress(ctx, &sdk.AllocateAddressInput{}))
	g := must[*sdk.CreateInternetGatewayOutput](t)(b.CreateInternetGateway(ctx, &sdk.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	must[*sdk.AttachInternetGatewayOutput](t)(b.AttachInternetGateway(ctx, &sdk.AttachInternetGatewayInput{InternetGatewayId: g, VpcId: &vpc}))
	n := must[*sdk.CreateNatGatewayOutput](t)(b.CreateNatGateway(ctx, &sdk.CreateNatGatewayInput{SubnetId: &subnet, AllocationId: a.AllocationId})).NatGateway.NatGatewayId
	state := func() types.NatGatewayState {
		return must[*sdk.DescribeNatGatewaysOutput](t)(b.DescribeNatGateways(ctx, &sdk.DescribeNatGatewaysInput{NatGatewayIds: []string{*n}})).NatGateways[0].State
	}
	if s := state(); s != "pending" {
		t.Fatalf("a new gateway is %s", s)
	}
	b.pass(1)
	must[*sdk.DeleteNatGatewayOutput](t)(b.DeleteNatGateway(ctx, &sdk.DeleteNatGatewayInput{NatGatewayId: n}))
	_, err := b.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: &subnet})
	b.refused("DependencyViolation", err)
	_, err = b.ReleaseAddress(ctx, &sdk.ReleaseAddressInput{AllocationId: a.AllocationId})
	b.refused("InvalidIPAddress.InUse", err)
	_, err = b.DetachInternetGateway(ctx, &sdk.DetachInternetGatewayInput{InternetGatewayId: g, VpcId: &vpc})
	b.refused("DependencyViolation", err)
	b.pass(2)
	if s := state(); s != "deleted" {
		t.Fatalf("the gateway is %s", s)
	}
	must[*sdk.DeleteSubnetOutput](t)(b.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: &subnet}))
	if b.Kinds()["elastic-ip"] != 1 {
		t.Fatal("the address must stay")
	}
	must[*sdk.ReleaseAddressOutput](t)(b.ReleaseAddress(ctx, &sdk.ReleaseAddressInput{AllocationId: a.AllocationId}))
}

func TestNatGatewayFailsWithoutInternetGateway(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	_, subnet := b.vpc()
	a := must[*sdk.AllocateAddressOutput](t)(b.AllocateAddress(ctx, &sdk.AllocateAddressInput{}))
	n := must[*sdk.CreateNatGatewayOutput](t)(b.CreateNatGateway(ctx, &sdk.CreateNatGatewayInput{SubnetId: &subnet, AllocationId: a.AllocationId})).NatGateway
	b.pass(1)
	got := must[*sdk.DescribeNatGatewaysOutput](t)(b.DescribeNatGateways(ctx, &sdk.DescribeNatGatewaysInput{NatGatewayIds: []string{*n.NatGatewayId}})).NatGateways[0]
	if got.State != "failed" || *got.FailureCode != "Gateway.NotAttached" {
		t.Fatalf("%s %v", got.State, got.FailureCode)
	}
}

func TestVolumesSnapshotsImages(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	id := b.run(1)[0]
	v := must[*sdk.CreateVolumeOutput](t)(b.CreateVolume(ctx, &sdk.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(5)}))
	b.pass(1)
	must[*sdk.AttachVolumeOutput](t)(b.AttachVolume(ctx, &sdk.AttachVolumeInput{VolumeId: v.VolumeId, InstanceId: &id, Device: aws.String("/dev/sdf")}))
	_, err := b.DeleteVolume(ctx, &sdk.DeleteVolumeInput{VolumeId: v.VolumeId})
	b.refused("VolumeInUse", err)
	b.pass(1)
	image := must[*sdk.CreateImageOutput](t)(b.CreateImage(ctx, &sdk.CreateImageInput{InstanceId: &id, Name: aws.String("mine")})).ImageId
	_, err = b.RunInstances(ctx, &sdk.RunInstancesInput{ImageId: image, InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})
	b.refused("InvalidAMIID.Unavailable", err)
	b.pass(2)
	snaps := must[*sdk.DescribeSnapshotsOutput](t)(b.DescribeSnapshots(ctx, &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}})).Snapshots
	if len(snaps) != 2 || snaps[0].State != "completed" {
		t.Fatalf("an image of two volumes has two snapshots: %+v", snaps)
	}
	_, err = b.DeleteSnapshot(ctx, &sdk.DeleteSnapshotInput{SnapshotId: snaps[0].SnapshotId})
	b.refused("InvalidSnapshot.InUse", err)
	must[*sdk.DeregisterImageOutput](t)(b.DeregisterImage(ctx, &sdk.DeregisterImageInput{ImageId: image}))
	must[*sdk.DeleteSnapshotOutput](t)(b.DeleteSnapshot(ctx, &sdk.DeleteSnapshotInput{SnapshotId: snaps[0].SnapshotId}))
	_, err = b.DeregisterImage(ctx, &sdk.DeregisterImageInput{ImageId: aws.String(ami)})
	b.refused("AuthFailure", err)
	must[*sdk.DetachVolumeOutput](t)(b.DetachVolume(ctx, &sdk.DetachVolumeInput{VolumeId: v.VolumeId}))
	b.pass(1)
	must[*sdk.DeleteVolumeOutput](t)(b.DeleteVolume(ctx, &sdk.DeleteVolumeInput{VolumeId: v.VolumeId}))
	b.pass(1)
	if n := b.Kinds()["volume"]; n != 1 {
		t.Fatalf("only the root volume is left, got %d", n)
	}
}

func TestEndpointsAndPeeringHoldTheirVpc(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	vpc, subnet := b.vpc()
	e := must[*sdk.CreateVpcEndpointOutput](t)(b.CreateVpcEndpoint(ctx, &sdk.CreateVpcEndpointInput{
		VpcId: &vpc, ServiceName: aws.String("com.amazonaws.eu-west-1.ssm"), VpcEndpointType: "Interface", SubnetIds: []string{subnet}})).VpcEndpoint
	out := must[*sdk.DescribeVpcsOutput](t)(b.DescribeVpcs(ctx, &sdk.DescribeVpcsInput{Filters: []types.Filter{{Name: aws.String("is-default"), Values: []string{"true"}}}}))
	p := must[*sdk.CreateVpcPeeringConnectionOutput](t)(b.CreateVpcPeeringConnection(ctx, &sdk.CreateVpcPeeringConnectionInput{VpcId: &vpc, PeerVpcId: out.Vpcs[0].VpcId})).VpcPeeringConnection
	must[*sdk.AcceptVpcPeeringConnectionOutput](t)(b.AcceptVpcPeeringConnection(ctx, &sdk.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: p.VpcPeeringConnectionId}))
	_, err := b.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: &subnet})
	b.refused("DependencyViolation", err)
	del := must[*sdk.DeleteVpcEndpointsOutput](t)(b.DeleteVpcEndpoints(ctx, &sdk.DeleteVpcEndpointsInput{VpcEndpointIds: []string{*e.VpcEndpointId, "vpce-0123456789abcdef0"}}))
	if len(del.Unsuccessful) != 1 {
		t.Fatalf("the unknown endpoint alone fails: %+v", del.Unsuccessful)
	}
	b.pass(1)
	must[*sdk.DeleteSubnetOutput](t)(b.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: &subnet}))
	_, err = b.DeleteVpc(ctx, &sdk.DeleteVpcInput{VpcId: &vpc})
	b.refused("DependencyViolation", err)
	must[*sdk.DeleteVpcPeeringConnectionOutput](t)(b.DeleteVpcPeeringConnection(ctx, &sdk.DeleteVpcPeeringConnectionInput{VpcPeeringConnectionId: p.VpcPeeringConnectionId}))
	must[*sdk.DeleteVpcOutput](t)(b.DeleteVpc(ctx, &sdk.DeleteVpcInput{VpcId: &vpc}))
	if left := b.Kinds(); len(left) != 0 {
		t.Fatalf("left: %v", left)
	}
}

func TestRouteTables(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	vpc, subnet := b.vpc()
	rt := must[*sdk.CreateRouteTableOutput](t)(b.CreateRouteTable(ctx, &sdk.CreateRouteTableInput{VpcId: &vpc})).RouteTable.RouteTableId
	g := must[*sdk.CreateInternetGatewayOutput](t)(b.CreateInternetGateway(ctx, &sdk.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	must[*sdk.AttachInternetGatewayOutput](t)(b.AttachInternetGateway(ctx, &sdk.AttachInternetGatewayInput{InternetGatewayId: g, VpcId: &vpc}))
	route := &sdk.CreateRouteInput{RouteTableId: rt, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: g}
	must[*sdk.CreateRouteOutput](t)(b.CreateRoute(ctx, route))
	_, err := b.CreateRoute(ctx, route)
	b.refused("RouteAlreadyExists", err)
	a := must[*sdk.AssociateRouteTableOutput](t)(b.AssociateRouteTable(ctx, &sdk.AssociateRouteTableInput{RouteTableId: rt, SubnetId: &subnet}))
	_, err = b.DeleteRouteTable(ctx, &sdk.DeleteRouteTableInput{RouteTableId: rt})
	b.refused("DependencyViolation", err)
	must[*sdk.DetachInternetGatewayOutput](t)(b.DetachInternetGateway(ctx, &sdk.DetachInternetGatewayInput{InternetGatewayId: g, VpcId: &vpc}))
	must[*sdk.DeleteInternetGatewayOutput](t)(b.DeleteInternetGateway(ctx, &sdk.DeleteInternetGatewayInput{InternetGatewayId: g}))
	got := must[*sdk.DescribeRouteTablesOutput](t)(b.DescribeRouteTables(ctx, &sdk.DescribeRouteTablesInput{RouteTableIds: []string{*rt}})).RouteTables[0]
	if len(got.Routes) != 2 || got.Routes[1].State != types.RouteStateBlackhole {
		t.Fatalf("a route without target is a blackhole: %+v", got.Routes)
	}
	must[*sdk.DisassociateRouteTableOutput](t)(b.DisassociateRouteTable(ctx, &sdk.DisassociateRouteTableInput{AssociationId: a.AssociationId}))
	must[*sdk.DeleteRouteTableOutput](t)(b.DeleteRouteTable(ctx, &sdk.DeleteRouteTableInput{RouteTableId: rt}))
}
