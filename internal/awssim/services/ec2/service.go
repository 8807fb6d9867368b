package ec2

import (
	"sort"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Profiles is what EC2 asks the IAM service. The lock is held.
type Profiles interface {
	// InstanceProfile finds a profile by name or ARN; role is the ARN of its
	// role, "" if it has none.
	InstanceProfile(account, nameOrARN string) (arn, id, role string, ok bool)
}

// Service is EC2 in every account and Region.
type Service struct {
	w        *core.World
	profiles Profiles
	shelf    core.Shelf[state]
	limits   map[string]int // vCPU quota by account, where it is not the default
	core     *core.Service
}

// DefaultVCPULimit is the quota of running on-demand vCPUs per Region of an account.
const DefaultVCPULimit = 32

// New makes the service. Without profiles (nil) every instance profile is unknown.
func New(w *core.World, profiles Profiles) *Service {
	s := &Service{w: w, profiles: profiles, limits: map[string]int{}}
	s.shelf.New = s.newState
	s.core = &core.Service{
		Name: "ec2", Namespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
		Settle: s.Settle, Inventory: s.inventory,
		Rates: map[string]core.Rate{ // token buckets of "Request throttling for the Amazon EC2 API"
			"*": {PerSecond: 100, Burst: 200}, "RunInstances": {PerSecond: 2, Burst: 5}, "TerminateInstances": {PerSecond: 5, Burst: 100},
			"CreateTags": {PerSecond: 10, Burst: 100},
		},
	}
	for _, ops := range [][]core.Op{
		s.vpcOps(), s.subnetOps(), s.securityGroupOps(), s.securityGroupRuleOps(), s.routeTableOps(), s.gatewayOps(), s.natOps(),
		s.networkAclOps(), s.interfaceOps(), s.endpointOps(), s.prefixListOps(), s.peeringOps(), s.dhcpOps(), s.flowLogOps(), s.addressOps(),
		s.regionOps(), s.typeOps(), s.instanceOps(), s.profileOps(), s.volumeOps(), s.snapshotOps(), s.imageOps(), s.keyPairOps(),
		s.templateOps(), s.placementOps(), s.spotOps(), s.settingsOps(), s.tagOps(),
	} {
		s.core.Ops = append(s.core.Ops, ops...)
	}
	return s
}

// Core is what the world registers.
func (s *Service) Core() *core.Service { return s.core }

func (s *Service) tagOps() []core.Op {
	return []core.Op{
		op(s, "CreateTags", createTags),
		op(s, "DeleteTags", deleteTags),
		op(s, "DescribeTags", describeTags, read),
	}
}

func (s *Service) newState(account, region string) *state {
	st := &state{
		svc: s, account: account, region: region, now: s.w.Clock.Now(), objects: map[string]Object{}, lists: map[*kind][]Object{},
		settings: newSettings(), tokens: map[string]remembered{}, modifications: map[string]*VolumeModification{},
	}
	st.publish()
	st.newDefaultVpc()
	return st
}

// Settle does what is due in an account and Region.
func (s *Service) Settle(account, region string, now time.Time) {
	if st := s.shelf.Peek(account, region); st != nil {
		st.settle(now)
	}
}

// SetVCPULimit changes the vCPU quota of an account in every Region.
func (s *Service) SetVCPULimit(account string, vcpus int) { s.limits[account] = vcpus }

func (s *Service) vcpuLimit(account string) int {
	if n, ok := s.limits[account]; ok {
		return n
	}
	return DefaultVCPULimit
}

// inventory tells everything but what belongs to Amazon and terminated instances.
func (s *Service) inventory(account string, now time.Time) []core.Resource {
	var out []core.Resource
	s.shelf.Each(account, func(_, region string, st *state) {
		st.settle(now)
		var list []core.Resource
		for _, o := range st.objects {
			if r, ok := st.resource(o); ok {
				list = append(list, r)
			}
		}
		for name, value := range st.settings.deviations() {
			list = append(list, core.Resource{Service: "ec2", Kind: "account-setting", Region: region, ID: name, State: value})
		}
		sort.Slice(list, func(i, j int) bool { return list[i].Kind+"/"+list[i].ID < list[j].Kind+"/"+list[j].ID })
		out = append(out, list...)
	})
	return out
}

func (st *state) resource(o Object) (core.Resource, bool) {
	m := o.meta()
	r := core.Resource{
		Service: "ec2", Kind: o.kind().name, Region: st.region, ID: m.id, ARN: st.arn(o.kind(), st.arnName(o)), Default: m.byDefault,
	}
	if m.byDefault && (len(m.Tags) > 0 || st.changed(o)) {
		r.State = "modified"
	}
	switch x := o.(type) {
	case *Image:
		if x.OwnerId != st.account {
			return r, false
		}
		r.State = x.State
	case *Instance:
		r.State = x.InstanceState.Name
		return r, r.State != "terminated"
	case *NatGateway:
		r.State = x.State
		return r, r.State != "deleted" && r.State != "failed"
	case *VpcPeeringConnection:
		r.State = x.Status.Code
		return r, x.live()
	case *SpotRequest:
		r.State = x.State
		return r, r.State == "open" || r.State == "active"
	case *ProfileAssociation:
		return r, false // part of the instance
	case *Volume:
		r.State = x.State
	case *Snapshot:
		r.State = x.State
	case *VpcEndpoint:
		r.State = x.State
	case *NetworkInterface:
		r.State = x.Status
	}
	return r, true
}
