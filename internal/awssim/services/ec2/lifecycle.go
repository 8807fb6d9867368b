package ec2

import (
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type instancesIn struct {
	Base
	InstanceIds []string `q:"InstanceId"`
	Force       bool
}

// StateChange is what a request did to an instance's state.
type StateChange struct {
	InstanceId    string        `xml:"instanceId"`
	CurrentState  InstanceState `xml:"currentState"`
	PreviousState InstanceState `xml:"previousState"`
}

type changesOut struct {
	Instances List[StateChange] `xml:"instancesSet"`
}

func (c *call) instances(ids []string) ([]*Instance, error) {
	if len(ids) == 0 {
		return nil, missingParameter("instanceIdSet")
	}
	list, missing := []*Instance{}, []string{}
	for _, id := range ids {
		i, err := get[Instance](c.state, id)
		if err != nil && kindOf(id) != instanceKind {
			return nil, err
		}
		if err != nil {
			missing = append(missing, id)
			continue
		}
		list = append(list, i)
	}
	switch len(missing) {
	case 0:
		return list, nil
	case 1:
		return nil, instanceKind.missing(missing[0])
	}
	return nil, core.Errorf(400, instanceKind.notFound, "The instance IDs '%s' do not exist", joined(missing))
}

func joined(ids []string) string {
	s := fmt.Sprint(ids)
	return s[1 : len(s)-1]
}

// terminateInstances: "If you terminate multiple instances across multiple
// Availability Zones, and one or more of the specified instances are enabled for
// termination protection, the request fails: the specified instances that are in
// the same Availability Zone as the protected instance are not terminated; those
// in different Availability Zones, where no other specified instances are
// protected, are successfully terminated." (API reference, TerminateInstances)
func terminateInstances(c *call, in *instancesIn) (*changesOut, error) {
	list, err := c.instances(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	guarded := map[string]string{} // zone to a protected instance
	for _, i := range list {
		if i.protected && !i.gone() {
			guarded[i.Placement.AvailabilityZone] = i.InstanceId
		}
	}
	out := &changesOut{}
	for _, i := range list {
		if guarded[i.Placement.AvailabilityZone] != "" {
			continue
		}
		before := i.InstanceState
		c.terminate(i, "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown")
		out.Instances.Items = append(out.Instances.Items, StateChange{i.InstanceId, i.InstanceState, before})
	}
	for _, id := range guarded {
		return nil, core.Errorf(400, "OperationNotPermitted", "The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", id)
	}
	return out, nil
}

// visible is how long terminated instances and deleted NAT gateways are still shown.
const visible = time.Hour

func (st *state) terminate(i *Instance, code, message string) {
	if i.gone() {
		return
	}
	i.to("shutting-down")
	i.StateReason = &StateReason{code, message}
	i.Reason = "User initiated (" + st.now.Format("2006-01-02 15:04:05 GMT") + ")"
	st.after(1, func() {
		i.to("terminated")
		st.release(i)
		st.at(st.now.Add(visible), func() { st.remove(i) })
	})
}

// release gives back what an instance held.
func (st *state) release(i *Instance) {
	for _, e := range st.interfaces(i) {
		if e.Attachment.DeleteOnTermination {
			st.removeInterface(e)
			continue
		}
		if e.Association != nil && e.Association.AllocationId == "" {
			e.publish(nil)
		}
		e.Attachment, e.Status = nil, "available"
	}
	for _, v := range st.volumes(i) {
		if v.Attachments[0].DeleteOnTermination {
			st.remove(v)
			continue
		}
		v.State, v.Attachments = "available", nil
	}
	if a := first(st, func(a *ProfileAssociation) bool { return a.InstanceId == i.InstanceId }); a != nil {
		st.remove(a)
	}
	if r, ok := st.objects[i.SpotRequestId].(*SpotRequest); ok && r.State == "active" {
		r.end("closed", "instance-terminated-by-user")
	}
	i.IamInstanceProfile = nil
	i.show(nil, nil)
}

func stopInstances(c *call, in *instancesIn) (*changesOut, error) {
	list, err := c.instances(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		switch s := i.InstanceState.Name; {
		case i.stopProtected && s == "running":
			return nil, core.Errorf(400, "OperationNotPermitted", "The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i.InstanceId)
		case i.InstanceLifecycle == "spot":
			return nil, core.Errorf(400, "UnsupportedOperation", "You can't stop the Spot Instance '%s' because it is associated with a one-time Spot Instance request.", i.InstanceId)
		case s != "running" && s != "stopped" && s != "stopping":
			return nil, incorrectState(i, "stopped")
		}
	}
	return c.change(list, func(i *Instance) {
		if i.InstanceState.Name != "running" {
			return
		}
		i.to("stopping")
		i.StateReason = &StateReason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
		c.after(1, func() {
			if i.InstanceState.Name == "stopping" {
				i.to("stopped")
				c.unpublish(i)
			}
		})
	}), nil
}

// unpublish takes away public addresses of Amazon's pool; elastic ones stay.
func (st *state) unpublish(i *Instance) {
	for _, e := range st.interfaces(i) {
		if e.Association != nil && e.Association.AllocationId == "" {
			e.publish(nil)
		}
	}
}

func (c *call) change(list []*Instance, do func(*Instance)) *changesOut {
	out := &changesOut{}
	for _, i := range list {
		before := i.InstanceState
		do(i)
		out.Instances.Items = append(out.Instances.Items, StateChange{i.InstanceId, i.InstanceState, before})
	}
	return out
}

func startInstances(c *call, in *instancesIn) (*changesOut, error) {
	list, err := c.instances(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	more := 0
	for _, i := range list {
		if s := i.InstanceState.Name; s != "stopped" && s != "running" && s != "pending" {
			return nil, incorrectState(i, "started")
		}
		if i.InstanceState.Name == "stopped" {
			more += machines[i.InstanceType].vcpus
		}
	}
	if limit := c.svc.vcpuLimit(c.account); c.vcpus()+more > limit {
		return nil, core.Errorf(400, "VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of %d allows.", limit)
	}
	return c.change(list, func(i *Instance) {
		if i.InstanceState.Name != "stopped" {
			return
		}
		i.LaunchTime, i.StateReason, i.Reason = core.Ptr(c.now), nil, ""
		e := c.primaryOf(i)
		if sn, ok := c.objects[e.SubnetId].(*Subnet); ok && sn.MapPublicIpOnLaunch && e.Association == nil {
			c.publicFor(e)
		}
		c.comesUp(i)
	}), nil
}

func rebootInstances(c *call, in *instancesIn) (*returned, error) {
	list, err := c.instances(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		if i.InstanceState.Name != "running" {
			return nil, incorrectState(i, "rebooted")
		}
	}
	return done()
}

// MonitoringChange is an instance's monitoring after a request.
type MonitoringChange struct {
	InstanceId string          `xml:"instanceId"`
	Monitoring MonitoringState `xml:"monitoring"`
}

type monitorOut struct {
	Instances List[MonitoringChange] `xml:"instancesSet"`
}

func monitor(state string) func(*call, *instancesIn) (*monitorOut, error) {
	return func(c *call, in *instancesIn) (*monitorOut, error) {
		list, err := c.instances(in.InstanceIds)
		if err != nil {
			return nil, err
		}
		out := &monitorOut{}
		for _, i := range list {
			i.Monitoring.State = state
			out.Instances.Items = append(out.Instances.Items, MonitoringChange{i.InstanceId, i.Monitoring})
		}
		return out, nil
	}
}

// status gives the checks: they initialize for two minutes after a launch.
func (x *Instance) status(now time.Time) InstanceStatus {
	status, reach := "ok", "passed"
	switch {
	case x.InstanceState.Name != "running":
		status, reach = "not-applicable", "not-applicable"
	case now.Sub(x.LaunchTime.Time) < 2*time.Minute:
		status, reach = "initializing", "initializing"
	}
	check := Check{status, []CheckDetail{{"reachability", reach}}}
	return InstanceStatus{x.InstanceId, x.Placement.AvailabilityZone, x.InstanceState, check, check}
}

func (st *state) order(id string) string { return fmt.Sprintf("%016x", st.objects[id].meta().seq) }
