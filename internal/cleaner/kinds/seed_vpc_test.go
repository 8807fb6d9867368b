package kinds_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// ownVPC gives the default VPC and one of its subnets.
func (b *bench) ownVPC() (vpc, subnet *string) {
	vs := ok[*ec2.DescribeVpcsOutput](b)(b.ec2().DescribeVpcs(b.Context(), &ec2.DescribeVpcsInput{Filters: []types.Filter{{Name: aws.String("is-default"), Values: []string{"true"}}}}))
	vpc = vs.Vpcs[0].VpcId
	ss := ok[*ec2.DescribeSubnetsOutput](b)(b.ec2().DescribeSubnets(b.Context(), &ec2.DescribeSubnetsInput{Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{*vpc}}}}))
	return vpc, ss.Subnets[0].SubnetId
}

func (b *bench) vpc(i int) *string {
	return ok[*ec2.CreateVpcOutput](b)(b.ec2().CreateVpc(b.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String(fmt.Sprintf("10.%d.0.0/16", i))})).Vpc.VpcId
}

func (b *bench) group(vpc *string, i int) *string {
	return ok[*ec2.CreateSecurityGroupOutput](b)(b.ec2().CreateSecurityGroup(b.Context(), &ec2.CreateSecurityGroupInput{
		GroupName: b.name("group", i), Description: aws.String("seeded"), VpcId: vpc,
	})).GroupId
}

func (b *bench) allow(group, from *string) {
	b.must(b.ec2().AuthorizeSecurityGroupIngress(b.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: group, IpPermissions: []types.IpPermission{
		{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: from}}},
	}}))
}

