package ec2

import "github.com/kodekloud/kml/internal/awssim/core"

// DhcpOptions is what DHCP tells the instances of a VPC.
type DhcpOptions struct {
	DhcpOptionsId  string              `xml:"dhcpOptionsId"`
	OwnerId        string              `xml:"ownerId"`
	Configurations []DhcpConfiguration `xml:"dhcpConfigurationSet>item"`
	Meta
}

// DhcpConfiguration is one option and its values.
type DhcpConfiguration struct {
	Key    string `xml:"key"`
	Values []Text `xml:"valueSet>item"`
}

var dhcpOptionsKind = &kind{
	name: "dhcp-options", prefix: "dopt", noun: "DhcpOptions",
	notFound: "InvalidDhcpOptionID.NotFound", malformed: "InvalidDhcpOptionsId.Malformed",
	trail: "AWS::EC2::DHCPOptions",
	filters: filters{
		"dhcp-options-id": "DhcpOptionsId", "owner-id": "OwnerId", "key": "Configurations.Key", "value": "Configurations.Values.Value",
	},
}

func (*DhcpOptions) kind() *kind { return dhcpOptionsKind }

func (s *Service) dhcpOps() []core.Op {
	return []core.Op{
		op(s, "CreateDhcpOptions", createDhcpOptions, creates((*DhcpOptions)(nil))),
		op(s, "DescribeDhcpOptions", describeDhcpOptions, read),
		op(s, "DeleteDhcpOptions", deleteDhcpOptions),
		op(s, "AssociateDhcpOptions", associateDhcpOptions),
	}
}

// defaultDhcpOptions gives the Region's default set, made again if it is gone.
func (st *state) defaultDhcpOptions() *DhcpOptions {
	if d := first(st, func(d *DhcpOptions) bool { return d.byDefault }); d != nil {
		return d
	}
	domain := st.region + ".compute.internal"
	if st.region == "us-east-1" {
		domain = "ec2.internal"
	}
	d := &DhcpOptions{OwnerId: st.account, Configurations: []DhcpConfiguration{
		{"domain-name", []Text{{domain}}}, {"domain-name-servers", []Text{{"AmazonProvidedDNS"}}},
	}}
	d.DhcpOptionsId = st.newID(d)
	st.add(d, d.DhcpOptionsId, nil)
	d.byDefault = true
	return d
}

type createDhcpIn struct {
	Base
	Tagged
	Configurations []struct {
		Key    string
		Values []string `q:"Value"`
	} `q:"DhcpConfiguration"`
}

type dhcpOut struct {
	DhcpOptions *DhcpOptions `xml:"dhcpOptions"`
}

func createDhcpOptions(c *call, in *createDhcpIn) (*dhcpOut, error) {
	if len(in.Configurations) == 0 {
		return nil, missingParameter("dhcpConfigurations")
	}
	d := &DhcpOptions{OwnerId: c.account}
	for _, x := range in.Configurations {
		one := DhcpConfiguration{Key: x.Key}
		for _, v := range x.Values {
			one.Values = append(one.Values, Text{v})
		}
		d.Configurations = append(d.Configurations, one)
	}
	d.DhcpOptionsId = c.newID(d)
	c.add(d, d.DhcpOptionsId, in.tags(dhcpOptionsKind))
	return &dhcpOut{d}, nil
}

type describeDhcpIn struct {
	Search
	DhcpOptionsIds []string `q:"DhcpOptionsId"`
}

type describeDhcpOut struct {
	DhcpOptions List[*DhcpOptions] `xml:"dhcpOptionsSet"`
	NextToken   string             `xml:"nextToken,omitempty"`
}

func describeDhcpOptions(c *call, in *describeDhcpIn) (*describeDhcpOut, error) {
	list, next, err := describe[DhcpOptions](c, &in.Search, in.DhcpOptionsIds)
	return &describeDhcpOut{listOf(list), next}, err
}

type dhcpIn struct {
	Base
	DhcpOptionsId string
	VpcId         string
}

func deleteDhcpOptions(c *call, in *dhcpIn) (*returned, error) {
	d, err := get[DhcpOptions](c.state, in.DhcpOptionsId)
	if err != nil {
		return nil, err
	}
	if first(c.state, func(v *Vpc) bool { return v.DhcpOptionsId == d.DhcpOptionsId }) != nil {
		return nil, dependency(dhcpOptionsKind, d.DhcpOptionsId)
	}
	c.remove(d)
	return done()
}

func associateDhcpOptions(c *call, in *dhcpIn) (*returned, error) {
	v, err := get[Vpc](c.state, in.VpcId)
	if err != nil {
		return nil, err
	}
	if in.DhcpOptionsId != "default" {
		if _, err := get[DhcpOptions](c.state, in.DhcpOptionsId); err != nil {
			return nil, err
		}
		v.DhcpOptionsId = in.DhcpOptionsId
		return done()
	}
	v.DhcpOptionsId = "default" // no options at all
	return done()
}
