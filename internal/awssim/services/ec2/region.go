package ec2

import (
	"fmt"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Region is one of AWS's Regions.
type Region struct {
	RegionName     string `xml:"regionName"`
	RegionEndpoint string `xml:"regionEndpoint"`
	OptInStatus    string `xml:"optInStatus"`
}

// Zone is an Availability Zone.
type Zone struct {
	ZoneName           string `xml:"zoneName"`
	ZoneId             string `xml:"zoneId"`
	ZoneState          string `xml:"zoneState"`
	ZoneType           string `xml:"zoneType"`
	RegionName         string `xml:"regionName"`
	GroupName          string `xml:"groupName"`
	NetworkBorderGroup string `xml:"networkBorderGroup"`
	OptInStatus        string `xml:"optInStatus"`
}

// zones gives the letters of the zones and the prefix of zone ids, for every
// commercial Region that is on by default.
var zones = map[string]struct{ letters, id string }{
	"us-east-1": {"abcdef", "use1"}, "us-east-2": {"abc", "use2"}, "us-west-1": {"ac", "usw1"}, "us-west-2": {"abcd", "usw2"},
	"ca-central-1": {"abd", "cac1"}, "sa-east-1": {"abc", "sae1"},
	"eu-west-1": {"abc", "euw1"}, "eu-west-2": {"abc", "euw2"}, "eu-west-3": {"abc", "euw3"},
	"eu-central-1": {"abc", "euc1"}, "eu-north-1": {"abc", "eun1"},
	"ap-south-1": {"abc", "aps1"}, "ap-southeast-1": {"abc", "apse1"}, "ap-southeast-2": {"abc", "apse2"},
	"ap-northeast-1": {"acd", "apne1"}, "ap-northeast-2": {"abcd", "apne2"}, "ap-northeast-3": {"abc", "apne3"},
}

// Regions gives the names of all Regions, sorted.
func Regions() []string {
	var out []string
	for r := range zones {
		out = append(out, r)
	}
	slices.Sort(out)
	return out
}

func zonesOf(region string) []Zone {
	var out []Zone
	for i, letter := range zones[region].letters {
		out = append(out, Zone{
			ZoneName: region + string(letter), ZoneId: fmt.Sprintf("%s-az%d", zones[region].id, i+1), ZoneState: "available",
			ZoneType: "availability-zone", RegionName: region, GroupName: region + "-zg-1", NetworkBorderGroup: region,
			OptInStatus: "opt-in-not-required",
		})
	}
	return out
}

// zone finds a zone by name or id; without either the first one.
func (st *state) zone(name, id string) (Zone, error) {
	for _, z := range zonesOf(st.region) {
		if name == "" && id == "" || name != "" && z.ZoneName == name || name == "" && z.ZoneId == id {
			return z, nil
		}
	}
	return Zone{}, invalidValue("availabilityZone", name+id, "Subnets can currently only be created in the following availability zones: "+fmt.Sprint(zonesOf(st.region)))
}

func (s *Service) regionOps() []core.Op {
	return []core.Op{
		op(s, "DescribeRegions", describeRegions, read),
		op(s, "DescribeAvailabilityZones", describeZones, read),
		op(s, "DescribeAccountAttributes", describeAccountAttributes, read),
	}
}

type regionsIn struct {
	Base
	AllRegions  bool
	Filters     []Filter `q:"Filter"`
	RegionNames []string `q:"RegionName"`
}

type regionsOut struct {
	Regions List[Region] `xml:"regionInfo"`
}

var regionFilters = filters{"endpoint": "RegionEndpoint", "opt-in-status": "OptInStatus", "region-name": "RegionName"}

func describeRegions(_ *call, in *regionsIn) (*regionsOut, error) {
	for _, n := range in.RegionNames {
		if zones[n].id == "" {
			return nil, core.Errorf(400, "InvalidParameterValue", "Invalid region names provided: [%s]", n)
		}
	}
	out := &regionsOut{}
	for _, n := range Regions() {
		r := Region{n, "ec2." + n + ".amazonaws.com", "opt-in-not-required"}
		ok, err := regionFilters.matches(r, in.Filters)
		if err != nil {
			return nil, err
		}
		if ok && (len(in.RegionNames) == 0 || slices.Contains(in.RegionNames, n)) {
			out.Regions.Items = append(out.Regions.Items, r)
		}
	}
	return out, nil
}

type zonesIn struct {
	Base
	AllAvailabilityZones bool
	Filters              []Filter `q:"Filter"`
	ZoneIds              []string `q:"ZoneId"`
	ZoneNames            []string `q:"ZoneName"`
}

type zonesOut struct {
	Zones List[Zone] `xml:"availabilityZoneInfo"`
}

var zoneFilters = filters{
	"zone-name": "ZoneName", "zone-id": "ZoneId", "zone-type": "ZoneType", "state": "ZoneState", "region-name": "RegionName",
	"group-name": "GroupName", "opt-in-status": "OptInStatus",
}

func describeZones(c *call, in *zonesIn) (*zonesOut, error) {
	for _, n := range in.ZoneNames {
		if _, err := c.zone(n, ""); err != nil {
			return nil, core.Errorf(400, "InvalidParameterValue", "Invalid availability zone: [%s]", n)
		}
	}
	out := &zonesOut{}
	for _, z := range zonesOf(c.region) {
		ok, err := zoneFilters.matches(z, in.Filters)
		if err != nil {
			return nil, err
		}
		wanted := len(in.ZoneNames)+len(in.ZoneIds) == 0 || slices.Contains(in.ZoneNames, z.ZoneName) || slices.Contains(in.ZoneIds, z.ZoneId)
		if ok && wanted {
			out.Zones.Items = append(out.Zones.Items, z)
		}
	}
	return out, nil
}

type attributesIn struct {
	Base
	AttributeNames []string `q:"AttributeName"`
}

// AccountAttribute is one property of the account in this Region.
type AccountAttribute struct {
	AttributeName string           `xml:"attributeName"`
	Values        []AttributeValue `xml:"attributeValueSet>item"`
}

// AttributeValue is one value of an account attribute.
type AttributeValue struct {
	AttributeValue string `xml:"attributeValue"`
}

type attributesOut struct {
	Attributes List[AccountAttribute] `xml:"accountAttributeSet"`
}

func describeAccountAttributes(c *call, in *attributesIn) (*attributesOut, error) {
	vpc := "none"
	if v := c.defaultVpc(); v != nil {
		vpc = v.VpcId
	}
	out := &attributesOut{}
	for _, a := range [][2]string{
		{"supported-platforms", "VPC"}, {"default-vpc", vpc}, {"max-instances", "20"},
		{"vpc-max-security-groups-per-interface", "5"}, {"max-elastic-ips", fmt.Sprint(maxAddresses)}, {"vpc-max-elastic-ips", fmt.Sprint(maxAddresses)},
	} {
		if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, a[0]) {
			out.Attributes.Items = append(out.Attributes.Items, AccountAttribute{a[0], []AttributeValue{{a[1]}}})
		}
	}
	return out, nil
}
