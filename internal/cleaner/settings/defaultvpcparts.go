package settings

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/cleaner/kinds"
)

// What AWS gives: "Default VPC components", Amazon VPC user guide.
const (
	defaultCIDR = "172.31.0.0/16"
	anywhere    = "0.0.0.0/0"
	anyProtocol = "-1"
)

func (r *vpcReader) vpc(v types.Vpc) {
	r.note(aws.ToString(v.CidrBlock) != defaultCIDR || len(v.CidrBlockAssociationSet) > 1 || len(v.Ipv6CidrBlockAssociationSet) > 0, "other address ranges")
	r.note(len(v.Tags) > 0, "tags on the VPC")
	for name, want := range map[types.VpcAttributeName]bool{
		types.VpcAttributeNameEnableDnsSupport: true, types.VpcAttributeNameEnableDnsHostnames: true, types.VpcAttributeNameEnableNetworkAddressUsageMetrics: false,
	} {
		out := ask(r, r.c.DescribeVpcAttribute, &ec2.DescribeVpcAttributeInput{VpcId: v.VpcId, Attribute: name})
		got := false
		for _, a := range []*types.AttributeBooleanValue{out.EnableDnsSupport, out.EnableDnsHostnames, out.EnableNetworkAddressUsageMetrics} {
			got = got || a != nil && aws.ToBool(a.Value)
		}
		r.note(got != want, "%s is %t", name, got)
	}
	pages := ec2.NewDescribeDhcpOptionsPaginator(r.c, &ec2.DescribeDhcpOptionsInput{Filters: where("dhcp-options-id", aws.ToString(v.DhcpOptionsId))})
	sets := list(r, pages, func(o *ec2.DescribeDhcpOptionsOutput) []types.DhcpOptions { return o.DhcpOptions })
	r.note(len(sets) != 1 || !kinds.IsStandardDHCP(sets[0], r.region), "other DHCP options")
}

// subnets: one public subnet in every zone, and no other.
func (r *vpcReader) subnets(vpc string) {
	zones := map[string]bool{}
	for _, z := range ask(r, r.c.DescribeAvailabilityZones, &ec2.DescribeAvailabilityZonesInput{Filters: where("zone-type", "availability-zone")}).AvailabilityZones {
		zones[aws.ToString(z.ZoneName)] = true
	}
	for _, s := range r.subnetsOf(vpc) {
		zone := aws.ToString(s.AvailabilityZone)
		r.note(!aws.ToBool(s.DefaultForAz), "subnet %s is not a default one", aws.ToString(s.SubnetId))
		r.note(!aws.ToBool(s.MapPublicIpOnLaunch) || aws.ToBool(s.AssignIpv6AddressOnCreation) || len(s.Ipv6CidrBlockAssociationSet) > 0, "addresses of the subnet in %s", zone)
		r.note(len(s.Tags) > 0, "tags on the subnet in %s", zone)
		delete(zones, zone)
	}
	for zone := range zones {
		r.note(true, "no subnet in %s", zone)
	}
}

// gateway gives the one that is attached, "" if there is none.
func (r *vpcReader) gateway(vpc string) string {
	gs := r.gatewaysOf(vpc)
	if len(gs) != 1 {
		r.note(true, "%d internet gateways", len(gs))
		return ""
	}
	r.note(len(gs[0].Tags) > 0, "tags on the internet gateway")
	return aws.ToString(gs[0].InternetGatewayId)
}

// routes: one table, the main one, with the local route and the way out.
func (r *vpcReader) routes(vpc, gateway string) {
	pages := ec2.NewDescribeRouteTablesPaginator(r.c, &ec2.DescribeRouteTablesInput{Filters: where("vpc-id", vpc)})
	tables := list(r, pages, func(o *ec2.DescribeRouteTablesOutput) []types.RouteTable { return o.RouteTables })
	if len(tables) != 1 {
		r.note(true, "%d route tables", len(tables))
		return
	}
	t := tables[0]
	var got []string
	for _, x := range t.Routes {
		got = append(got, fmt.Sprintf("%s %s %s", aws.ToString(x.DestinationCidrBlock), aws.ToString(x.GatewayId), x.State))
	}
	slices.Sort(got)
	want := []string{anywhere + " " + gateway + " active", defaultCIDR + " local active"}
	r.note(!slices.Equal(got, want), "routes %v", got)
	r.note(len(t.Associations) != 1 || len(t.PropagatingVgws) > 0 || len(t.Tags) > 0, "the main route table's associations or tags")
}

// accessList: one, which lets everything in and out.
func (r *vpcReader) accessList(vpc string) {
	pages := ec2.NewDescribeNetworkAclsPaginator(r.c, &ec2.DescribeNetworkAclsInput{Filters: where("vpc-id", vpc)})
	lists := list(r, pages, func(o *ec2.DescribeNetworkAclsOutput) []types.NetworkAcl { return o.NetworkAcls })
	if len(lists) != 1 {
		r.note(true, "%d network access lists", len(lists))
		return
	}
	var got []string
	for _, e := range lists[0].Entries {
		got = append(got, fmt.Sprintf("%t %d %s %s %s", aws.ToBool(e.Egress), aws.ToInt32(e.RuleNumber), e.RuleAction, aws.ToString(e.Protocol), aws.ToString(e.CidrBlock)))
	}
	slices.Sort(got)
	want := []string{"false 100 allow -1 0.0.0.0/0", "false 32767 deny -1 0.0.0.0/0", "true 100 allow -1 0.0.0.0/0", "true 32767 deny -1 0.0.0.0/0"}
	r.note(!slices.Equal(got, want) || len(lists[0].Tags) > 0, "network access list %v", got)
}

// group: one, which lets its members in and everything out.
func (r *vpcReader) group(vpc string) {
	pages := ec2.NewDescribeSecurityGroupsPaginator(r.c, &ec2.DescribeSecurityGroupsInput{Filters: where("vpc-id", vpc)})
	groups := list(r, pages, func(o *ec2.DescribeSecurityGroupsOutput) []types.SecurityGroup { return o.SecurityGroups })
	if len(groups) != 1 {
		r.note(true, "%d security groups", len(groups))
		return
	}
	g := groups[0]
	inside := len(g.IpPermissions) == 1 && aws.ToString(g.IpPermissions[0].IpProtocol) == anyProtocol && len(ranges(g.IpPermissions[0])) == 0 &&
		len(g.IpPermissions[0].UserIdGroupPairs) == 1 && aws.ToString(g.IpPermissions[0].UserIdGroupPairs[0].GroupId) == aws.ToString(g.GroupId)
	out := len(g.IpPermissionsEgress) == 1 && aws.ToString(g.IpPermissionsEgress[0].IpProtocol) == anyProtocol &&
		slices.Equal(ranges(g.IpPermissionsEgress[0]), []string{anywhere}) && len(g.IpPermissionsEgress[0].UserIdGroupPairs) == 0
	r.note(!inside || !out || len(g.Tags) > 0, "rules or tags of the default security group")
}

func ranges(p types.IpPermission) []string {
	var out []string
	for _, x := range p.IpRanges {
		out = append(out, aws.ToString(x.CidrIp))
	}
	for _, x := range p.Ipv6Ranges {
		out = append(out, aws.ToString(x.CidrIpv6))
	}
	for _, x := range p.PrefixListIds {
		out = append(out, aws.ToString(x.PrefixListId))
	}
	return out
}
