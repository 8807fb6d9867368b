package ec2

import (
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// PrefixList is the address ranges of a service that gateway endpoints reach.
type PrefixList struct {
	PrefixListId   string       `xml:"prefixListId"`
	PrefixListName string       `xml:"prefixListName"`
	Cidrs          List[string] `xml:"cidrSet"`
}

var prefixListFilters = filters{"prefix-list-id": "PrefixListId", "prefix-list-name": "PrefixListName"}

// prefixLists gives the lists that AWS keeps in every Region.
func prefixLists(region string) []PrefixList {
	var out []PrefixList
	for service, cidr := range map[string]string{"s3": "198.51.100.0/25", "dynamodb": "198.51.100.128/25"} {
		name := "com.amazonaws." + region + "." + service
		out = append(out, PrefixList{"pl-" + hash17(name)[1:9], name, listOf([]string{cidr})})
	}
	slices.SortFunc(out, func(a, b PrefixList) int { return strings.Compare(a.PrefixListId, b.PrefixListId) })
	return out
}

func (s *Service) prefixListOps() []core.Op {
	return []core.Op{
		op(s, "DescribePrefixLists", describePrefixLists, read),
		op(s, "DescribeVpcEndpointServices", describeEndpointServices, read),
	}
}

type prefixListsIn struct {
	Search
	PrefixListIds []string `q:"PrefixListId"`
}

type prefixListsOut struct {
	PrefixLists List[PrefixList] `xml:"prefixListSet"`
	NextToken   string           `xml:"nextToken,omitempty"`
}

func describePrefixLists(c *call, in *prefixListsIn) (*prefixListsOut, error) {
	var found []PrefixList
	for _, l := range prefixLists(c.region) {
		ok, err := prefixListFilters.matches(l, in.Filters)
		if err != nil {
			return nil, err
		}
		if ok && (len(in.PrefixListIds) == 0 || slices.Contains(in.PrefixListIds, l.PrefixListId)) {
			found = append(found, l)
		}
	}
	list, next, err := page(&in.Search, found, func(l PrefixList) string { return l.PrefixListId }, 5)
	return &prefixListsOut{listOf(list), next}, err
}

// connect gives the route tables of a gateway endpoint a route to its service,
// and takes it from the others.
func (st *state) connect(x *VpcEndpoint) {
	for _, t := range all[RouteTable](st) {
		t.Routes = slices.DeleteFunc(t.Routes, func(r Route) bool { return r.GatewayId == x.VpcEndpointId })
		if !slices.Contains(x.RouteTableIds, t.RouteTableId) || x.State == "deleted" {
			continue
		}
		for _, l := range prefixLists(st.region) {
			if l.PrefixListName == x.ServiceName {
				t.Routes = append(t.Routes, Route{DestinationPrefixListId: l.PrefixListId, GatewayId: x.VpcEndpointId, Origin: "CreateRoute", State: "active"})
			}
		}
	}
}

// EndpointService is a service that endpoints can reach.
type EndpointService struct {
	ServiceName string       `xml:"serviceName"`
	ServiceType string       `xml:"serviceType>item>serviceType"`
	Zones       List[string] `xml:"availabilityZoneSet"`
	Owner       string       `xml:"owner"`
}

type endpointServicesIn struct {
	Search
	ServiceNames []string `q:"ServiceName"`
}

type endpointServicesOut struct {
	Names    List[string]          `xml:"serviceNameSet"`
	Services List[EndpointService] `xml:"serviceDetailSet"`
}

var endpointServiceFilters = filters{"service-name": "ServiceName", "service-type": "ServiceType", "owner": "Owner"}

func describeEndpointServices(c *call, in *endpointServicesIn) (*endpointServicesOut, error) {
	var zoneNames []string
	for _, z := range zonesOf(c.region) {
		zoneNames = append(zoneNames, z.ZoneName)
	}
	out := &endpointServicesOut{}
	for _, s := range [][2]string{{"dynamodb", "Gateway"}, {"s3", "Gateway"}, {"ec2", "Interface"}, {"logs", "Interface"}, {"sns", "Interface"}, {"sqs", "Interface"}, {"ssm", "Interface"}, {"sts", "Interface"}} {
		e := EndpointService{"com.amazonaws." + c.region + "." + s[0], s[1], listOf(zoneNames), "amazon"}
		ok, err := endpointServiceFilters.matches(e, in.Filters)
		if err != nil {
			return nil, err
		}
		if ok && (len(in.ServiceNames) == 0 || slices.Contains(in.ServiceNames, e.ServiceName)) {
			out.Names.Items = append(out.Names.Items, e.ServiceName)
			out.Services.Items = append(out.Services.Items, e)
		}
	}
	return out, nil
}
