package ec2

import (
	"github.com/kodekloud/kml/internal/awssim/core"
)

func (s *Service) securityGroupRuleOps() []core.Op {
	rule := creates((*SecurityGroupRule)(nil))
	return []core.Op{
		op(s, "AuthorizeSecurityGroupIngress", authorize(false), only("GroupId"), rule),
		op(s, "AuthorizeSecurityGroupEgress", authorize(true), only("GroupId"), rule),
		op(s, "RevokeSecurityGroupIngress", revoke(false), only("GroupId", "SecurityGroupRuleIds")),
		op(s, "RevokeSecurityGroupEgress", revoke(true), only("GroupId", "SecurityGroupRuleIds")),
		op(s, "DescribeSecurityGroupRules", describeSecurityGroupRules, read),
		op(s, "ModifySecurityGroupRules", modifySecurityGroupRules),
		op(s, "UpdateSecurityGroupRuleDescriptionsIngress", describeRulesAs(false), only("GroupId")),
		op(s, "UpdateSecurityGroupRuleDescriptionsEgress", describeRulesAs(true), only("GroupId")),
	}
}

// rulesIn is a request about rules; a single rule may stand in it directly.
type rulesIn struct {
	Base
	Tagged
	GroupId                 string
	GroupName               string
	IpPermissions           []IpPermission
	IpProtocol              string
	FromPort                *int
	ToPort                  *int
	CidrIp                  string
	SourceSecurityGroupName string
	SecurityGroupRuleIds    []string `q:"SecurityGroupRuleId"`
}

func (in *rulesIn) asked() []IpPermission {
	if in.IpProtocol == "" && in.CidrIp == "" && in.SourceSecurityGroupName == "" {
		return in.IpPermissions
	}
	p := IpPermission{IpProtocol: in.IpProtocol, FromPort: in.FromPort, ToPort: in.ToPort}
	if in.CidrIp != "" {
		p.IpRanges = []IpRange{{CidrIp: in.CidrIp}}
	}
	if in.SourceSecurityGroupName != "" {
		p.Groups = []GroupPair{{GroupName: in.SourceSecurityGroupName}}
		if p.IpProtocol == "" {
			p.IpProtocol = "-1"
		}
	}
	return append([]IpPermission{p}, in.IpPermissions...)
}

type authorizeOut struct {
	Return bool                     `xml:"return"`
	Rules  List[*SecurityGroupRule] `xml:"securityGroupRuleSet"`
}

