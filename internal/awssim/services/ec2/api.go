package ec2

import (
	"sort"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Launch is what another service asks EC2 to start.
type Launch struct {
	Spec     LaunchSpec
	Template *TemplateRef
	SubnetID string
	Zone     string // without a subnet: the default one there
	Tags     map[string]string
	Count    int
	By       string // service principal, such as "autoscaling.amazonaws.com"
}

// Brief is what another service sees of an instance.
type Brief struct {
	ID, Type, Image, Zone, State string
}

// Launch starts instances on behalf of a service: no permission is asked, as
// service-linked roles are bound by neither boundary nor SCP; quotas count. The
// lock is held.
func (s *Service) Launch(account, region string, now time.Time, l Launch) ([]Brief, error) {
	st := s.at(account, region, now)
	p, err := s.planFor(st, l)
	if err != nil {
		return nil, err
	}
	r, err := st.launch(p, l.Count, l.Count)
	if err != nil {
		return nil, err
	}
	out := make([]Brief, 0, l.Count)
	for _, i := range r.Instances {
		out = append(out, brief(i))
	}
	s.record(st, "RunInstances", l.By, out)
	return out, nil
}

// Check tells whether a launch would be accepted, without doing it.
func (s *Service) Check(account, region string, now time.Time, l Launch) error {
	_, err := s.planFor(s.at(account, region, now), l)
	return err
}

// Needed gives the permissions that a caller must have to let a service launch
// this: Auto Scaling asks when a group is made or changed.
func (s *Service) Needed(c *core.Call, l Launch) []core.Permission {
	cc := s.call(c)
	p, err := s.planFor(cc.state, l)
	if err != nil {
		return nil
	}
	out := p.permissions(cc)
	for i := range out {
		if out[i].Action == "" {
			out[i].Action = "ec2:RunInstances"
		}
	}
	return out
}

func (s *Service) planFor(st *state, l Launch) (*plan, error) {
	spec := l.Spec
	var t *LaunchTemplate
	if l.Template != nil {
		found, v, err := st.template(*l.Template)
		if err != nil {
			return nil, err
		}
		t, spec = found, spec.over(v.Data)
	}
	if l.SubnetID != "" { // a service's subnet wins over the one of the template's interface
		nics := append([]NicSpec(nil), spec.NetworkInterfaces...)
		for i := range nics {
			nics[i].SubnetId = l.SubnetID
		}
		spec.NetworkInterfaces = nics
	}
	if l.Zone != "" {
		spec.Placement = &Placement{AvailabilityZone: l.Zone}
	}
	tags := make([]Tag, 0, len(l.Tags))
	for k, v := range l.Tags {
		tags = append(tags, Tag{k, v})
	}
	sortTags(tags)
	spec.TagSpecifications = append(append([]TagSpecification(nil), spec.TagSpecifications...), TagSpecification{instanceKind.name, tags})
	subnet := l.SubnetID
	if len(spec.NetworkInterfaces) > 0 {
		subnet = ""
	}
	p, err := st.prepare(spec, subnet, "")
	if err != nil {
		return nil, err
	}
	p.template, p.by = t, l.By
	return p, nil
}

// Terminate ends instances on behalf of a service; termination protection does
// not hold it back. Unknown ones are ignored. The lock is held.
func (s *Service) Terminate(account, region string, now time.Time, by string, ids ...string) {
	st := s.at(account, region, now)
	var ended []Brief
	for _, id := range ids {
		if i, ok := st.objects[id].(*Instance); ok && !i.gone() {
			st.terminate(i, "Server.ScheduledStop", "Server.ScheduledStop: terminated by "+by)
			ended = append(ended, brief(i))
		}
	}
	if len(ended) > 0 {
		s.record(st, "TerminateInstances", by, ended)
	}
}

// Instance tells about one instance; ok is false when it is unknown.
func (s *Service) Instance(account, region string, now time.Time, id string) (Brief, bool) {
	if i, ok := s.at(account, region, now).objects[id].(*Instance); ok {
		return brief(i), true
	}
	return Brief{}, false
}

// SubnetZone gives the Availability Zone of a subnet, or the error of EC2.
func (s *Service) SubnetZone(account, region string, now time.Time, id string) (string, error) {
	sn, err := get[Subnet](s.at(account, region, now), id)
	if err != nil {
		return "", err
	}
	return sn.AvailabilityZone, nil
}

// TemplateNames resolves a reference to id, name and version number.
func (s *Service) TemplateNames(account, region string, now time.Time, ref TemplateRef) (id, name string, version int, err error) {
	t, v, err := s.at(account, region, now).template(ref)
	if err != nil {
		return "", "", 0, err
	}
	return t.LaunchTemplateId, t.LaunchTemplateName, v.VersionNumber, nil
}

// SetTag tags an instance on behalf of a service.
func (s *Service) SetTag(account, region string, now time.Time, id, key, value string) {
	if o, ok := s.at(account, region, now).objects[id]; ok {
		o.meta().Tags = merge(o.meta().Tags, []Tag{{key, value}})
	}
}

func (s *Service) at(account, region string, now time.Time) *state {
	st := s.shelf.At(account, region)
	st.settle(now)
	return st
}

func brief(i *Instance) Brief {
	return Brief{i.InstanceId, i.InstanceType, i.ImageId, i.Placement.AvailabilityZone, i.InstanceState.Name}
}

// record writes the event of a call that a service made by its service-linked role.
func (s *Service) record(st *state, op, by string, list []Brief) {
	items := make([]any, 0, len(list))
	var things []core.TrailResource
	for _, b := range list {
		items = append(items, map[string]any{"instanceId": b.ID, "imageId": b.Image, "instanceType": b.Type})
		things = append(things, core.TrailResource{ARN: st.arn(instanceKind, b.ID), AccountID: st.account, Type: instanceKind.trail, Name: b.ID})
	}
	set := map[string]any{"instancesSet": map[string]any{"items": items}}
	role := serviceRole(by)
	e := &core.Event{
		EventVersion: "1.11", Time: st.now, EventTime: st.now.UTC().Format("2006-01-02T15:04:05Z"), EventSource: "ec2.amazonaws.com",
		EventName: op, AWSRegion: st.region, SourceIPAddress: by, UserAgent: by, RequestParameters: set, ResponseElements: set,
		RequestID: s.w.UUID(), EventID: s.w.UUID(), Resources: things, EventType: "AwsApiCall", ManagementEvent: true,
		RecipientAccountID: st.account, EventCategory: "Management", User: role,
		UserIdentity: core.UserIdentity{
			Type: "AssumedRole", AccountID: st.account, InvokedBy: by,
			ARN: "arn:aws:sts::" + st.account + ":assumed-role/" + role + "/" + role,
		},
	}
	s.w.Trail.Add(st.account, e)
}

// serviceRole names the service-linked role of a service principal.
func serviceRole(by string) string {
	if by == "autoscaling.amazonaws.com" {
		return "AWSServiceRoleForAutoScaling"
	}
	return "AWSServiceRoleForEC2Spot"
}

func sortTags(tags []Tag) {
	sort.Slice(tags, func(i, j int) bool { return tags[i].Key < tags[j].Key })
}
