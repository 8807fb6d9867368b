package ec2

import (
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// VpcPeeringConnection joins two VPCs. Both sides see the same object.
type VpcPeeringConnection struct {
	VpcPeeringConnectionId string        `xml:"vpcPeeringConnectionId"`
	Requester              PeeringVpc    `xml:"requesterVpcInfo"`
	Accepter               PeeringVpc    `xml:"accepterVpcInfo"`
	Status                 PeeringStatus `xml:"status"`
	ExpirationTime         *core.Time    `xml:"expirationTime"`
	Meta
}

// PeeringVpc is one side of a peering.
type PeeringVpc struct {
	OwnerId   string `xml:"ownerId"`
	VpcId     string `xml:"vpcId"`
	CidrBlock string `xml:"cidrBlock,omitempty"`
	Region    string `xml:"region"`
}

// PeeringStatus is how far a peering has come.
type PeeringStatus struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

var peeringKind = &kind{
	name: "vpc-peering-connection", prefix: "pcx", noun: "vpcPeeringConnection",
	notFound: "InvalidVpcPeeringConnectionID.NotFound", malformed: "InvalidVpcPeeringConnectionId.Malformed",
	trail: "AWS::EC2::VPCPeeringConnection",
	filters: filters{
		"vpc-peering-connection-id": "VpcPeeringConnectionId", "status-code": "Status.Code",
		"requester-vpc-info.vpc-id": "Requester.VpcId", "requester-vpc-info.owner-id": "Requester.OwnerId",
		"accepter-vpc-info.vpc-id": "Accepter.VpcId", "accepter-vpc-info.owner-id": "Accepter.OwnerId",
	},
}

func (*VpcPeeringConnection) kind() *kind { return peeringKind }

func (p *VpcPeeringConnection) joins(vpc string) bool {
	return p.Requester.VpcId == vpc || p.Accepter.VpcId == vpc
}

func (p *VpcPeeringConnection) live() bool {
	return p.Status.Code == "pending-acceptance" || p.Status.Code == "active"
}

func (s *Service) peeringOps() []core.Op {
	return []core.Op{
		op(s, "CreateVpcPeeringConnection", createPeering, only("VpcId"), creates((*VpcPeeringConnection)(nil))),
		op(s, "AcceptVpcPeeringConnection", acceptPeering),
		op(s, "RejectVpcPeeringConnection", rejectPeering),
		op(s, "DescribeVpcPeeringConnections", describePeerings, read),
		op(s, "DeleteVpcPeeringConnection", deletePeering),
	}
}

type createPeeringIn struct {
	Base
	Tagged
	PeerOwnerId string
	PeerRegion  string
	PeerVpcId   string
	VpcId       string
}

type peeringOut struct {
	Peering *VpcPeeringConnection `xml:"vpcPeeringConnection"`
}

// createPeering joins VPCs of this account and Region; elsewhere the other side
// is not found and the peering fails, as AWS shows it for an unknown VPC.
func createPeering(c *call, in *createPeeringIn) (*peeringOut, error) {
	v, err := get[Vpc](c.state, in.VpcId)
	if err != nil {
		return nil, err
	}
	if err := need("peerVpcId", in.PeerVpcId); err != nil {
		return nil, err
	}
	p := &VpcPeeringConnection{
		Requester:      PeeringVpc{c.account, v.VpcId, v.CidrBlock, c.region},
		Accepter:       PeeringVpc{in.PeerOwnerId, in.PeerVpcId, "", in.PeerRegion},
		Status:         PeeringStatus{"pending-acceptance", "Pending Acceptance by " + in.PeerOwnerId},
		ExpirationTime: core.Ptr(c.now.Add(7 * 24 * time.Hour)),
	}
	if p.Accepter.OwnerId == "" {
		p.Accepter.OwnerId = c.account
	}
	if p.Accepter.Region == "" {
		p.Accepter.Region = c.region
	}
	p.VpcPeeringConnectionId = c.newID(p)
	peer, ok := c.objects[in.PeerVpcId].(*Vpc)
	here := p.Accepter.OwnerId == c.account && p.Accepter.Region == c.region
	if !ok || !here || peer.CidrBlock == v.CidrBlock {
		p.Status = PeeringStatus{"failed", "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"}
	} else {
		p.Accepter.CidrBlock = peer.CidrBlock
	}
	c.add(p, p.VpcPeeringConnectionId, in.tags(peeringKind))
	c.at(p.ExpirationTime.Time, func() {
		if p.Status.Code == "pending-acceptance" {
			p.Status = PeeringStatus{"expired", "Expired"}
		}
	})
	return &peeringOut{p}, nil
}

type peeringIn struct {
	Base
	VpcPeeringConnectionId string
}

func (c *call) peeringIn(id, state string) (*VpcPeeringConnection, error) {
	p, err := get[VpcPeeringConnection](c.state, id)
	if err == nil && state != "" && p.Status.Code != state {
		return nil, core.Errorf(400, "InvalidStateTransition", "Invalid state transition for %s, attempted to transition from %s", id, p.Status.Code)
	}
	return p, err
}

func acceptPeering(c *call, in *peeringIn) (*peeringOut, error) {
	p, err := c.peeringIn(in.VpcPeeringConnectionId, "pending-acceptance")
	if err != nil {
		return nil, err
	}
	p.Status, p.ExpirationTime = PeeringStatus{"active", "Active"}, nil
	return &peeringOut{p}, nil
}

func rejectPeering(c *call, in *peeringIn) (*returned, error) {
	p, err := c.peeringIn(in.VpcPeeringConnectionId, "pending-acceptance")
	if err != nil {
		return nil, err
	}
	p.Status = PeeringStatus{"rejected", "Rejected"}
	return done()
}

type describePeeringsIn struct {
	Search
	Ids []string `q:"VpcPeeringConnectionId"`
}

type describePeeringsOut struct {
	Peerings  List[*VpcPeeringConnection] `xml:"vpcPeeringConnectionSet"`
	NextToken string                      `xml:"nextToken,omitempty"`
}

func describePeerings(c *call, in *describePeeringsIn) (*describePeeringsOut, error) {
	list, next, err := describe[VpcPeeringConnection](c, &in.Search, in.Ids)
	return &describePeeringsOut{listOf(list), next}, err
}

// deletePeering leaves the connection visible as deleted for a while.
func deletePeering(c *call, in *peeringIn) (*returned, error) {
	p, err := c.peeringIn(in.VpcPeeringConnectionId, "")
	if err != nil {
		return nil, err
	}
	if !p.live() && p.Status.Code != "failed" {
		return nil, core.Errorf(400, "InvalidStateTransition", "Invalid state transition for %s, attempted to transition from %s to deleting", p.VpcPeeringConnectionId, p.Status.Code)
	}
	p.Status = PeeringStatus{"deleted", "Deleted by " + c.account}
	c.at(c.now.Add(2*time.Hour), func() { c.remove(p) })
	return done()
}
