package ec2

import (
	"github.com/kodekloud/kml/internal/awssim/core"
)

// NatGateway lets private subnets out.
type NatGateway struct {
	NatGatewayId     string       `xml:"natGatewayId"`
	VpcId            string       `xml:"vpcId"`
	SubnetId         string       `xml:"subnetId"`
	State            string       `xml:"state"`
	ConnectivityType string       `xml:"connectivityType"`
	CreateTime       *core.Time   `xml:"createTime"`
	DeleteTime       *core.Time   `xml:"deleteTime"`
	FailureCode      string       `xml:"failureCode,omitempty"`
	FailureMessage   string       `xml:"failureMessage,omitempty"`
	Addresses        []NatAddress `xml:"natGatewayAddressSet>item"`
	Meta
}

// NatAddress is one of a NAT gateway's addresses.
type NatAddress struct {
	AllocationId       string `xml:"allocationId,omitempty"`
	AssociationId      string `xml:"associationId,omitempty"`
	NetworkInterfaceId string `xml:"networkInterfaceId"`
	PrivateIp          string `xml:"privateIp"`
	PublicIp           string `xml:"publicIp,omitempty"`
	IsPrimary          bool   `xml:"isPrimary"`
	Status             string `xml:"status"`
}

var natGatewayKind = &kind{
	name: "natgateway", prefix: "nat", noun: "Nat Gateway", notFound: "NatGatewayNotFound", malformed: "NatGatewayMalformed",
	trail:   "AWS::EC2::NatGateway",
	filters: filters{"nat-gateway-id": "NatGatewayId", "state": "State", "subnet-id": "SubnetId", "vpc-id": "VpcId"},
}

func (*NatGateway) kind() *kind { return natGatewayKind }

func (s *Service) natOps() []core.Op {
	return []core.Op{
		op(s, "CreateNatGateway", createNatGateway, creates((*NatGateway)(nil))),
		op(s, "DescribeNatGateways", describeNatGateways, read),
		op(s, "DeleteNatGateway", deleteNatGateway),
	}
}

type createNatIn struct {
	Base
	Tagged
	AllocationId     string
	ClientToken      string
	ConnectivityType string
	PrivateIpAddress string
	SubnetId         string
}

type natOut struct {
	ClientToken string      `xml:"clientToken,omitempty"`
	NatGateway  *NatGateway `xml:"natGateway"`
}

func createNatGateway(c *call, in *createNatIn) (*natOut, error) {
	return once(c, in.ClientToken, in, func() (*natOut, error) {
		sn, err := get[Subnet](c.state, in.SubnetId)
		if err != nil {
			return nil, err
		}
		public := in.ConnectivityType != "private"
		var a *Address
		if public {
			if err := need("AllocationId", in.AllocationId); err != nil {
				return nil, err
			}
			if a, err = get[Address](c.state, in.AllocationId); err != nil {
				return nil, err
			}
			if a.AssociationId != "" {
				return nil, core.Errorf(400, "Resource.AlreadyAssociated", "Elastic IP address [%s] is already associated", a.AllocationId)
			}
		}
		e, err := c.newInterface(sn, eniSpec{address: in.PrivateIpAddress, kind: "nat_gateway", manager: "amazon-nat"})
		if err != nil {
			return nil, err
		}
		return &natOut{in.ClientToken, c.newNat(sn, e, a, in.tags(natGatewayKind))}, nil
	})
}

func (st *state) newNat(sn *Subnet, e *NetworkInterface, a *Address, tags []Tag) *NatGateway {
	n := &NatGateway{
		VpcId: sn.VpcId, SubnetId: sn.SubnetId, State: "pending", ConnectivityType: "public", CreateTime: core.Ptr(st.now),
		Addresses: []NatAddress{{NetworkInterfaceId: e.NetworkInterfaceId, PrivateIp: e.PrivateIpAddress, IsPrimary: true, Status: "succeeded"}},
	}
	n.NatGatewayId = st.newID(n)
	e.Description, e.Status = "Interface for NAT Gateway "+n.NatGatewayId, "in-use"
	if a == nil {
		n.ConnectivityType = "private"
	} else {
		st.associate(a, e)
		n.Addresses[0].AllocationId, n.Addresses[0].AssociationId, n.Addresses[0].PublicIp = a.AllocationId, a.AssociationId, a.PublicIp
	}
	st.add(n, n.NatGatewayId, tags)
	st.after(1, func() { st.natReady(n, a != nil) })
	return n
}

// natReady ends the pending state: a public gateway fails in a VPC without an
// internet gateway, and only then is the failure told.
func (st *state) natReady(n *NatGateway, public bool) {
	if n.State != "pending" {
		return
	}
	if public && first(st, func(g *InternetGateway) bool { return g.attachedTo(n.VpcId) }) == nil {
		n.State, n.FailureCode = "failed", "Gateway.NotAttached"
		n.FailureMessage = "Network " + n.VpcId + " has no Internet gateway attached"
		st.releaseNat(n)
		st.at(st.now.Add(visible), func() { st.remove(n) })
		return
	}
	n.State = "available"
}

type describeNatIn struct {
	Base
	Filters       []Filter `q:"Filter"`
	MaxResults    *int
	NextToken     string
	NatGatewayIds []string `q:"NatGatewayId"`
}

type describeNatOut struct {
	NatGateways List[*NatGateway] `xml:"natGatewaySet"`
	NextToken   string            `xml:"nextToken,omitempty"`
}

func describeNatGateways(c *call, in *describeNatIn) (*describeNatOut, error) {
	q := Search{in.Base, in.Filters, in.MaxResults, in.NextToken}
	list, next, err := describe[NatGateway](c, &q, in.NatGatewayIds)
	return &describeNatOut{listOf(list), next}, err
}

type natIn struct {
	Base
	NatGatewayId string
}

type deleteNatOut struct {
	NatGatewayId string `xml:"natGatewayId"`
}

// deleteNatGateway takes a while; the elastic address stays allocated, and the
// deleted gateway stays visible for about an hour.
func deleteNatGateway(c *call, in *natIn) (*deleteNatOut, error) {
	n, err := get[NatGateway](c.state, in.NatGatewayId)
	if err != nil {
		return nil, err
	}
	switch n.State {
	case "failed": // holds nothing any more
		n.State, n.DeleteTime = "deleted", core.Ptr(c.now)
	case "pending", "available":
		n.State = "deleting"
		c.after(2, func() {
			n.State, n.DeleteTime = "deleted", core.Ptr(c.now)
			c.releaseNat(n)
			c.at(c.now.Add(visible), func() { c.remove(n) })
		})
	}
	return &deleteNatOut{n.NatGatewayId}, nil
}

// releaseNat gives the interface back and frees the elastic address.
func (st *state) releaseNat(n *NatGateway) {
	if a, ok := st.objects[n.Addresses[0].AllocationId].(*Address); ok {
		st.disassociate(a)
	}
	if e, ok := st.objects[n.Addresses[0].NetworkInterfaceId].(*NetworkInterface); ok {
		st.removeInterface(e)
	}
}
