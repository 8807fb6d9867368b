package ec2

import (
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// SecurityGroup is a set of rules. Its permissions are the rules in the older
// form, and derived from them.
type SecurityGroup struct {
	GroupId             string         `xml:"groupId"`
	GroupName           string         `xml:"groupName"`
	Description         string         `xml:"groupDescription"`
	OwnerId             string         `xml:"ownerId"`
	VpcId               string         `xml:"vpcId"`
	SecurityGroupArn    string         `xml:"securityGroupArn"`
	IpPermissions       []IpPermission `xml:"ipPermissions>item"`
	IpPermissionsEgress []IpPermission `xml:"ipPermissionsEgress>item"`
	Meta
}

// GroupIdentifier names a security group.
type GroupIdentifier struct {
	GroupId   string `xml:"groupId"`
	GroupName string `xml:"groupName"`
}

var securityGroupKind = &kind{
	name: "security-group", prefix: "sg", noun: "security group", notFound: "InvalidGroup.NotFound", malformed: "InvalidGroupId.Malformed",
	trail: "AWS::EC2::SecurityGroup",
	filters: filters{
		"group-id": "GroupId", "group-name": "GroupName", "description": "Description", "owner-id": "OwnerId", "vpc-id": "VpcId",
		"ip-permission.cidr": "IpPermissions.IpRanges.CidrIp", "ip-permission.group-id": "IpPermissions.Groups.GroupId",
		"ip-permission.protocol": "IpPermissions.IpProtocol", "ip-permission.from-port": "IpPermissions.FromPort",
		"ip-permission.to-port": "IpPermissions.ToPort", "ip-permission.ipv6-cidr": "IpPermissions.Ipv6Ranges.CidrIpv6",
		"egress.ip-permission.cidr":      "IpPermissionsEgress.IpRanges.CidrIp",
		"egress.ip-permission.group-id":  "IpPermissionsEgress.Groups.GroupId",
		"egress.ip-permission.protocol":  "IpPermissionsEgress.IpProtocol",
		"egress.ip-permission.from-port": "IpPermissionsEgress.FromPort",
		"egress.ip-permission.to-port":   "IpPermissionsEgress.ToPort",
	},
}

func (*SecurityGroup) kind() *kind { return securityGroupKind }

func (s *Service) securityGroupOps() []core.Op {
	return []core.Op{
		op(s, "CreateSecurityGroup", createSecurityGroup, creates((*SecurityGroup)(nil))),
		op(s, "DescribeSecurityGroups", describeSecurityGroups, read),
		op(s, "DeleteSecurityGroup", deleteSecurityGroup),
		op(s, "DescribeSecurityGroupReferences", describeReferences, read),
		op(s, "DescribeStaleSecurityGroups", describeStaleGroups, read),
	}
}

type createGroupIn struct {
	Base
	Tagged
	Description string `q:"GroupDescription"`
	GroupName   string
	VpcId       string
}

type createGroupOut struct {
	Return           bool   `xml:"return"`
	GroupId          string `xml:"groupId"`
	SecurityGroupArn string `xml:"securityGroupArn"`
	Tags             []Tag  `xml:"tagSet>item"`
}

func createSecurityGroup(c *call, in *createGroupIn) (*createGroupOut, error) {
	if err := need("GroupName", in.GroupName, "GroupDescription", in.Description); err != nil {
		return nil, err
	}
	if in.GroupName == "default" || len(in.GroupName) > 3 && in.GroupName[:3] == "sg-" {
		return nil, core.Errorf(400, "InvalidParameterValue", "Cannot use reserved security group name: %s", in.GroupName)
	}
	v, err := c.vpcOrDefault(in.VpcId)
	if err != nil {
		return nil, err
	}
	if c.groupNamed(v.VpcId, in.GroupName) != nil {
		return nil, core.Errorf(400, "InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", in.GroupName, v.VpcId)
	}
	g := c.newSecurityGroup(v, in.GroupName, in.Description, in.tags(securityGroupKind))
	return &createGroupOut{true, g.GroupId, g.SecurityGroupArn, g.Tags}, nil
}

// vpcOrDefault finds a VPC; without an id the default one.
func (st *state) vpcOrDefault(id string) (*Vpc, error) {
	if id != "" {
		return get[Vpc](st, id)
	}
	if v := st.defaultVpc(); v != nil {
		return v, nil
	}
	return nil, core.Errorf(400, "VPCIdNotSpecified", "No default VPC for this user")
}

func (st *state) groupNamed(vpc, name string) *SecurityGroup {
	return first(st, func(g *SecurityGroup) bool { return g.VpcId == vpc && g.GroupName == name })
}

// newSecurityGroup makes a group that lets everything out; the default group
// also lets its own members in.
func (st *state) newSecurityGroup(v *Vpc, name, description string, tags []Tag) *SecurityGroup {
	g := &SecurityGroup{GroupName: name, Description: description, OwnerId: st.account, VpcId: v.VpcId}
	g.GroupId = st.newID(g)
	g.SecurityGroupArn = st.arn(securityGroupKind, g.GroupId)
	st.add(g, g.GroupId, tags)
	for _, r := range st.factoryRules(g) {
		st.addRule(g, r, nil)
	}
	st.regroup(g)
	return g
}

func (st *state) factoryRules(g *SecurityGroup) []SecurityGroupRule {
	out := []SecurityGroupRule{{IsEgress: true, IpProtocol: "-1", FromPort: -1, ToPort: -1, CidrIpv4: "0.0.0.0/0"}}
	if g.GroupName == "default" {
		self := &ReferencedGroup{GroupId: g.GroupId, UserId: st.account}
		out = append(out, SecurityGroupRule{IpProtocol: "-1", FromPort: -1, ToPort: -1, ReferencedGroupInfo: self})
	}
	return out
}

type describeGroupsIn struct {
	Search
	GroupIds   []string `q:"GroupId"`
	GroupNames []string `q:"GroupName"`
}

type describeGroupsOut struct {
	SecurityGroups List[*SecurityGroup] `xml:"securityGroupInfo"`
	NextToken      string               `xml:"nextToken,omitempty"`
}

func describeSecurityGroups(c *call, in *describeGroupsIn) (*describeGroupsOut, error) {
	ids := slices.Clone(in.GroupIds)
	for _, n := range in.GroupNames {
		g, err := c.defaultGroupNamed(n)
		if err != nil {
			return nil, err
		}
		ids = append(ids, g.GroupId)
	}
	list, next, err := describe[SecurityGroup](c, &in.Search, ids)
	return &describeGroupsOut{listOf(list), next}, err
}

// defaultGroupNamed finds a group of the default VPC: only there names are enough.
func (st *state) defaultGroupNamed(name string) (*SecurityGroup, error) {
	if v := st.defaultVpc(); v != nil {
		if g := st.groupNamed(v.VpcId, name); g != nil {
			return g, nil
		}
	}
	return nil, core.Errorf(400, "InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC", name)
}

type deleteGroupIn struct {
	Base
	GroupId   string
	GroupName string
}

type deleteGroupOut struct {
	Return  bool   `xml:"return"`
	GroupId string `xml:"groupId"`
}

func deleteSecurityGroup(c *call, in *deleteGroupIn) (*deleteGroupOut, error) {
	g, err := c.group(in.GroupId, in.GroupName)
	if err != nil {
		return nil, err
	}
	if g.GroupName == "default" {
		return nil, core.Errorf(400, "CannotDelete", "the specified group: %q name: %q cannot be deleted by a user", g.GroupId, g.GroupName)
	}
	used := first(c.state, func(e *NetworkInterface) bool { return e.inGroup(g.GroupId) }) != nil ||
		first(c.state, func(r *SecurityGroupRule) bool { return r.GroupId != g.GroupId && r.references(g.GroupId) }) != nil
	if used {
		return nil, core.Errorf(400, "DependencyViolation", "resource %s has a dependent object", g.GroupId)
	}
	c.removeGroup(g)
	return &deleteGroupOut{true, g.GroupId}, nil
}

// group finds a group by id, or by name in the default VPC.
func (st *state) group(id, name string) (*SecurityGroup, error) {
	if id == "" && name != "" {
		return st.defaultGroupNamed(name)
	}
	return get[SecurityGroup](st, id)
}

func (st *state) removeGroup(g *SecurityGroup) {
	for _, r := range some(st, func(r *SecurityGroupRule) bool { return r.GroupId == g.GroupId }) {
		st.remove(r)
	}
	st.remove(g)
}

type referencesIn struct {
	Base
	GroupIds []string `q:"GroupId"`
}

// Reference says which VPC's group refers to a group.
type Reference struct {
	GroupId          string `xml:"groupId"`
	ReferencingVpcId string `xml:"referencingVpcId"`
}

type referencesOut struct {
	References List[Reference] `xml:"securityGroupReferenceSet"`
}

// describeReferences lists groups of peered VPCs only, as AWS does.
func describeReferences(c *call, in *referencesIn) (*referencesOut, error) {
	out := &referencesOut{}
	for _, id := range in.GroupIds {
		g, err := get[SecurityGroup](c.state, id)
		if err != nil {
			return nil, err
		}
		for _, r := range some(c.state, func(r *SecurityGroupRule) bool { return r.references(id) }) {
			if other, ok := c.objects[r.GroupId].(*SecurityGroup); ok && other.VpcId != g.VpcId {
				out.References.Items = append(out.References.Items, Reference{id, other.VpcId})
			}
		}
	}
	return out, nil
}

type staleOut struct {
	Groups List[GroupIdentifier] `xml:"staleSecurityGroupSet"`
}

func describeStaleGroups(c *call, in *vpcIn) (*staleOut, error) {
	if _, err := get[Vpc](c.state, in.VpcId); err != nil {
		return nil, err
	}
	out := &staleOut{}
	for _, g := range some(c.state, func(g *SecurityGroup) bool { return g.VpcId == in.VpcId }) {
		stale := first(c.state, func(r *SecurityGroupRule) bool {
			return r.GroupId == g.GroupId && r.ReferencedGroupInfo != nil && c.objects[r.ReferencedGroupInfo.GroupId] == nil
		})
		if stale != nil {
			out.Groups.Items = append(out.Groups.Items, GroupIdentifier{g.GroupId, g.GroupName})
		}
	}
	return out, nil
}
