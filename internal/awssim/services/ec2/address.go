package ec2

import (
	"net/netip"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Address is an elastic IP address.
type Address struct {
	AllocationId            string `xml:"allocationId"`
	PublicIp                string `xml:"publicIp"`
	Domain                  string `xml:"domain"`
	PublicIpv4Pool          string `xml:"publicIpv4Pool"`
	NetworkBorderGroup      string `xml:"networkBorderGroup"`
	AssociationId           string `xml:"associationId,omitempty"`
	InstanceId              string `xml:"instanceId,omitempty"`
	NetworkInterfaceId      string `xml:"networkInterfaceId,omitempty"`
	NetworkInterfaceOwnerId string `xml:"networkInterfaceOwnerId,omitempty"`
	PrivateIpAddress        string `xml:"privateIpAddress,omitempty"`
	Meta
}

var addressKind = &kind{
	name: "elastic-ip", prefix: "eipalloc", noun: "allocation", notFound: "InvalidAllocationID.NotFound", malformed: "InvalidAllocationID.Malformed",
	trail: "AWS::EC2::EIP",
	filters: filters{
		"allocation-id": "AllocationId", "association-id": "AssociationId", "domain": "Domain", "instance-id": "InstanceId",
		"network-interface-id": "NetworkInterfaceId", "private-ip-address": "PrivateIpAddress", "public-ip": "PublicIp",
		"network-border-group": "NetworkBorderGroup", "network-interface-owner-id": "NetworkInterfaceOwnerId",
	},
}

func (*Address) kind() *kind { return addressKind }

func (s *Service) addressOps() []core.Op {
	return []core.Op{
		op(s, "AllocateAddress", allocateAddress, creates((*Address)(nil))),
		op(s, "DescribeAddresses", describeAddresses, read),
		op(s, "DescribeAddressesAttribute", describeAddressesAttribute, read),
		op(s, "AssociateAddress", associateAddress),
		op(s, "DisassociateAddress", disassociateAddress),
		op(s, "ReleaseAddress", releaseAddress),
	}
}

// maxAddresses is the default quota of elastic addresses per Region.
const maxAddresses = 5

type allocateIn struct {
	Base
	Tagged
	Domain string
}

type allocateOut struct {
	AllocationId       string `xml:"allocationId"`
	Domain             string `xml:"domain"`
	NetworkBorderGroup string `xml:"networkBorderGroup"`
	PublicIp           string `xml:"publicIp"`
	PublicIpv4Pool     string `xml:"publicIpv4Pool"`
}

func allocateAddress(c *call, in *allocateIn) (*allocateOut, error) {
	if len(all[Address](c.state)) >= maxAddresses {
		return nil, core.Errorf(400, "AddressLimitExceeded", "The maximum number of addresses has been reached.")
	}
	a := &Address{PublicIp: c.publicIP(), Domain: "vpc", PublicIpv4Pool: "amazon", NetworkBorderGroup: c.region}
	a.AllocationId = c.newID(a)
	c.add(a, a.AllocationId, in.tags(addressKind))
	return &allocateOut{a.AllocationId, a.Domain, a.NetworkBorderGroup, a.PublicIp, a.PublicIpv4Pool}, nil
}

// publicIP gives the next address of 198.18.0.0/15, which is reserved for
// benchmarks: it is nobody's machine.
func (st *state) publicIP() string {
	st.addresses++
	n := 198<<24 | 18<<16 | st.addresses&0x1ffff
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
}

type describeAddressesIn struct {
	Base
	Filters       []Filter `q:"Filter"`
	AllocationIds []string `q:"AllocationId"`
	PublicIps     []string `q:"PublicIp"`
}

type describeAddressesOut struct {
	Addresses List[*Address] `xml:"addressesSet"`
}

func describeAddresses(c *call, in *describeAddressesIn) (*describeAddressesOut, error) {
	ids := in.AllocationIds
	for _, ip := range in.PublicIps {
		a, err := c.address("", ip)
		if err != nil {
			return nil, err
		}
		ids = append(ids, a.AllocationId)
	}
	list, _, err := describe[Address](c, &Search{Filters: in.Filters}, ids)
	return &describeAddressesOut{listOf(list)}, err
}

type addressesAttributeIn struct {
	Base
	AllocationIds []string `q:"AllocationId"`
	Attribute     string
}

// AddressAttribute is the reverse name of an address; nobody sets one here.
type AddressAttribute struct {
	AllocationId string `xml:"allocationId"`
	PublicIp     string `xml:"publicIp"`
}

type addressesAttributeOut struct {
	Addresses List[AddressAttribute] `xml:"addressSet"`
}

func describeAddressesAttribute(c *call, in *addressesAttributeIn) (*addressesAttributeOut, error) {
	list, _, err := describe[Address](c, &Search{}, in.AllocationIds)
	out := &addressesAttributeOut{}
	for _, a := range list {
		out.Addresses.Items = append(out.Addresses.Items, AddressAttribute{a.AllocationId, a.PublicIp})
	}
	return out, err
}

// address finds an elastic address by allocation or by the address itself.
func (st *state) address(allocation, ip string) (*Address, error) {
	if allocation != "" || ip == "" {
		return get[Address](st, allocation)
	}
	if a := first(st, func(a *Address) bool { return a.PublicIp == ip }); a != nil {
		return a, nil
	}
	return nil, core.Errorf(400, "InvalidAddress.NotFound", "Address '%s' not found.", ip)
}

type associateAddressIn struct {
	Base
	AllocationId       string
	AllowReassociation bool
	InstanceId         string
	NetworkInterfaceId string
	PublicIp           string
}

type associateAddressOut struct {
	Return        bool   `xml:"return"`
	AssociationId string `xml:"associationId"`
}

func associateAddress(c *call, in *associateAddressIn) (*associateAddressOut, error) {
	a, err := c.address(in.AllocationId, in.PublicIp)
	if err != nil {
		return nil, err
	}
	e, err := c.addressTarget(in)
	if err != nil {
		return nil, err
	}
	if a.AssociationId != "" && !in.AllowReassociation {
		if a.NetworkInterfaceId == e.NetworkInterfaceId {
			return &associateAddressOut{true, a.AssociationId}, nil
		}
		return nil, core.Errorf(400, "Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", a.AllocationId, a.AssociationId)
	}
	if first(c.state, func(g *InternetGateway) bool { return g.attachedTo(e.VpcId) }) == nil {
		return nil, core.Errorf(400, "Gateway.NotAttached", "Network %s is not attached to any internet gateway", e.VpcId)
	}
	c.disassociate(a)
	c.associate(a, e)
	return &associateAddressOut{true, a.AssociationId}, nil
}

func (c *call) addressTarget(in *associateAddressIn) (*NetworkInterface, error) {
	if in.NetworkInterfaceId != "" {
		return get[NetworkInterface](c.state, in.NetworkInterfaceId)
	}
	i, err := get[Instance](c.state, in.InstanceId)
	if err != nil {
		return nil, err
	}
	if s := i.InstanceState.Name; s != "running" && s != "stopped" && s != "stopping" {
		return nil, core.Errorf(400, "InvalidInstanceID", "The pending-instance-creation instance to which '%s' belongs is not in a valid state for this operation", i.InstanceId)
	}
	return c.primaryOf(i), nil
}

// associate maps the address to an interface; a public address that the
// interface had goes away.
func (st *state) associate(a *Address, e *NetworkInterface) {
	a.AssociationId = st.svc.w.ID("eipassoc")
	a.NetworkInterfaceId, a.NetworkInterfaceOwnerId, a.PrivateIpAddress = e.NetworkInterfaceId, st.account, e.PrivateIpAddress
	if e.Attachment != nil {
		a.InstanceId = e.Attachment.InstanceId
	}
	e.publish(&EniAssociation{a.AllocationId, a.AssociationId, st.account, st.publicName(a.PublicIp), a.PublicIp})
}

func (st *state) disassociate(a *Address) {
	if e, ok := st.objects[a.NetworkInterfaceId].(*NetworkInterface); ok {
		e.publish(nil)
	}
	a.AssociationId, a.InstanceId, a.NetworkInterfaceId, a.NetworkInterfaceOwnerId, a.PrivateIpAddress = "", "", "", "", ""
}

type addressIn struct {
	Base
	AllocationId  string
	AssociationId string
	PublicIp      string
}

func disassociateAddress(c *call, in *addressIn) (*returned, error) {
	if in.AssociationId == "" {
		a, err := c.address("", in.PublicIp)
		if err != nil {
			return nil, err
		}
		c.disassociate(a)
		return done()
	}
	a := first(c.state, func(a *Address) bool { return a.AssociationId == in.AssociationId })
	if a == nil {
		return nil, core.Errorf(400, "InvalidAssociationID.NotFound", "The association ID '%s' does not exist", in.AssociationId)
	}
	if e, ok := c.objects[a.NetworkInterfaceId].(*NetworkInterface); ok && e.RequesterManaged {
		return nil, core.Errorf(400, "AuthFailure", "You do not have permission to access the specified resource.")
	}
	c.disassociate(a)
	return done()
}

func releaseAddress(c *call, in *addressIn) (*returned, error) {
	a, err := c.address(in.AllocationId, in.PublicIp)
	if err != nil {
		return nil, err
	}
	if a.AssociationId != "" {
		return nil, core.Errorf(400, "InvalidIPAddress.InUse", "Address %s is in use.", a.PublicIp)
	}
	c.remove(a)
	return done()
}
