package ec2

import (
	"fmt"
	"net/netip"
	"reflect"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const defaultCidr = "172.31.0.0/16"

// newDefaultVpc builds what AWS gives every Region of an account: a VPC with a
// public subnet per zone, an internet gateway and a route to it.
func (st *state) newDefaultVpc() *Vpc {
	v := st.newVpc(defaultCidr, nil)
	v.IsDefault, v.dnsHostnames = true, true
	g := st.newInternetGateway(nil)
	g.Attachments = []GatewayAttachment{{v.VpcId, "available"}}
	main := first(st, func(t *RouteTable) bool { return t.VpcId == v.VpcId && t.main() })
	main.Routes = append(main.Routes, internetRoute(g.InternetGatewayId))
	for i, z := range zonesOf(st.region) {
		st.newDefaultSubnet(v, fmt.Sprintf("172.31.%d.0/20", 16*i), z)
	}
	st.settle(st.now) // available at once
	for _, o := range st.objects {
		if st.partOf(o, v.VpcId) {
			o.meta().byDefault = true
		}
	}
	return v
}

func internetRoute(gateway string) Route {
	return Route{DestinationCidrBlock: "0.0.0.0/0", GatewayId: gateway, Origin: "CreateRoute", State: "active"}
}

func (st *state) newDefaultSubnet(v *Vpc, cidr string, z Zone) *Subnet {
	sn := st.newSubnet(v, cidr, z, nil)
	sn.DefaultForAz, sn.MapPublicIpOnLaunch, sn.byDefault = true, true, true
	return sn
}

// partOf tells whether an object belongs to a VPC that was just made.
func (st *state) partOf(o Object, vpc string) bool {
	switch x := o.(type) {
	case *Vpc:
		return x.VpcId == vpc
	case *Subnet:
		return x.VpcId == vpc
	case *RouteTable:
		return x.VpcId == vpc
	case *NetworkAcl:
		return x.VpcId == vpc
	case *SecurityGroup:
		return x.VpcId == vpc
	case *SecurityGroupRule:
		g, ok := st.objects[x.GroupId].(*SecurityGroup)
		return ok && g.VpcId == vpc
	case *InternetGateway:
		return x.attachedTo(vpc)
	}
	return false
}

func (st *state) defaultVpc() *Vpc {
	return first(st, func(v *Vpc) bool { return v.IsDefault })
}

type createDefaultVpcIn struct{ Base }

func createDefaultVpc(c *call, _ *createDefaultVpcIn) (*vpcOut, error) {
	if v := c.defaultVpc(); v != nil {
		return nil, core.Errorf(400, "DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
	}
	return &vpcOut{c.newDefaultVpc()}, nil
}

type createDefaultSubnetIn struct {
	Base
	AvailabilityZone string
}

func createDefaultSubnet(c *call, in *createDefaultSubnetIn) (*subnetOut, error) {
	if err := need("availabilityZone", in.AvailabilityZone); err != nil {
		return nil, err
	}
	v := c.defaultVpc()
	if v == nil {
		return nil, core.Errorf(400, "DefaultVpcDoesNotExist", "There is no default VPC for this account in this region.")
	}
	z, err := c.zone(in.AvailabilityZone, "")
	if err != nil {
		return nil, err
	}
	if first(c.state, func(x *Subnet) bool { return x.DefaultForAz && x.AvailabilityZone == z.ZoneName }) != nil {
		return nil, core.Errorf(400, "DefaultSubnetAlreadyExistsInAvailabilityZone", "A default subnet already exists in the Availability Zone %s.", z.ZoneName)
	}
	for i := range 16 {
		cidr := fmt.Sprintf("172.31.%d.0/20", 16*i)
		if c.fits(v, netip.MustParsePrefix(cidr)) == nil {
			return &subnetOut{c.newDefaultSubnet(v, cidr, z)}, nil
		}
	}
	return nil, core.Errorf(400, "InsufficientFreeAddressesInVpc", "There is no free /20 range left in the default VPC.")
}

// changed tells whether a part of the default VPC differs from what AWS gave,
// so that the oracle can show what a reset must still put right.
func (st *state) changed(o Object) bool {
	switch x := o.(type) {
	case *Vpc:
		return len(x.CidrBlocks) != 1 || !x.dnsSupport || !x.dnsHostnames || x.addressMetrics ||
			x.DhcpOptionsId != st.defaultDhcpOptions().DhcpOptionsId
	case *Subnet:
		return !x.MapPublicIpOnLaunch
	case *RouteTable:
		return len(x.Routes) != 2 || x.Routes[1].DestinationCidrBlock != "0.0.0.0/0" || st.routeState(&x.Routes[1]) != "active" || !x.main()
	case *NetworkAcl:
		return !sameEntries(x.Entries, factoryEntries(true))
	case *SecurityGroup:
		rules := some(st, func(r *SecurityGroupRule) bool { return r.GroupId == x.GroupId })
		want := st.factoryRules(x)
		same := 0
		for i := range want {
			for _, r := range rules {
				if r.same(&want[i]) {
					same++
				}
			}
		}
		return len(rules) != len(want) || same != len(want)
	}
	return false
}

func sameEntries(a, b []NetworkAclEntry) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		found := false
		for _, y := range b {
			found = found || reflect.DeepEqual(x, y)
		}
		if !found {
			return false
		}
	}
	return true
}
