package ec2

import (
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// VpcEndpoint reaches an AWS service from inside a VPC: by interfaces or by routes.
type VpcEndpoint struct {
	VpcEndpointId       string            `xml:"vpcEndpointId"`
	VpcEndpointType     string            `xml:"vpcEndpointType"`
	VpcId               string            `xml:"vpcId"`
	ServiceName         string            `xml:"serviceName"`
	State               string            `xml:"state"`
	OwnerId             string            `xml:"ownerId"`
	PolicyDocument      string            `xml:"policyDocument"`
	PrivateDnsEnabled   bool              `xml:"privateDnsEnabled"`
	RequesterManaged    bool              `xml:"requesterManaged"`
	IpAddressType       string            `xml:"ipAddressType"`
	CreationTimestamp   *core.Time        `xml:"creationTimestamp"`
	RouteTableIds       []string          `xml:"routeTableIdSet>item"`
	SubnetIds           []string          `xml:"subnetIdSet>item"`
	Groups              []GroupIdentifier `xml:"groupSet>item"`
	NetworkInterfaceIds []string          `xml:"networkInterfaceIdSet>item"`
	Meta
}

var vpcEndpointKind = &kind{
	name: "vpc-endpoint", prefix: "vpce", noun: "Vpc Endpoint", minPage: 1,
	notFound: "InvalidVpcEndpointId.NotFound", malformed: "InvalidVpcEndpointId.Malformed",
	trail: "AWS::EC2::VPCEndpoint",
	filters: filters{
		"vpc-endpoint-id": "VpcEndpointId", "vpc-id": "VpcId", "service-name": "ServiceName",
		"vpc-endpoint-state": "State", "vpc-endpoint-type": "VpcEndpointType",
	},
}

func (*VpcEndpoint) kind() *kind { return vpcEndpointKind }

func (s *Service) endpointOps() []core.Op {
	return []core.Op{
		op(s, "CreateVpcEndpoint", createVpcEndpoint, creates((*VpcEndpoint)(nil))),
		op(s, "DescribeVpcEndpoints", describeVpcEndpoints, read),
		op(s, "ModifyVpcEndpoint", modifyVpcEndpoint),
		op(s, "DeleteVpcEndpoints", deleteVpcEndpoints),
	}
}

type createEndpointIn struct {
	Base
	Tagged
	ClientToken       string
	PolicyDocument    string
	PrivateDnsEnabled bool
	RouteTableIds     []string `q:"RouteTableId"`
	SecurityGroupIds  []string `q:"SecurityGroupId"`
	ServiceName       string
	SubnetIds         []string `q:"SubnetId"`
	VpcEndpointType   string
	VpcId             string
}

type endpointOut struct {
	ClientToken string       `xml:"clientToken,omitempty"`
	VpcEndpoint *VpcEndpoint `xml:"vpcEndpoint"`
}

const openPolicy = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

func createVpcEndpoint(c *call, in *createEndpointIn) (*endpointOut, error) {
	return once(c, in.ClientToken, in, func() (*endpointOut, error) {
		v, err := get[Vpc](c.state, in.VpcId)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(in.ServiceName, "com.amazonaws."+c.region+".") {
			return nil, core.Errorf(400, "InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", in.ServiceName)
		}
		x := &VpcEndpoint{
			VpcEndpointType: in.VpcEndpointType, VpcId: v.VpcId, ServiceName: in.ServiceName, State: "pending", OwnerId: c.account,
			PolicyDocument: in.PolicyDocument, PrivateDnsEnabled: in.PrivateDnsEnabled, IpAddressType: "ipv4", CreationTimestamp: core.Ptr(c.now),
		}
		if x.VpcEndpointType == "" {
			x.VpcEndpointType = "Gateway"
		}
		if x.PolicyDocument == "" {
			x.PolicyDocument = openPolicy
		}
		for _, id := range in.RouteTableIds {
			if _, err := get[RouteTable](c.state, id); err != nil {
				return nil, err
			}
		}
		if x.VpcEndpointType != "Gateway" {
			if x.Groups, err = c.groupsFor(v.VpcId, in.SecurityGroupIds, ""); err != nil {
				return nil, err
			}
		}
		x.VpcEndpointId = c.newID(x)
		if err := c.plug(x, in.SubnetIds); err != nil {
			return nil, err
		}
		x.RouteTableIds = in.RouteTableIds
		c.add(x, x.VpcEndpointId, in.tags(vpcEndpointKind))
		c.connect(x)
		c.after(1, func() {
			if x.State == "pending" {
				x.State = "available"
			}
		})
		return &endpointOut{in.ClientToken, x}, nil
	})
}

// plug puts one interface of the endpoint into each subnet.
func (st *state) plug(x *VpcEndpoint, subnets []string) error {
	var found []*Subnet
	for _, id := range subnets {
		sn, err := get[Subnet](st, id)
		if err != nil {
			return err
		}
		found = append(found, sn)
	}
	for _, sn := range found {
		spec := eniSpec{kind: "vpc_endpoint", manager: st.account, description: "VPC Endpoint Interface " + x.VpcEndpointId}
		for _, g := range x.Groups {
			spec.groups = append(spec.groups, g.GroupId)
		}
		e, err := st.newInterface(sn, spec)
		if err != nil {
			return err
		}
		e.Status = "in-use"
		x.SubnetIds = append(x.SubnetIds, sn.SubnetId)
		x.NetworkInterfaceIds = append(x.NetworkInterfaceIds, e.NetworkInterfaceId)
	}
	return nil
}

type describeEndpointsIn struct {
	Search
	VpcEndpointIds []string `q:"VpcEndpointId"`
}

type describeEndpointsOut struct {
	VpcEndpoints List[*VpcEndpoint] `xml:"vpcEndpointSet"`
	NextToken    string             `xml:"nextToken,omitempty"`
}

func describeVpcEndpoints(c *call, in *describeEndpointsIn) (*describeEndpointsOut, error) {
	list, next, err := describe[VpcEndpoint](c, &in.Search, in.VpcEndpointIds)
	return &describeEndpointsOut{listOf(list), next}, err
}

type modifyEndpointIn struct {
	Base
	VpcEndpointId       string
	PolicyDocument      string
	ResetPolicy         bool
	PrivateDnsEnabled   *bool
	AddRouteTableIds    []string `q:"AddRouteTableId"`
	RemoveRouteTableIds []string `q:"RemoveRouteTableId"`
}

func modifyVpcEndpoint(c *call, in *modifyEndpointIn) (*returned, error) {
	x, err := get[VpcEndpoint](c.state, in.VpcEndpointId)
	if err != nil {
		return nil, err
	}
	for _, id := range in.AddRouteTableIds {
		if _, err := get[RouteTable](c.state, id); err != nil {
			return nil, err
		}
	}
	if in.PolicyDocument != "" {
		x.PolicyDocument = in.PolicyDocument
	}
	if in.ResetPolicy {
		x.PolicyDocument = openPolicy
	}
	if in.PrivateDnsEnabled != nil {
		x.PrivateDnsEnabled = *in.PrivateDnsEnabled
	}
	x.RouteTableIds = append(slices.Clone(x.RouteTableIds), in.AddRouteTableIds...)
	x.RouteTableIds = slices.DeleteFunc(x.RouteTableIds, func(id string) bool { return slices.Contains(in.RemoveRouteTableIds, id) })
	c.connect(x)
	return done()
}

type deleteEndpointsIn struct {
	Base
	VpcEndpointIds []string `q:"VpcEndpointId"`
}

// Failure tells why one thing of a batch failed.
type Failure struct {
	ResourceId string       `xml:"resourceId"`
	Error      FailureCause `xml:"error"`
}

// FailureCause is an error's code and message.
type FailureCause struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

type batchOut struct {
	Unsuccessful List[Failure] `xml:"unsuccessful"`
}

func (out *batchOut) fail(id string, k *kind) {
	out.Unsuccessful.Items = append(out.Unsuccessful.Items, Failure{id, FailureCause{k.notFound, "The " + k.noun + " ID '" + id + "' does not exist"}})
}

// deleteVpcEndpoints fails per item, not as a whole.
func deleteVpcEndpoints(c *call, in *deleteEndpointsIn) (*batchOut, error) {
	out := &batchOut{}
	for _, id := range in.VpcEndpointIds {
		x, err := get[VpcEndpoint](c.state, id)
		if err != nil {
			out.fail(id, vpcEndpointKind)
			continue
		}
		if x.State == "deleting" {
			continue
		}
		x.State = "deleting"
		c.after(1, func() {
			for _, id := range x.NetworkInterfaceIds {
				if e, ok := c.objects[id].(*NetworkInterface); ok {
					c.removeInterface(e)
				}
			}
			x.State = "deleted"
			c.connect(x)
			c.remove(x)
		})
	}
	return out, nil
}
