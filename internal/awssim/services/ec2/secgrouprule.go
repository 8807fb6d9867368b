package ec2

import (
	"net/netip"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// SecurityGroupRule allows one protocol and range of ports from or to one peer.
type SecurityGroupRule struct {
	SecurityGroupRuleId  string           `xml:"securityGroupRuleId"`
	SecurityGroupRuleArn string           `xml:"securityGroupRuleArn"`
	GroupId              string           `xml:"groupId"`
	GroupOwnerId         string           `xml:"groupOwnerId"`
	IsEgress             bool             `xml:"isEgress"`
	IpProtocol           string           `xml:"ipProtocol"`
	FromPort             int              `xml:"fromPort"`
	ToPort               int              `xml:"toPort"`
	CidrIpv4             string           `xml:"cidrIpv4,omitempty"`
	CidrIpv6             string           `xml:"cidrIpv6,omitempty"`
	PrefixListId         string           `xml:"prefixListId,omitempty"`
	ReferencedGroupInfo  *ReferencedGroup `xml:"referencedGroupInfo"`
	Description          string           `xml:"description,omitempty"`
	Meta
}

// ReferencedGroup is a group as the peer of a rule.
type ReferencedGroup struct {
	GroupId string `xml:"groupId"`
	UserId  string `xml:"userId"`
}

// IpPermission is the older form of rules: one protocol and range, many peers.
type IpPermission struct {
	IpProtocol    string         `xml:"ipProtocol"`
	FromPort      *int           `xml:"fromPort"`
	ToPort        *int           `xml:"toPort"`
	Groups        []GroupPair    `q:"Groups" xml:"groups>item"`
	IpRanges      []IpRange      `xml:"ipRanges>item"`
	Ipv6Ranges    []Ipv6Range    `xml:"ipv6Ranges>item"`
	PrefixListIds []PrefixListId `xml:"prefixListIds>item"`
}

// GroupPair is a security group as a peer.
type GroupPair struct {
	UserId      string `xml:"userId"`
	GroupId     string `xml:"groupId"`
	GroupName   string `xml:"groupName,omitempty"`
	Description string `xml:"description,omitempty"`
}

// IpRange is an IPv4 range as a peer.
type IpRange struct {
	CidrIp      string `xml:"cidrIp"`
	Description string `xml:"description,omitempty"`
}

// Ipv6Range is an IPv6 range as a peer.
type Ipv6Range struct {
	CidrIpv6    string `xml:"cidrIpv6"`
	Description string `xml:"description,omitempty"`
}

// PrefixListId is a prefix list as a peer.
type PrefixListId struct {
	PrefixListId string `xml:"prefixListId"`
	Description  string `xml:"description,omitempty"`
}

var securityGroupRuleKind = &kind{
	name: "security-group-rule", prefix: "sgr", noun: "security group rule",
	notFound: "InvalidSecurityGroupRuleId.NotFound", malformed: "InvalidSecurityGroupRuleId.Malformed",
	trail:   "AWS::EC2::SecurityGroupRule",
	filters: filters{"group-id": "GroupId", "security-group-rule-id": "SecurityGroupRuleId"},
}

func (*SecurityGroupRule) kind() *kind { return securityGroupRuleKind }

func (r *SecurityGroupRule) references(group string) bool {
	return r.ReferencedGroupInfo != nil && r.ReferencedGroupInfo.GroupId == group
}

// same tells whether two rules allow the same thing.
func (r *SecurityGroupRule) same(o *SecurityGroupRule) bool {
	a, b := "", ""
	if r.ReferencedGroupInfo != nil {
		a = r.ReferencedGroupInfo.GroupId
	}
	if o.ReferencedGroupInfo != nil {
		b = o.ReferencedGroupInfo.GroupId
	}
	return r.IsEgress == o.IsEgress && r.IpProtocol == o.IpProtocol && r.FromPort == o.FromPort && r.ToPort == o.ToPort &&
		r.CidrIpv4 == o.CidrIpv4 && r.CidrIpv6 == o.CidrIpv6 && r.PrefixListId == o.PrefixListId && a == b
}

// protocols by number; AWS shows the names.
var protocols = map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": "-1"}

// rules turns permissions into single rules.
func (st *state) rules(g *SecurityGroup, perms []IpPermission, egress bool) ([]SecurityGroupRule, error) {
	var out []SecurityGroupRule
	for _, p := range perms {
		base, err := baseRule(p, egress)
		if err != nil {
			return nil, err
		}
		n := len(out)
		for _, x := range p.IpRanges {
			r := base
			if _, err := netip.ParsePrefix(x.CidrIp); err != nil {
				return nil, core.Errorf(400, "InvalidParameterValue", "CIDR block %s is malformed", x.CidrIp)
			}
			r.CidrIpv4, r.Description = x.CidrIp, x.Description
			out = append(out, r)
		}
		for _, x := range p.Ipv6Ranges {
			r := base
			r.CidrIpv6, r.Description = x.CidrIpv6, x.Description
			out = append(out, r)
		}
		for _, x := range p.PrefixListIds {
			r := base
			r.PrefixListId, r.Description = x.PrefixListId, x.Description
			out = append(out, r)
		}
		for _, x := range p.Groups {
			peer, err := st.peer(g, x)
			if err != nil {
				return nil, err
			}
			r := base
			r.ReferencedGroupInfo, r.Description = &ReferencedGroup{peer.GroupId, peer.OwnerId}, x.Description
			out = append(out, r)
		}
		if len(out) == n {
			return nil, core.Errorf(400, "MissingParameter", "Either 'cidrIp' or 'sourceSecurityGroupId' must be specified.")
		}
	}
	return out, nil
}

func (st *state) peer(g *SecurityGroup, x GroupPair) (*SecurityGroup, error) {
	if x.GroupId != "" {
		return get[SecurityGroup](st, x.GroupId)
	}
	if peer := st.groupNamed(g.VpcId, x.GroupName); peer != nil {
		return peer, nil
	}
	return nil, securityGroupKind.missing(x.GroupName)
}

func baseRule(p IpPermission, egress bool) (SecurityGroupRule, error) {
	r := SecurityGroupRule{IsEgress: egress, IpProtocol: p.IpProtocol, FromPort: -1, ToPort: -1}
	if r.IpProtocol == "" {
		return r, missingParameter("ipProtocol")
	}
	if n, ok := protocols[r.IpProtocol]; ok {
		r.IpProtocol = n
	}
	if p.FromPort != nil {
		r.FromPort = *p.FromPort
	}
	if p.ToPort != nil {
		r.ToPort = *p.ToPort
	}
	switch r.IpProtocol {
	case "-1": // ports make no sense with every protocol: AWS drops them
		r.FromPort, r.ToPort = -1, -1
	case "tcp", "udp":
		if p.FromPort == nil || p.ToPort == nil {
			return r, missingParameter("fromPort")
		}
		if r.FromPort < 0 || r.ToPort > 65535 || r.FromPort > r.ToPort {
			return r, core.Errorf(400, "InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", r.FromPort, r.ToPort)
		}
	}
	return r, nil
}

// maxRules is the default quota of rules per group and direction.
const maxRules = 60

// addRule stores a rule of the group; the caller regroups afterwards.
func (st *state) addRule(g *SecurityGroup, r SecurityGroupRule, tags []Tag) *SecurityGroupRule {
	n := &r
	n.GroupId, n.GroupOwnerId = g.GroupId, g.OwnerId
	n.SecurityGroupRuleId = st.newID(n)
	n.SecurityGroupRuleArn = st.arn(securityGroupRuleKind, n.SecurityGroupRuleId)
	st.add(n, n.SecurityGroupRuleId, tags)
	return n
}

// regroup derives the group's permissions from its rules.
func (st *state) regroup(g *SecurityGroup) {
	g.IpPermissions, g.IpPermissionsEgress = nil, nil
	for _, r := range some(st, func(r *SecurityGroupRule) bool { return r.GroupId == g.GroupId }) {
		list := &g.IpPermissions
		if r.IsEgress {
			list = &g.IpPermissionsEgress
		}
		r.join(list)
	}
}

func (r *SecurityGroupRule) join(list *[]IpPermission) {
	i := slices.IndexFunc(*list, func(p IpPermission) bool {
		return p.IpProtocol == r.IpProtocol && (r.IpProtocol == "-1" || *p.FromPort == r.FromPort && *p.ToPort == r.ToPort)
	})
	if i < 0 {
		p := IpPermission{IpProtocol: r.IpProtocol}
		if r.IpProtocol != "-1" {
			from, to := r.FromPort, r.ToPort
			p.FromPort, p.ToPort = &from, &to
		}
		*list = append(*list, p)
		i = len(*list) - 1
	}
	p := &(*list)[i]
	switch {
	case r.CidrIpv4 != "":
		p.IpRanges = append(p.IpRanges, IpRange{r.CidrIpv4, r.Description})
	case r.CidrIpv6 != "":
		p.Ipv6Ranges = append(p.Ipv6Ranges, Ipv6Range{r.CidrIpv6, r.Description})
	case r.PrefixListId != "":
		p.PrefixListIds = append(p.PrefixListIds, PrefixListId{r.PrefixListId, r.Description})
	case r.ReferencedGroupInfo != nil:
		p.Groups = append(p.Groups, GroupPair{UserId: r.ReferencedGroupInfo.UserId, GroupId: r.ReferencedGroupInfo.GroupId, Description: r.Description})
	}
}
