package ec2

import (
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// PlacementGroup says how instances lie to each other.
type PlacementGroup struct {
	GroupId        string `xml:"groupId"`
	GroupName      string `xml:"groupName"`
	GroupArn       string `xml:"groupArn"`
	State          string `xml:"state"`
	Strategy       string `xml:"strategy"`
	PartitionCount int    `xml:"partitionCount,omitempty"`
	SpreadLevel    string `xml:"spreadLevel,omitempty"`
	Meta
}

var placementGroupKind = &kind{
	name: "placement-group", prefix: "pg", noun: "placement group", notFound: "InvalidPlacementGroup.Unknown", malformed: "InvalidPlacementGroup.Unknown",
	trail:   "AWS::EC2::PlacementGroup",
	filters: filters{"group-name": "GroupName", "group-arn": "GroupArn", "state": "State", "strategy": "Strategy", "spread-level": "SpreadLevel"},
}

func (*PlacementGroup) kind() *kind { return placementGroupKind }

func (s *Service) placementOps() []core.Op {
	return []core.Op{
		op(s, "CreatePlacementGroup", createPlacementGroup, creates((*PlacementGroup)(nil))),
		op(s, "DescribePlacementGroups", describePlacementGroups, read),
		op(s, "DeletePlacementGroup", deletePlacementGroup),
	}
}

type placementIn struct {
	Base
	Tagged
	GroupName      string
	PartitionCount int
	SpreadLevel    string
	Strategy       string
}

type placementOut struct {
	PlacementGroup *PlacementGroup `xml:"placementGroup"`
}

func (st *state) placementNamed(name string) *PlacementGroup {
	return first(st, func(g *PlacementGroup) bool { return g.GroupName == name })
}

func createPlacementGroup(c *call, in *placementIn) (*placementOut, error) {
	if err := need("groupName", in.GroupName); err != nil {
		return nil, err
	}
	if c.placementNamed(in.GroupName) != nil {
		return nil, core.Errorf(400, "InvalidPlacementGroup.Duplicate", "The Placement Group '%s' already exists.", in.GroupName)
	}
	g := &PlacementGroup{GroupName: in.GroupName, State: "available", Strategy: in.Strategy, PartitionCount: in.PartitionCount, SpreadLevel: in.SpreadLevel}
	if g.Strategy == "" {
		g.Strategy = "cluster"
	}
	g.GroupId, g.GroupArn = c.newID(g), c.state.arn(placementGroupKind, in.GroupName)
	c.add(g, g.GroupId, in.tags(placementGroupKind))
	return &placementOut{g}, nil
}

type describePlacementIn struct {
	Base
	Filters    []Filter `q:"Filter"`
	GroupIds   []string `q:"GroupId"`
	GroupNames []string `q:"GroupName"`
}

type describePlacementOut struct {
	PlacementGroups List[*PlacementGroup] `xml:"placementGroupSet"`
}

func describePlacementGroups(c *call, in *describePlacementIn) (*describePlacementOut, error) {
	ids := slices.Clone(in.GroupIds)
	for _, n := range in.GroupNames {
		g := c.placementNamed(n)
		if g == nil {
			return nil, core.Errorf(400, "InvalidPlacementGroup.Unknown", "The Placement Group '%s' is unknown.", n)
		}
		ids = append(ids, g.GroupId)
	}
	list, _, err := describe[PlacementGroup](c, &Search{Filters: in.Filters}, ids)
	return &describePlacementOut{listOf(list)}, err
}

func (in *deletePlacementIn) permissions(c *call) []core.Permission {
	if g := c.placementNamed(in.GroupName); g != nil {
		return []core.Permission{c.on(g.GroupId)}
	}
	return []core.Permission{{Resource: c.state.arn(placementGroupKind, in.GroupName), Context: c.regionKey()}}
}

type deletePlacementIn struct {
	Base
	GroupName string
}

func deletePlacementGroup(c *call, in *deletePlacementIn) (*returned, error) {
	g := c.placementNamed(in.GroupName)
	if g == nil {
		return nil, core.Errorf(400, "InvalidPlacementGroup.Unknown", "The Placement Group '%s' is unknown.", in.GroupName)
	}
	if first(c.state, func(i *Instance) bool {
		return i.Placement.GroupName == g.GroupName && i.InstanceState.Name != "terminated"
	}) != nil {
		return nil, core.Errorf(400, "InvalidPlacementGroup.InUse", "The placement group '%s' is in use.", g.GroupName)
	}
	c.remove(g)
	return done()
}