func authorize(egress bool) func(*call, *rulesIn) (*authorizeOut, error) {
	return func(c *call, in *rulesIn) (*authorizeOut, error) {
		g, err := c.group(in.GroupId, in.GroupName)
		if err != nil {
			return nil, err
		}
		add, err := c.rules(g, in.asked(), egress)
		if err != nil {
			return nil, err
		}
		if len(add) == 0 {
			return nil, missingParameter("ipPermissions")
		}
		have := some(c.state, func(r *SecurityGroupRule) bool { return r.GroupId == g.GroupId && r.IsEgress == egress })
		for i := range add {
			for _, h := range have {
				if h.same(&add[i]) {
					return nil, core.Errorf(400, "InvalidPermission.Duplicate", "the specified rule \"peer: %s, %s, from port: %d, to port: %d, ALLOW\" already exists",
						add[i].peerName(), add[i].IpProtocol, add[i].FromPort, add[i].ToPort)
				}
			}
		}
		if len(have)+len(add) > maxRules {
			return nil, core.Errorf(400, "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
		}
		out := &authorizeOut{Return: true}
		for _, r := range add {
			out.Rules.Items = append(out.Rules.Items, c.addRule(g, r, in.tags(securityGroupRuleKind)))
		}
		c.regroup(g)
		return out, nil
	}
}

func (r *SecurityGroupRule) peerName() string {
	if r.ReferencedGroupInfo != nil {
		return r.ReferencedGroupInfo.GroupId
	}
	return r.CidrIpv4 + r.CidrIpv6 + r.PrefixListId
}

type revokeOut struct {
	Return  bool               `xml:"return"`
	Unknown List[IpPermission] `xml:"unknownIpPermissionSet"`
	Revoked List[revokedRule]  `xml:"revokedSecurityGroupRuleSet"`
}

type revokedRule struct {
	SecurityGroupRuleId string `xml:"securityGroupRuleId"`
	GroupId             string `xml:"groupId"`
	IsEgress            bool   `xml:"isEgress"`
}

func revoke(egress bool) func(*call, *rulesIn) (*revokeOut, error) {
	return func(c *call, in *rulesIn) (*revokeOut, error) {
		g, err := c.group(in.GroupId, in.GroupName)
		if err != nil {
			return nil, err
		}
		gone, err := c.toRevoke(g, in, egress)
		if err != nil {
			return nil, err
		}
		out := &revokeOut{Return: true}
		for _, r := range gone {
			c.remove(r)
			out.Revoked.Items = append(out.Revoked.Items, revokedRule{r.SecurityGroupRuleId, g.GroupId, egress})
		}
		c.regroup(g)
		return out, nil
	}
}

func (c *call) toRevoke(g *SecurityGroup, in *rulesIn, egress bool) ([]*SecurityGroupRule, error) {
	var gone []*SecurityGroupRule
	for _, id := range in.SecurityGroupRuleIds {
		r, err := get[SecurityGroupRule](c.state, id)
		if err != nil {
			return nil, err
		}
		if r.GroupId != g.GroupId || r.IsEgress != egress {
			return nil, securityGroupRuleKind.missing(id)
		}
		gone = append(gone, r)
	}
	want, err := c.rules(g, in.asked(), egress)
	if err != nil {
		return nil, err
	}
	for i := range want {
		r := first(c.state, func(r *SecurityGroupRule) bool { return r.GroupId == g.GroupId && r.same(&want[i]) })
		if r == nil {
			return nil, core.Errorf(400, "InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
		}
		gone = append(gone, r)
	}
	if len(gone) == 0 {
		return nil, missingParameter("ipPermissions")
	}
	return gone, nil
}

type describeRulesIn struct {
	Search
	SecurityGroupRuleIds []string `q:"SecurityGroupRuleId"`
}

type describeRulesOut struct {
	Rules     List[*SecurityGroupRule] `xml:"securityGroupRuleSet"`
	NextToken string                   `xml:"nextToken,omitempty"`
}

func describeSecurityGroupRules(c *call, in *describeRulesIn) (*describeRulesOut, error) {
	list, next, err := describe[SecurityGroupRule](c, &in.Search, in.SecurityGroupRuleIds)
	return &describeRulesOut{listOf(list), next}, err
}

type modifyRulesIn struct {
	Base
	GroupId string
	Rules   []struct {
		SecurityGroupRuleId string
		SecurityGroupRule   struct {
			CidrIpv4, CidrIpv6, Description, IpProtocol, PrefixListId, ReferencedGroupId string
			FromPort, ToPort                                                             *int
		}
	} `q:"SecurityGroupRule"`
}

func modifySecurityGroupRules(c *call, in *modifyRulesIn) (*returned, error) {
	g, err := get[SecurityGroup](c.state, in.GroupId)
	if err != nil {
		return nil, err
	}
	for _, u := range in.Rules {
		r, err := get[SecurityGroupRule](c.state, u.SecurityGroupRuleId)
		if err != nil {
			return nil, err
		}
		x := u.SecurityGroupRule
		p := IpPermission{IpProtocol: x.IpProtocol, FromPort: x.FromPort, ToPort: x.ToPort}
		switch {
		case x.CidrIpv4 != "":
			p.IpRanges = []IpRange{{x.CidrIpv4, x.Description}}
		case x.CidrIpv6 != "":
			p.Ipv6Ranges = []Ipv6Range{{x.CidrIpv6, x.Description}}
		case x.PrefixListId != "":
			p.PrefixListIds = []PrefixListId{{x.PrefixListId, x.Description}}
		case x.ReferencedGroupId != "":
			p.Groups = []GroupPair{{GroupId: x.ReferencedGroupId, Description: x.Description}}
		}
		n, err := c.rules(g, []IpPermission{p}, r.IsEgress)
		if err != nil {
			return nil, err
		}
		r.set(&n[0])
	}
	c.regroup(g)
	return done()
}

// set changes what the rule allows, keeping its identity.
func (r *SecurityGroupRule) set(n *SecurityGroupRule) {
	r.IpProtocol, r.FromPort, r.ToPort = n.IpProtocol, n.FromPort, n.ToPort
	r.CidrIpv4, r.CidrIpv6, r.PrefixListId = n.CidrIpv4, n.CidrIpv6, n.PrefixListId
	r.ReferencedGroupInfo, r.Description = n.ReferencedGroupInfo, n.Description
}

// describeRulesAs changes descriptions of rules.
func describeRulesAs(egress bool) func(*call, *rulesIn) (*returned, error) {
	return func(c *call, in *rulesIn) (*returned, error) {
		g, err := c.group(in.GroupId, in.GroupName)
		if err != nil {
			return nil, err
		}
		want, err := c.rules(g, in.asked(), egress)
		if err != nil {
			return nil, err
		}
		for i := range want {
			r := first(c.state, func(r *SecurityGroupRule) bool { return r.GroupId == g.GroupId && r.same(&want[i]) })
			if r == nil {
				return nil, core.Errorf(400, "InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			r.Description = want[i].Description
		}
		c.regroup(g)
		return done()
	}
}
