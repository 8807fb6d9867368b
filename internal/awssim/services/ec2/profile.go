package ec2

import "github.com/kodekloud/kml/internal/awssim/core"

// ProfileAssociation binds an instance profile to an instance.
type ProfileAssociation struct {
	AssociationId string     `xml:"associationId"`
	InstanceId    string     `xml:"instanceId"`
	Profile       Profile    `xml:"iamInstanceProfile"`
	State         string     `xml:"state"`
	Timestamp     *core.Time `xml:"timestamp"`
	Meta
}

var profileKind = &kind{
	name: "iam-instance-profile-association", prefix: "iip-assoc", noun: "association",
	notFound: "InvalidAssociationID.NotFound", malformed: "InvalidAssociationID.NotFound", trail: "AWS::EC2::IamInstanceProfileAssociation",
	filters: filters{"instance-id": "InstanceId", "state": "State"},
}

func (*ProfileAssociation) kind() *kind { return profileKind }

func (s *Service) profileOps() []core.Op {
	return []core.Op{
		op(s, "DescribeIamInstanceProfileAssociations", describeProfileAssociations, read),
		op(s, "AssociateIamInstanceProfile", associateProfile),
		op(s, "DisassociateIamInstanceProfile", disassociateProfile),
		op(s, "ReplaceIamInstanceProfileAssociation", replaceProfile),
	}
}

func (st *state) associateProfile(i *Instance, p Profile) *ProfileAssociation {
	a := &ProfileAssociation{InstanceId: i.InstanceId, Profile: p, State: "associated", Timestamp: core.Ptr(st.now)}
	a.AssociationId = st.newID(a)
	st.add(a, a.AssociationId, nil)
	i.IamInstanceProfile = &p
	return a
}

type describeProfilesIn struct {
	Search
	AssociationIds []string `q:"AssociationId"`
}

type describeProfilesOut struct {
	Associations List[*ProfileAssociation] `xml:"iamInstanceProfileAssociationSet"`
	NextToken    string                    `xml:"nextToken,omitempty"`
}

func describeProfileAssociations(c *call, in *describeProfilesIn) (*describeProfilesOut, error) {
	list, next, err := describe[ProfileAssociation](c, &in.Search, in.AssociationIds)
	return &describeProfilesOut{listOf(list), next}, err
}

type profileIn struct {
	AssociationId      string
	InstanceId         string
	IamInstanceProfile ProfileSpec
}

func (in *profileIn) permissions(c *call) []core.Permission {
	id := in.InstanceId
	if a, ok := c.objects[in.AssociationId].(*ProfileAssociation); ok {
		id = a.InstanceId
	}
	out := []core.Permission{c.on(id)}
	if kindOf(id) == nil {
		out = []core.Permission{{Context: c.regionKey()}}
	}
	if _, role, err := c.profile(in.IamInstanceProfile); err == nil && role != "" {
		out = append(out, passRole(role))
	}
	return out
}

type profileOut struct {
	Association *ProfileAssociation `xml:"iamInstanceProfileAssociation"`
}

func associateProfile(c *call, in *profileIn) (*profileOut, error) {
	i, err := get[Instance](c.state, in.InstanceId)
	if err != nil {
		return nil, err
	}
	p, _, err := c.profile(in.IamInstanceProfile)
	if err != nil {
		return nil, err
	}
	if i.IamInstanceProfile != nil {
		return nil, core.Errorf(400, "IncorrectState", "There is an existing association for instance %s", i.InstanceId)
	}
	return &profileOut{c.associateProfile(i, *p)}, nil
}

func disassociateProfile(c *call, in *profileIn) (*profileOut, error) {
	a, err := get[ProfileAssociation](c.state, in.AssociationId)
	if err != nil {
		return nil, err
	}
	if i, ok := c.objects[a.InstanceId].(*Instance); ok {
		i.IamInstanceProfile = nil
	}
	a.State = "disassociating"
	c.remove(a)
	return &profileOut{a}, nil
}

func replaceProfile(c *call, in *profileIn) (*profileOut, error) {
	a, err := get[ProfileAssociation](c.state, in.AssociationId)
	if err != nil {
		return nil, err
	}
	p, _, err := c.profile(in.IamInstanceProfile)
	if err != nil {
		return nil, err
	}
	i, err := get[Instance](c.state, a.InstanceId)
	if err != nil {
		return nil, err
	}
	c.remove(a)
	return &profileOut{c.associateProfile(i, *p)}, nil
}
