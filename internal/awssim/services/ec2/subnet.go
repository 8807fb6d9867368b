package ec2

import (
	"net/netip"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Subnet is a range of a VPC in one Availability Zone.
type Subnet struct {
	SubnetId                    string         `xml:"subnetId"`
	SubnetArn                   string         `xml:"subnetArn"`
	VpcId                       string         `xml:"vpcId"`
	OwnerId                     string         `xml:"ownerId"`
	State                       string         `xml:"state"`
	CidrBlock                   string         `xml:"cidrBlock"`
	AvailabilityZone            string         `xml:"availabilityZone"`
	AvailabilityZoneId          string         `xml:"availabilityZoneId"`
	AvailableIpAddressCount     int            `xml:"availableIpAddressCount"`
	DefaultForAz                bool           `xml:"defaultForAz"`
	MapPublicIpOnLaunch         bool           `xml:"mapPublicIpOnLaunch"`
	AssignIpv6AddressOnCreation bool           `xml:"assignIpv6AddressOnCreation"`
	EnableDns64                 bool           `xml:"enableDns64"`
	Ipv6Native                  bool           `xml:"ipv6Native"`
	PrivateDnsNameOptions       PrivateDnsName `xml:"privateDnsNameOptionsOnLaunch"`
	Meta

	used map[netip.Addr]bool
}

// PrivateDnsName says how instances are named.
type PrivateDnsName struct {
	EnableResourceNameDnsAAAARecord bool   `xml:"enableResourceNameDnsAAAARecord"`
	EnableResourceNameDnsARecord    bool   `xml:"enableResourceNameDnsARecord"`
	HostnameType                    string `xml:"hostnameType"`
}

var subnetKind = &kind{
	name: "subnet", prefix: "subnet", noun: "subnet", notFound: "InvalidSubnetID.NotFound", malformed: "InvalidSubnetID.Malformed",
	trail: "AWS::EC2::Subnet",
	filters: filters{
		"subnet-id": "SubnetId", "subnet-arn": "SubnetArn", "vpc-id": "VpcId", "owner-id": "OwnerId", "state": "State",
		"cidr": "CidrBlock", "cidr-block": "CidrBlock", "cidrBlock": "CidrBlock",
		"availability-zone": "AvailabilityZone", "availabilityZone": "AvailabilityZone",
		"availability-zone-id": "AvailabilityZoneId", "availabilityZoneId": "AvailabilityZoneId",
		"default-for-az": "DefaultForAz", "defaultForAz": "DefaultForAz",
		"map-public-ip-on-launch": "MapPublicIpOnLaunch", "available-ip-address-count": "AvailableIpAddressCount",
	},
}

func (*Subnet) kind() *kind { return subnetKind }

func (x *Subnet) keys() map[string]string {
	return map[string]string{"ec2:AvailabilityZone": x.AvailabilityZone, "ec2:SubnetID": x.SubnetId}
}

func (s *Service) subnetOps() []core.Op {
	return []core.Op{
		op(s, "CreateSubnet", createSubnet, creates((*Subnet)(nil))),
		op(s, "DescribeSubnets", describeSubnets, read),
		op(s, "DeleteSubnet", deleteSubnet),
		op(s, "ModifySubnetAttribute", modifySubnetAttribute),
		op(s, "CreateDefaultSubnet", createDefaultSubnet, creates((*Subnet)(nil))),
	}
}

type subnetOut struct {
	Subnet *Subnet `xml:"subnet"`
}

type createSubnetIn struct {
	Base
	Tagged
	VpcId              string
	CidrBlock          string
	AvailabilityZone   string
	AvailabilityZoneId string
}

func createSubnet(c *call, in *createSubnetIn) (*subnetOut, error) {
	v, err := get[Vpc](c.state, in.VpcId)
	if err != nil {
		return nil, err
	}
	if err := need("cidrBlock", in.CidrBlock); err != nil {
		return nil, err
	}
	p, err := parseCidr("cidrBlock", in.CidrBlock)
	if err != nil {
		return nil, err
	}
	if err := c.fits(v, p); err != nil {
		return nil, err
	}
	az, err := c.zone(in.AvailabilityZone, in.AvailabilityZoneId)
	if err != nil {
		return nil, err
	}
	return &subnetOut{c.newSubnet(v, p.String(), az, in.tags(subnetKind))}, nil
}

// fits tells whether a subnet of this range can be made in the VPC.
func (st *state) fits(v *Vpc, p netip.Prefix) error {
	inside := slices.ContainsFunc(v.CidrBlocks, func(a CidrAssociation) bool {
		r := netip.MustParsePrefix(a.CidrBlock)
		return r.Contains(p.Addr()) && p.Bits() >= r.Bits()
	})
	if !inside || p.Bits() > 28 {
		return core.Errorf(400, "InvalidSubnet.Range", "The CIDR '%s' is invalid.", p)
	}
	clash := first(st, func(x *Subnet) bool {
		return x.VpcId == v.VpcId && netip.MustParsePrefix(x.CidrBlock).Overlaps(p)
	})
	if clash != nil {
		return core.Errorf(400, "InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", p)
	}
	return nil
}

func (st *state) newSubnet(v *Vpc, cidr string, az Zone, tags []Tag) *Subnet {
	x := &Subnet{
		VpcId: v.VpcId, OwnerId: st.account, State: "pending", CidrBlock: cidr,
		AvailabilityZone: az.ZoneName, AvailabilityZoneId: az.ZoneId,
		PrivateDnsNameOptions: PrivateDnsName{HostnameType: "ip-name"}, used: map[netip.Addr]bool{},
	}
	x.SubnetId = st.newID(x)
	x.SubnetArn = st.arn(subnetKind, x.SubnetId)
	x.count()
	st.add(x, x.SubnetId, tags)
	if acl := first(st, func(a *NetworkAcl) bool { return a.VpcId == v.VpcId && a.IsDefault }); acl != nil {
		st.associateAcl(acl, x.SubnetId)
	}
	st.after(0, func() { x.State = "available" })
	return x
}

// reserved is how many addresses of each subnet AWS keeps for itself.
const reserved = 5

func (x *Subnet) count() {
	x.AvailableIpAddressCount = 1<<(32-netip.MustParsePrefix(x.CidrBlock).Bits()) - reserved - len(x.used)
}

// take reserves an address, the given one or the next free one.
func (x *Subnet) take(want string) (string, error) {
	p := netip.MustParsePrefix(x.CidrBlock)
	if want != "" {
		a, err := netip.ParseAddr(want)
		if err != nil || !p.Contains(a) {
			return "", core.Errorf(400, "InvalidParameterValue", "Address %s does not fall within the subnet's address range", want)
		}
		if x.used[a] {
			return "", core.Errorf(400, "InvalidIPAddress.InUse", "Address %s is in use.", want)
		}
		x.used[a] = true
		x.count()
		return want, nil
	}
	if x.AvailableIpAddressCount <= 0 {
		return "", core.Errorf(400, "InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", x.SubnetId)
	}
	a := p.Addr()
	for range reserved - 1 { // the first four; the last one is the broadcast address
		a = a.Next()
	}
	for x.used[a] {
		a = a.Next()
	}
	x.used[a] = true
	x.count()
	return a.String(), nil
}

func (x *Subnet) give(addr string) {
	if a, err := netip.ParseAddr(addr); err == nil {
		delete(x.used, a)
		x.count()
	}
}

type describeSubnetsIn struct {
	Search
	SubnetIds []string `q:"SubnetId"`
}

type describeSubnetsOut struct {
	Subnets   List[*Subnet] `xml:"subnetSet"`
	NextToken string        `xml:"nextToken,omitempty"`
}

func describeSubnets(c *call, in *describeSubnetsIn) (*describeSubnetsOut, error) {
	list, next, err := describe[Subnet](c, &in.Search, in.SubnetIds)
	return &describeSubnetsOut{listOf(list), next}, err
}

type subnetIn struct {
	Base
	SubnetId string
}

func deleteSubnet(c *call, in *subnetIn) (*returned, error) {
	x, err := get[Subnet](c.state, in.SubnetId)
	if err != nil {
		return nil, err
	}
	if first(c.state, func(e *NetworkInterface) bool { return e.SubnetId == x.SubnetId }) != nil {
		return nil, dependency(subnetKind, x.SubnetId)
	}
	for _, t := range all[RouteTable](c.state) {
		t.Associations = slices.DeleteFunc(t.Associations, func(a RouteTableAssociation) bool { return a.SubnetId == x.SubnetId })
	}
	for _, a := range all[NetworkAcl](c.state) {
		a.Associations = slices.DeleteFunc(a.Associations, func(a NetworkAclAssociation) bool { return a.SubnetId == x.SubnetId })
	}
	c.remove(x)
	return done()
}

type modifySubnetIn struct {
	SubnetId                                string
	MapPublicIpOnLaunch                     *Flag
	AssignIpv6AddressOnCreation             *Flag
	EnableDns64                             *Flag
	EnableResourceNameDnsARecordOnLaunch    *Flag
	EnableResourceNameDnsAAAARecordOnLaunch *Flag
	PrivateDnsHostnameTypeOnLaunch          string
}

func modifySubnetAttribute(c *call, in *modifySubnetIn) (*returned, error) {
	x, err := get[Subnet](c.state, in.SubnetId)
	if err != nil {
		return nil, err
	}
	setFlag(&x.MapPublicIpOnLaunch, in.MapPublicIpOnLaunch)
	setFlag(&x.AssignIpv6AddressOnCreation, in.AssignIpv6AddressOnCreation)
	setFlag(&x.EnableDns64, in.EnableDns64)
	setFlag(&x.PrivateDnsNameOptions.EnableResourceNameDnsARecord, in.EnableResourceNameDnsARecordOnLaunch)
	setFlag(&x.PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord, in.EnableResourceNameDnsAAAARecordOnLaunch)
	if in.PrivateDnsHostnameTypeOnLaunch != "" {
		x.PrivateDnsNameOptions.HostnameType = in.PrivateDnsHostnameTypeOnLaunch
	}
	return done()
}