var seedsOfVPC = map[string]seed{
	"ec2.vpc": {n: 4, only: "five VPCs are the quota", make: func(b *bench, n int) {
		for i := range n {
			b.vpc(i)
		}
	}},
	"ec2.subnet": {make: func(b *bench, n int) {
		vpc := b.vpc(100)
		for i := range n {
			b.must(b.ec2().CreateSubnet(b.Context(), &ec2.CreateSubnetInput{VpcId: vpc, CidrBlock: aws.String(fmt.Sprintf("10.100.%d.0/24", i))}))
		}
	}},
	// Every group lets the next one in, the last the first.
	"ec2.security_group": {make: func(b *bench, n int) {
		vpc, _ := b.ownVPC()
		var ids []*string
		for i := range n {
			ids = append(ids, b.group(vpc, i))
		}
		for i := range ids {
			b.allow(ids[i], ids[(i+1)%n])
		}
	}},
	"ec2.network_interface": {make: func(b *bench, n int) {
		_, subnet := b.ownVPC()
		for range n {
			b.must(b.ec2().CreateNetworkInterface(b.Context(), &ec2.CreateNetworkInterfaceInput{SubnetId: subnet}))
		}
	}},
	// The first is taken by a subnet of the default VPC, which stays.
	"ec2.route_table": {make: func(b *bench, n int) {
		vpc, subnet := b.ownVPC()
		for i := range n {
			t := ok[*ec2.CreateRouteTableOutput](b)(b.ec2().CreateRouteTable(b.Context(), &ec2.CreateRouteTableInput{VpcId: vpc}))
			if i == 0 {
				b.must(b.ec2().AssociateRouteTable(b.Context(), &ec2.AssociateRouteTableInput{RouteTableId: t.RouteTable.RouteTableId, SubnetId: subnet}))
			}
		}
	}},
	"ec2.network_acl": {make: func(b *bench, n int) {
		vpc, subnet := b.ownVPC()
		for i := range n {
			a := ok[*ec2.CreateNetworkAclOutput](b)(b.ec2().CreateNetworkAcl(b.Context(), &ec2.CreateNetworkAclInput{VpcId: vpc}))
			if i > 0 {
				continue
			}
			lists := ok[*ec2.DescribeNetworkAclsOutput](b)(b.ec2().DescribeNetworkAcls(b.Context(), &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{{Name: aws.String("association.subnet-id"), Values: []string{*subnet}}}}))
			for _, x := range lists.NetworkAcls[0].Associations {
				if *x.SubnetId == *subnet {
					b.must(b.ec2().ReplaceNetworkAclAssociation(b.Context(), &ec2.ReplaceNetworkAclAssociationInput{AssociationId: x.NetworkAclAssociationId, NetworkAclId: a.NetworkAcl.NetworkAclId}))
				}
			}
		}
	}},
	// The first is attached, to a VPC of the student's.
	"ec2.internet_gateway": {n: 6, make: func(b *bench, n int) {
		for i := range n {
			g := ok[*ec2.CreateInternetGatewayOutput](b)(b.ec2().CreateInternetGateway(b.Context(), &ec2.CreateInternetGatewayInput{}))
			if i == 0 {
				b.must(b.ec2().AttachInternetGateway(b.Context(), &ec2.AttachInternetGatewayInput{InternetGatewayId: g.InternetGateway.InternetGatewayId, VpcId: b.vpc(101)}))
			}
		}
	}},
	"ec2.nat_gateway": {n: 6, make: func(b *bench, n int) {
		_, subnet := b.ownVPC()
		for range n {
			b.must(b.ec2().CreateNatGateway(b.Context(), &ec2.CreateNatGatewayInput{SubnetId: subnet, ConnectivityType: types.ConnectivityTypePrivate}))
		}
	}},
	"ec2.vpc_endpoint": {n: 6, make: func(b *bench, n int) {
		vpc, subnet := b.ownVPC()
		for _, s := range []string{"sqs", "sns", "lambda", "logs", "monitoring", "events"}[:n] {
			b.must(b.ec2().CreateVpcEndpoint(b.Context(), &ec2.CreateVpcEndpointInput{VpcId: vpc, VpcEndpointType: types.VpcEndpointTypeInterface,
				ServiceName: aws.String("com.amazonaws." + b.admin.Region + "." + s), SubnetIds: []string{*subnet}}))
		}
	}},
	"ec2.vpc_peering": {n: 6, make: func(b *bench, n int) {
		own, _ := b.ownVPC()
		vpcs := []*string{own}
		for i := 1; len(vpcs)*(len(vpcs)-1)/2 < n; i++ { // so many pairs
			vpcs = append(vpcs, b.vpc(110+i))
		}
		for i := range vpcs {
			for j := range i {
				if n--; n >= 0 {
					b.must(b.ec2().CreateVpcPeeringConnection(b.Context(), &ec2.CreateVpcPeeringConnectionInput{VpcId: vpcs[i], PeerVpcId: vpcs[j]}))
				}
			}
		}
	}},
	// The first is the one that the default VPC uses.
	"ec2.dhcp_options": {make: func(b *bench, n int) {
		vpc, _ := b.ownVPC()
		for i := range n {
			o := ok[*ec2.CreateDhcpOptionsOutput](b)(b.ec2().CreateDhcpOptions(b.Context(), &ec2.CreateDhcpOptionsInput{DhcpConfigurations: []types.NewDhcpConfiguration{
				{Key: aws.String("domain-name"), Values: []string{*b.name("example.com", i)}},
			}}))
			if i == 0 {
				b.must(b.ec2().AssociateDhcpOptions(b.Context(), &ec2.AssociateDhcpOptionsInput{DhcpOptionsId: o.DhcpOptions.DhcpOptionsId, VpcId: vpc}))
			}
		}
	}},
	"ec2.flow_log": {n: 6, make: func(b *bench, n int) {
		vpc, _ := b.ownVPC()
		for i := range n {
			b.must(b.ec2().CreateFlowLogs(b.Context(), &ec2.CreateFlowLogsInput{ResourceIds: []string{*vpc}, ResourceType: types.FlowLogsResourceTypeVpc,
				TrafficType: types.TrafficTypeAll, LogDestinationType: types.LogDestinationTypeS3, LogDestination: aws.String("arn:aws:s3:::" + *b.name("flows", i))}))
		}
	}},
}
