package ec2

import (
	"slices"
	"sort"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// functionLinger is how many state delays an interface stays after the last
// function let go of it. Source: "Giving Lambda functions access to resources in
// an Amazon VPC": up to 20 minutes.
const functionLinger = 20

// AttachFunction gives a Lambda function its place in a VPC, instead of the one
// it had: one interface for each subnet, shared by all functions with the same
// subnet and groups. It gives the VPC's id; errors are *core.Error. Lock held.
func (s *Service) AttachFunction(account, region, function string, subnets, groups []string, now time.Time) (vpc string, err error) {
	st := s.shelf.At(account, region)
	st.settle(now)
	for _, id := range subnets { // all checked before anything is made
		sn, err := get[Subnet](st, id)
		if err != nil {
			return "", err
		}
		if vpc != "" && sn.VpcId != vpc {
			return "", core.Errorf(400, "InvalidParameterValue", "Subnets %v belong to different networks.", subnets)
		}
		vpc = sn.VpcId
		if _, err := st.groupsFor(vpc, groups, "lambda"); err != nil {
			return "", err
		}
	}
	var kept []*NetworkInterface
	for _, id := range subnets {
		e, err := st.functionInterface(id, function, groups)
		if err != nil {
			return "", err
		}
		e.functions[function] = true
		kept = append(kept, e)
	}
	st.releaseFunction(function, kept)
	return vpc, nil
}

// ReleaseFunction lets a function's interfaces go, after a while. Lock held.
func (s *Service) ReleaseFunction(account, region, function string, now time.Time) {
	if st := s.shelf.Peek(account, region); st != nil {
		st.settle(now)
		st.releaseFunction(function, nil)
	}
}

// functionInterface finds the interface of functions in a subnet with exactly
// these groups, or makes it.
func (st *state) functionInterface(subnet, function string, groups []string) (*NetworkInterface, error) {
	want := slices.Clone(groups)
	sort.Strings(want)
	if e := first(st, func(e *NetworkInterface) bool {
		return e.functions != nil && e.SubnetId == subnet && slices.Equal(e.groupIDs(), want)
	}); e != nil {
		return e, nil
	}
	sn, err := get[Subnet](st, subnet)
	if err != nil {
		return nil, err
	}
	e, err := st.newInterface(sn, eniSpec{groups: groups, kind: "lambda", manager: "AROALAMBDA:" + function,
		description: "AWS Lambda VPC ENI-" + function + "-" + st.svc.w.UUID()})
	if err != nil {
		return nil, err
	}
	e.functions, e.Status, e.SourceDestCheck = map[string]bool{}, "in-use", true
	e.Attachment = &EniAttachment{AttachmentId: st.svc.w.ID("ela-attach"), InstanceOwnerId: "amazon-aws", DeviceIndex: 1,
		Status: "attached", AttachTime: core.Ptr(st.now)}
	return e, nil
}

func (e *NetworkInterface) groupIDs() []string {
	out := make([]string, len(e.Groups))
	for i, g := range e.Groups {
		out[i] = g.GroupId
	}
	sort.Strings(out)
	return out
}

func (st *state) releaseFunction(function string, but []*NetworkInterface) {
	for _, e := range some(st, func(e *NetworkInterface) bool { return e.functions[function] && !slices.Contains(but, e) }) {
		delete(e.functions, function)
		if len(e.functions) > 0 {
			continue
		}
		st.after(functionLinger, func() {
			if _, there := st.objects[e.NetworkInterfaceId]; there && len(e.functions) == 0 { // nobody took it up again
				st.removeInterface(e)
			}
		})
	}
}
