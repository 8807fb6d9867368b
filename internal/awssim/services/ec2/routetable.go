package ec2

import (
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// RouteTable routes the traffic of the subnets that are associated with it.
type RouteTable struct {
	RouteTableId string                  `xml:"routeTableId"`
	VpcId        string                  `xml:"vpcId"`
	OwnerId      string                  `xml:"ownerId"`
	Routes       []Route                 `xml:"routeSet>item"`
	Associations []RouteTableAssociation `xml:"associationSet>item"`
	Meta
}

// Route is one destination and where it goes.
type Route struct {
	DestinationCidrBlock        string `xml:"destinationCidrBlock,omitempty"`
	DestinationIpv6CidrBlock    string `xml:"destinationIpv6CidrBlock,omitempty"`
	DestinationPrefixListId     string `xml:"destinationPrefixListId,omitempty"`
	GatewayId                   string `xml:"gatewayId,omitempty"`
	EgressOnlyInternetGatewayId string `xml:"egressOnlyInternetGatewayId,omitempty"`
	InstanceId                  string `xml:"instanceId,omitempty"`
	NatGatewayId                string `xml:"natGatewayId,omitempty"`
	NetworkInterfaceId          string `xml:"networkInterfaceId,omitempty"`
	TransitGatewayId            string `xml:"transitGatewayId,omitempty"`
	VpcPeeringConnectionId      string `xml:"vpcPeeringConnectionId,omitempty"`
	Origin                      string `xml:"origin" q:"-"`
	State                       string `xml:"state" q:"-"`
}

// RouteTableAssociation binds a subnet, or makes the table the VPC's main one.
type RouteTableAssociation struct {
	RouteTableAssociationId string    `xml:"routeTableAssociationId"`
	RouteTableId            string    `xml:"routeTableId"`
	SubnetId                string    `xml:"subnetId,omitempty"`
	GatewayId               string    `xml:"gatewayId,omitempty"`
	Main                    bool      `xml:"main"`
	State                   CidrState `xml:"associationState"`
}

var routeTableKind = &kind{
	name: "route-table", prefix: "rtb", noun: "routeTable", notFound: "InvalidRouteTableID.NotFound", malformed: "InvalidRouteTableId.Malformed",
	trail: "AWS::EC2::RouteTable",
	filters: filters{
		"route-table-id": "RouteTableId", "vpc-id": "VpcId", "owner-id": "OwnerId",
		"association.main": "Associations.Main", "association.subnet-id": "Associations.SubnetId",
		"association.gateway-id":                 "Associations.GatewayId",
		"association.route-table-association-id": "Associations.RouteTableAssociationId",
		"association.route-table-id":             "Associations.RouteTableId",
		"route.destination-cidr-block":           "Routes.DestinationCidrBlock", "route.gateway-id": "Routes.GatewayId",
		"route.nat-gateway-id": "Routes.NatGatewayId", "route.state": "Routes.State", "route.origin": "Routes.Origin",
		"route.vpc-peering-connection-id": "Routes.VpcPeeringConnectionId", "route.instance-id": "Routes.InstanceId",
	},
}

func (*RouteTable) kind() *kind { return routeTableKind }

func (t *RouteTable) main() bool {
	return slices.ContainsFunc(t.Associations, func(a RouteTableAssociation) bool { return a.Main })
}

func (s *Service) routeTableOps() []core.Op {
	return []core.Op{
		op(s, "CreateRouteTable", createRouteTable, creates((*RouteTable)(nil))),
		op(s, "DescribeRouteTables", describeRouteTables, read),
		op(s, "DeleteRouteTable", deleteRouteTable),
		op(s, "CreateRoute", createRoute, only("RouteTableId")),
		op(s, "ReplaceRoute", replaceRoute, only("RouteTableId")),
		op(s, "DeleteRoute", deleteRoute, only("RouteTableId")),
		op(s, "AssociateRouteTable", associateRouteTable),
		op(s, "DisassociateRouteTable", disassociateRouteTable),
		op(s, "ReplaceRouteTableAssociation", replaceRouteTableAssociation),
	}
}

func (st *state) newRouteTable(v *Vpc, tags []Tag, main bool) *RouteTable {
	t := &RouteTable{VpcId: v.VpcId, OwnerId: st.account}
	t.RouteTableId = st.newID(t)
	t.Routes = []Route{{DestinationCidrBlock: v.CidrBlock, GatewayId: "local", Origin: "CreateRouteTable", State: "active"}}
	if main {
		t.Associations = []RouteTableAssociation{st.newAssociation(t, "", true)}
	}
	st.add(t, t.RouteTableId, tags)
	return t
}

func (st *state) newAssociation(t *RouteTable, subnet string, main bool) RouteTableAssociation {
	return RouteTableAssociation{
		RouteTableAssociationId: st.svc.w.ID("rtbassoc"), RouteTableId: t.RouteTableId,
		SubnetId: subnet, Main: main, State: CidrState{"associated"},
	}
}

type createRouteTableIn struct {
	Base
	Tagged
	VpcId       string
	ClientToken string
}

type routeTableOut struct {
	RouteTable *RouteTable `xml:"routeTable"`
}

func createRouteTable(c *call, in *createRouteTableIn) (*routeTableOut, error) {
	return once(c, in.ClientToken, in, func() (*routeTableOut, error) {
		v, err := get[Vpc](c.state, in.VpcId)
		if err != nil {
			return nil, err
		}
		return &routeTableOut{c.newRouteTable(v, in.tags(routeTableKind), false)}, nil
	})
}

type describeRouteTablesIn struct {
	Search
	RouteTableIds []string `q:"RouteTableId"`
}

type describeRouteTablesOut struct {
	RouteTables List[*RouteTable] `xml:"routeTableSet"`
	NextToken   string            `xml:"nextToken,omitempty"`
}

func describeRouteTables(c *call, in *describeRouteTablesIn) (*describeRouteTablesOut, error) {
	for _, t := range all[RouteTable](c.state) {
		for i := range t.Routes {
			t.Routes[i].State = c.routeState(&t.Routes[i])
		}
	}
	list, next, err := describe[RouteTable](c, &in.Search, in.RouteTableIds)
	return &describeRouteTablesOut{listOf(list), next}, err
}

// routeState is blackhole when the target is gone, as AWS shows it.
func (st *state) routeState(r *Route) string {
	for _, id := range []string{r.GatewayId, r.NatGatewayId, r.NetworkInterfaceId, r.VpcPeeringConnectionId, r.InstanceId} {
		if id == "" || id == "local" {
			continue
		}
		o := st.objects[id]
		if n, ok := o.(*NatGateway); o == nil || ok && n.State != "available" && n.State != "pending" {
			return "blackhole"
		}
		if i, ok := o.(*Instance); ok && i.InstanceState.Name != "running" {
			return "blackhole"
		}
	}
	return "active"
}

type routeTableIn struct {
	Base
	RouteTableId string
}

func deleteRouteTable(c *call, in *routeTableIn) (*returned, error) {
	t, err := get[RouteTable](c.state, in.RouteTableId)
	if err != nil {
		return nil, err
	}
	if len(t.Associations) > 0 {
		return nil, dependency(routeTableKind, t.RouteTableId)
	}
	c.remove(t)
	return done()
}

type routeIn struct {
	Base
	Route
	RouteTableId  string
	VpcEndpointId string
}

func (r *Route) destination() string {
	return r.DestinationCidrBlock + r.DestinationIpv6CidrBlock + r.DestinationPrefixListId
}

func (t *RouteTable) route(destination string) int {
	return slices.IndexFunc(t.Routes, func(r Route) bool { return r.destination() == destination })
}

func createRoute(c *call, in *routeIn) (*returned, error) {
	t, r, err := c.readRoute(in)
	if err != nil {
		return nil, err
	}
	if t.route(r.destination()) >= 0 {
		return nil, core.Errorf(400, "RouteAlreadyExists", "The route identified by %s already exists.", r.destination())
	}
	t.Routes = append(t.Routes, r)
	return done()
}

func replaceRoute(c *call, in *routeIn) (*returned, error) {
	t, r, err := c.readRoute(in)
	if err != nil {
		return nil, err
	}
	i := t.route(r.destination())
	if i < 0 {
		return nil, core.Errorf(400, "InvalidRoute.NotFound", "There is no route defined for '%s' in the route table.", r.destination())
	}
	t.Routes[i] = r
	return done()
}

// readRoute checks a route's destination and target.
func (c *call) readRoute(in *routeIn) (*RouteTable, Route, error) {
	r := in.Route
	t, err := get[RouteTable](c.state, in.RouteTableId)
	if err != nil {
		return nil, r, err
	}
	if in.VpcEndpointId != "" {
		r.GatewayId = in.VpcEndpointId
	}
	if r.DestinationCidrBlock != "" {
		p, err := parseCidr("destinationCidrBlock", r.DestinationCidrBlock)
		if err != nil {
			return nil, r, err
		}
		r.DestinationCidrBlock = p.String()
	}
	if r.destination() == "" {
		return nil, r, missingParameter("destinationCidrBlock")
	}
	r.Origin, r.State = "CreateRoute", "active"
	return t, r, c.checkTarget(t, &r)
}

func (c *call) checkTarget(t *RouteTable, r *Route) error {
	switch {
	case r.GatewayId == "local":
		return nil
	case r.GatewayId != "" && kindOf(r.GatewayId) == vpcEndpointKind:
		_, err := get[VpcEndpoint](c.state, r.GatewayId)
		return err
	case r.GatewayId != "":
		g, err := get[InternetGateway](c.state, r.GatewayId)
		if err == nil && !g.attachedTo(t.VpcId) {
			return invalidValue("gatewayId", r.GatewayId, "route table "+t.RouteTableId+" and network gateway belong to different networks")
		}
		return err
	case r.NatGatewayId != "":
		_, err := get[NatGateway](c.state, r.NatGatewayId)
		return err
	case r.VpcPeeringConnectionId != "":
		_, err := get[VpcPeeringConnection](c.state, r.VpcPeeringConnectionId)
		return err
	case r.NetworkInterfaceId != "":
		_, err := get[NetworkInterface](c.state, r.NetworkInterfaceId)
		return err
	case r.InstanceId != "":
		i, err := get[Instance](c.state, r.InstanceId)
		if err == nil {
			r.NetworkInterfaceId = c.primaryOf(i).NetworkInterfaceId
		}
		return err
	}
	return core.Errorf(400, "InvalidParameterCombination", "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId or instanceId")
}

func deleteRoute(c *call, in *routeIn) (*returned, error) {
	t, err := get[RouteTable](c.state, in.RouteTableId)
	if err != nil {
		return nil, err
	}
	i := t.route(in.destination())
	if i < 0 {
		return nil, core.Errorf(400, "InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", in.destination(), t.RouteTableId)
	}
	if t.Routes[i].GatewayId == "local" {
		return nil, core.Errorf(400, "InvalidParameterValue", "cannot remove local route %s in route table %s", in.destination(), t.RouteTableId)
	}
	t.Routes = append(t.Routes[:i:i], t.Routes[i+1:]...)
	return done()
}

type associateTableIn struct {
	Base
	RouteTableId string
	SubnetId     string
	GatewayId    string
}

type associateTableOut struct {
	AssociationId    string    `xml:"associationId,omitempty"`
	NewAssociationId string    `xml:"newAssociationId,omitempty"`
	State            CidrState `xml:"associationState"`
}

func associateRouteTable(c *call, in *associateTableIn) (*associateTableOut, error) {
	t, err := get[RouteTable](c.state, in.RouteTableId)
	if err != nil {
		return nil, err
	}
	if in.GatewayId != "" {
		a := c.newAssociation(t, "", false)
		a.GatewayId = in.GatewayId
		t.Associations = append(t.Associations, a)
		return &associateTableOut{AssociationId: a.RouteTableAssociationId, State: a.State}, nil
	}
	sn, err := get[Subnet](c.state, in.SubnetId)
	if err != nil {
		return nil, err
	}
	if sn.VpcId != t.VpcId {
		return nil, core.Errorf(400, "InvalidParameterValue", "Route table %s and subnet %s belong to different networks", t.RouteTableId, sn.SubnetId)
	}
	for _, o := range all[RouteTable](c.state) {
		for _, a := range o.Associations {
			if a.SubnetId != sn.SubnetId {
				continue
			}
			if o == t {
				return &associateTableOut{AssociationId: a.RouteTableAssociationId, State: a.State}, nil
			}
			return nil, core.Errorf(400, "Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", t.RouteTableId)
		}
	}
	a := c.newAssociation(t, sn.SubnetId, false)
	t.Associations = append(t.Associations, a)
	return &associateTableOut{AssociationId: a.RouteTableAssociationId, State: a.State}, nil
}

type associationIn struct {
	Base
	AssociationId string
	RouteTableId  string
}

func (c *call) association(id string) (*RouteTable, int, error) {
	for _, t := range all[RouteTable](c.state) {
		for i, a := range t.Associations {
			if a.RouteTableAssociationId == id {
				return t, i, nil
			}
		}
	}
	return nil, 0, core.Errorf(400, "InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
}

func disassociateRouteTable(c *call, in *associationIn) (*returned, error) {
	t, i, err := c.association(in.AssociationId)
	if err != nil {
		return nil, err
	}
	if t.Associations[i].Main {
		return nil, core.Errorf(400, "InvalidParameterValue", "cannot disassociate the main route table association %s", in.AssociationId)
	}
	t.Associations = append(t.Associations[:i:i], t.Associations[i+1:]...)
	return done()
}

func replaceRouteTableAssociation(c *call, in *associationIn) (*associateTableOut, error) {
	old, i, err := c.association(in.AssociationId)
	if err != nil {
		return nil, err
	}
	t, err := get[RouteTable](c.state, in.RouteTableId)
	if err != nil {
		return nil, err
	}
	was := old.Associations[i]
	old.Associations = append(old.Associations[:i:i], old.Associations[i+1:]...)
	a := c.newAssociation(t, was.SubnetId, was.Main)
	t.Associations = append(t.Associations, a)
	return &associateTableOut{NewAssociationId: a.RouteTableAssociationId, State: a.State}, nil
}
