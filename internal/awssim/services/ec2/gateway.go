package ec2

import (
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// InternetGateway joins a VPC to the internet.
type InternetGateway struct {
	InternetGatewayId string              `xml:"internetGatewayId"`
	OwnerId           string              `xml:"ownerId"`
	Attachments       []GatewayAttachment `xml:"attachmentSet>item"`
	Meta
}

// GatewayAttachment says which VPC a gateway is attached to.
type GatewayAttachment struct {
	VpcId string `xml:"vpcId"`
	State string `xml:"state"`
}

var internetGatewayKind = &kind{
	name: "internet-gateway", prefix: "igw", noun: "internetGateway",
	notFound: "InvalidInternetGatewayID.NotFound", malformed: "InvalidInternetGatewayId.Malformed",
	trail: "AWS::EC2::InternetGateway",
	filters: filters{
		"internet-gateway-id": "InternetGatewayId", "owner-id": "OwnerId",
		"attachment.vpc-id": "Attachments.VpcId", "attachment.state": "Attachments.State",
	},
}

func (*InternetGateway) kind() *kind { return internetGatewayKind }

func (g *InternetGateway) attachedTo(vpc string) bool {
	return slices.ContainsFunc(g.Attachments, func(a GatewayAttachment) bool { return a.VpcId == vpc })
}

func (s *Service) gatewayOps() []core.Op {
	return []core.Op{
		op(s, "CreateInternetGateway", createInternetGateway, creates((*InternetGateway)(nil))),
		op(s, "DescribeInternetGateways", describeInternetGateways, read),
		op(s, "DeleteInternetGateway", deleteInternetGateway),
		op(s, "AttachInternetGateway", attachInternetGateway),
		op(s, "DetachInternetGateway", detachInternetGateway),
	}
}

type createGatewayIn struct {
	Base
	Tagged
}

type gatewayOut struct {
	InternetGateway *InternetGateway `xml:"internetGateway"`
}

func createInternetGateway(c *call, in *createGatewayIn) (*gatewayOut, error) {
	return &gatewayOut{c.newInternetGateway(in.tags(internetGatewayKind))}, nil
}

func (st *state) newInternetGateway(tags []Tag) *InternetGateway {
	g := &InternetGateway{OwnerId: st.account}
	g.InternetGatewayId = st.newID(g)
	st.add(g, g.InternetGatewayId, tags)
	return g
}

type describeGatewaysIn struct {
	Search
	InternetGatewayIds []string `q:"InternetGatewayId"`
}

type describeGatewaysOut struct {
	InternetGateways List[*InternetGateway] `xml:"internetGatewaySet"`
	NextToken        string                 `xml:"nextToken,omitempty"`
}

func describeInternetGateways(c *call, in *describeGatewaysIn) (*describeGatewaysOut, error) {
	list, next, err := describe[InternetGateway](c, &in.Search, in.InternetGatewayIds)
	return &describeGatewaysOut{listOf(list), next}, err
}

type gatewayIn struct {
	Base
	InternetGatewayId string
	VpcId             string
}

func deleteInternetGateway(c *call, in *gatewayIn) (*returned, error) {
	g, err := get[InternetGateway](c.state, in.InternetGatewayId)
	if err != nil {
		return nil, err
	}
	if len(g.Attachments) > 0 {
		return nil, dependency(internetGatewayKind, g.InternetGatewayId)
	}
	c.remove(g)
	return done()
}

func attachInternetGateway(c *call, in *gatewayIn) (*returned, error) {
	g, err := get[InternetGateway](c.state, in.InternetGatewayId)
	if err != nil {
		return nil, err
	}
	v, err := get[Vpc](c.state, in.VpcId)
	if err != nil {
		return nil, err
	}
	if len(g.Attachments) > 0 {
		return nil, core.Errorf(400, "Resource.AlreadyAssociated", "resource %s is already attached to network %s", g.InternetGatewayId, g.Attachments[0].VpcId)
	}
	if first(c.state, func(o *InternetGateway) bool { return o.attachedTo(v.VpcId) }) != nil {
		return nil, core.Errorf(400, "InvalidParameterValue", "Network %s already has an internet gateway attached", v.VpcId)
	}
	g.Attachments = []GatewayAttachment{{v.VpcId, "available"}}
	return done()
}

func detachInternetGateway(c *call, in *gatewayIn) (*returned, error) {
	g, err := get[InternetGateway](c.state, in.InternetGatewayId)
	if err != nil {
		return nil, err
	}
	if err := need("vpcId", in.VpcId); err != nil {
		return nil, err
	}
	if !g.attachedTo(in.VpcId) {
		return nil, core.Errorf(400, "Gateway.NotAttached", "resource %s is not attached to network %s", g.InternetGatewayId, in.VpcId)
	}
	mapped := first(c.state, func(e *NetworkInterface) bool { return e.VpcId == in.VpcId && e.Association != nil })
	if mapped != nil {
		return nil, core.Errorf(400, "DependencyViolation", "Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", in.VpcId)
	}
	g.Attachments = nil
	return done()
}
