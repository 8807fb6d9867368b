package ec2

import "github.com/kodekloud/kml/internal/awssim/core"

// Reservation is what one launch made.
type Reservation struct {
	ReservationId string      `xml:"reservationId"`
	OwnerId       string      `xml:"ownerId"`
	RequesterId   string      `xml:"requesterId,omitempty"`
	Instances     []*Instance `xml:"instancesSet>item"`
}

func (s *Service) instanceOps() []core.Op {
	made := creates((*Instance)(nil), (*Volume)(nil), (*NetworkInterface)(nil), (*SpotRequest)(nil))
	return []core.Op{
		op(s, "RunInstances", runInstances, made),
		op(s, "DescribeInstances", describeInstances, read),
		op(s, "DescribeInstanceStatus", describeInstanceStatus, read),
		op(s, "DescribeInstanceAttribute", describeInstanceAttribute, read),
		op(s, "DescribeInstanceCreditSpecifications", describeCredits, read),
		op(s, "ModifyInstanceCreditSpecification", modifyCredits),
		op(s, "ModifyInstanceAttribute", modifyInstanceAttribute),
		op(s, "ModifyInstanceMetadataOptions", modifyMetadataOptions),
		op(s, "TerminateInstances", terminateInstances),
		op(s, "StopInstances", stopInstances),
		op(s, "StartInstances", startInstances),
		op(s, "RebootInstances", rebootInstances),
		op(s, "MonitorInstances", monitor("enabled")),
		op(s, "UnmonitorInstances", monitor("disabled")),
		op(s, "GetConsoleOutput", getConsoleOutput, read),
	}
}

type describeInstancesIn struct {
	Search
	InstanceIds []string `q:"InstanceId"`
}

type describeInstancesOut struct {
	Reservations List[*Reservation] `xml:"reservationSet"`
	NextToken    string             `xml:"nextToken,omitempty"`
}

func (in *describeInstancesIn) check() error {
	if len(in.InstanceIds) > 0 && in.MaxResults != nil {
		return invalidCombination("The parameter instancesSet cannot be used with the parameter maxResults")
	}
	return nil
}

func describeInstances(c *call, in *describeInstancesIn) (*describeInstancesOut, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	c.showAll()
	list, next, err := describe[Instance](c, &in.Search, in.InstanceIds)
	return &describeInstancesOut{listOf(c.reservations(list)), next}, err
}

// reservations groups instances by the launch that made them, in order.
func (st *state) reservations(list []*Instance) []*Reservation {
	var out []*Reservation
	byID := map[string]*Reservation{}
	for _, i := range list {
		r, ok := byID[i.reservation]
		if !ok {
			r = &Reservation{ReservationId: i.reservation, OwnerId: st.account, RequesterId: i.requester}
			byID[i.reservation] = r
			out = append(out, r)
		}
		r.Instances = append(r.Instances, i)
	}
	return out
}

// InstanceStatus is the result of an instance's status checks.
type InstanceStatus struct {
	InstanceId       string        `xml:"instanceId"`
	AvailabilityZone string        `xml:"availabilityZone"`
	InstanceState    InstanceState `xml:"instanceState"`
	InstanceStatus   Check         `xml:"instanceStatus"`
	SystemStatus     Check         `xml:"systemStatus"`
}

// Check is one status check.
type Check struct {
	Status  string        `xml:"status"`
	Details []CheckDetail `xml:"details>item"`
}

// CheckDetail is one part of a check.
type CheckDetail struct {
	Name   string `xml:"name"`
	Status string `xml:"status"`
}

type statusIn struct {
	Search
	InstanceIds         []string `q:"InstanceId"`
	IncludeAllInstances bool
}

type statusOut struct {
	Statuses  List[InstanceStatus] `xml:"instanceStatusSet"`
	NextToken string               `xml:"nextToken,omitempty"`
}

var statusFilters = filters{
	"availability-zone": "AvailabilityZone", "instance-state-name": "InstanceState.Name", "instance-state-code": "InstanceState.Code",
	"instance-status.status": "InstanceStatus.Status", "instance-status.reachability": "InstanceStatus.Details.Status",
	"system-status.status": "SystemStatus.Status", "system-status.reachability": "SystemStatus.Details.Status",
}

// describeInstanceStatus shows running instances only, unless asked for all.
func describeInstanceStatus(c *call, in *statusIn) (*statusOut, error) {
	ids := in.InstanceIds
	if len(ids) > 0 && in.MaxResults != nil {
		return nil, invalidCombination("The parameter instancesSet cannot be used with the parameter maxResults")
	}
	var q Search
	list, _, err := describe[Instance](c, &q, ids)
	if err != nil {
		return nil, err
	}
	var found []InstanceStatus
	for _, i := range list {
		s := i.status(c.now)
		ok, err := statusFilters.matches(s, in.Filters)
		if err != nil {
			return nil, err
		}
		if ok && (in.IncludeAllInstances || i.InstanceState.Name == "running") {
			found = append(found, s)
		}
	}
	page, next, err := page(&in.Search, found, func(s InstanceStatus) string { return c.order(s.InstanceId) }, 5)
	return &statusOut{listOf(page), next}, err
}

type consoleOut struct {
	InstanceId string     `xml:"instanceId"`
	Output     string     `xml:"output"`
	Timestamp  *core.Time `xml:"timestamp"`
}

func getConsoleOutput(c *call, in *instanceIn) (*consoleOut, error) {
	i, err := get[Instance](c.state, in.InstanceId)
	if err != nil {
		return nil, err
	}
	return &consoleOut{i.InstanceId, "", core.Ptr(c.now)}, nil
}
