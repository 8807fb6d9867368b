package ec2

import "github.com/kodekloud/kml/internal/awssim/core"

// SpotRequest asks for spare capacity; it is fulfilled after one delay.
type SpotRequest struct {
	SpotInstanceRequestId string     `xml:"spotInstanceRequestId"`
	State                 string     `xml:"state"`
	Status                SpotStatus `xml:"status"`
	Type                  string     `xml:"type"`
	SpotPrice             string     `xml:"spotPrice,omitempty"`
	InstanceId            string     `xml:"instanceId,omitempty"`
	CreateTime            *core.Time `xml:"createTime"`
	ProductDescription    string     `xml:"productDescription"`
	InterruptionBehavior  string     `xml:"instanceInterruptionBehavior"`
	LaunchedZone          string     `xml:"launchedAvailabilityZone,omitempty"`
	ImageId               string     `xml:"launchSpecification>imageId"`
	InstanceType          string     `xml:"launchSpecification>instanceType"`
	Meta
}

// SpotStatus says how a request stands.
type SpotStatus struct {
	Code       string     `xml:"code"`
	Message    string     `xml:"message"`
	UpdateTime *core.Time `xml:"updateTime"`
}

var spotKind = &kind{
	name: "spot-instances-request", prefix: "sir", noun: "spot instance request",
	notFound: "InvalidSpotInstanceRequestID.NotFound", malformed: "InvalidSpotInstanceRequestID.Malformed", trail: "AWS::EC2::SpotInstanceRequest",
	filters: filters{"spot-instance-request-id": "SpotInstanceRequestId", "state": "State", "status-code": "Status.Code", "instance-id": "InstanceId", "type": "Type"},
}

func (*SpotRequest) kind() *kind { return spotKind }

func (r *SpotRequest) end(state, code string) { r.State, r.Status.Code = state, code }

func (s *Service) spotOps() []core.Op {
	return []core.Op{
		op(s, "RequestSpotInstances", requestSpot, creates((*SpotRequest)(nil))),
		op(s, "DescribeSpotInstanceRequests", describeSpot, read),
		op(s, "CancelSpotInstanceRequests", cancelSpot),
	}
}

func (st *state) newSpotRequest(p *plan, tags []Tag) *SpotRequest {
	r := &SpotRequest{
		State: "open", Status: SpotStatus{"pending-evaluation", "Your Spot request has been submitted for review, and is pending evaluation.", core.Ptr(st.now)},
		Type: "one-time", CreateTime: core.Ptr(st.now), ProductDescription: "Linux/UNIX", InterruptionBehavior: "terminate",
		ImageId: p.image.ImageId, InstanceType: p.machine.name,
	}
	r.SpotInstanceRequestId = st.newID(r)
	st.add(r, r.SpotInstanceRequestId, tags)
	return r
}

// spotFor makes the request behind an instance that was launched as spot.
func (st *state) spotFor(p *plan, i *Instance) {
	r := st.newSpotRequest(p, p.spec.tags(spotKind))
	r.SpotPrice = p.spec.InstanceMarketOptions.SpotOptions.MaxPrice
	st.fulfil(r, i)
}

func (st *state) fulfil(r *SpotRequest, i *Instance) {
	r.State, r.InstanceId, r.LaunchedZone = "active", i.InstanceId, i.Placement.AvailabilityZone
	r.Status = SpotStatus{"fulfilled", "Your Spot request is fulfilled.", core.Ptr(st.now)}
	i.SpotRequestId, i.InstanceLifecycle = r.SpotInstanceRequestId, "spot"
}

type requestSpotIn struct {
	Base
	Tagged
	ClientToken         string
	InstanceCount       *int
	LaunchSpecification struct {
		LaunchSpec
		SubnetId string
	}
	SpotPrice string
	Type      string
}

type spotOut struct {
	Requests  List[*SpotRequest] `xml:"spotInstanceRequestSet"`
	NextToken string             `xml:"nextToken,omitempty"`
}

func requestSpot(c *call, in *requestSpotIn) (*spotOut, error) {
	return once(c, in.ClientToken, in, func() (*spotOut, error) {
		p, err := c.prepare(in.LaunchSpecification.LaunchSpec, in.LaunchSpecification.SubnetId, "")
		if err != nil {
			return nil, err
		}
		if p.role != "" {
			if e := c.Authorize(passRole(p.role)); e != nil {
				return nil, e
			}
		}
		n := 1
		if in.InstanceCount != nil {
			n = *in.InstanceCount
		}
		p.by = "spot.amazonaws.com"
		out := &spotOut{}
		for range n {
			r := c.newSpotRequest(p, in.tags(spotKind))
			r.SpotPrice = in.SpotPrice
			if in.Type != "" {
				r.Type = in.Type
			}
			c.after(1, func() { c.tryFulfil(r, p) })
			out.Requests.Items = append(out.Requests.Items, r)
		}
		return out, nil
	})
}

// tryFulfil launches the instance of an open request; without room it stays open.
func (st *state) tryFulfil(r *SpotRequest, p *plan) {
	if r.State != "open" {
		return
	}
	res, err := st.launch(p, 1, 1)
	if err != nil {
		r.Status = SpotStatus{"capacity-not-available", err.Error(), core.Ptr(st.now)}
		return
	}
	st.fulfil(r, res.Instances[0])
	st.svc.record(st, "RunInstances", p.by, []Brief{brief(res.Instances[0])})
}

type describeSpotIn struct {
	Search
	Ids []string `q:"SpotInstanceRequestId"`
}

func describeSpot(c *call, in *describeSpotIn) (*spotOut, error) {
	list, next, err := describe[SpotRequest](c, &in.Search, in.Ids)
	return &spotOut{listOf(list), next}, err
}

type cancelSpotIn struct {
	Base
	Ids []string `q:"SpotInstanceRequestId"`
}

// CancelledSpot is a request that was cancelled.
type CancelledSpot struct {
	SpotInstanceRequestId string `xml:"spotInstanceRequestId"`
	State                 string `xml:"state"`
}

type cancelSpotOut struct {
	Cancelled List[CancelledSpot] `xml:"spotInstanceRequestSet"`
}

// cancelSpot leaves the instance running, as AWS documents.
func cancelSpot(c *call, in *cancelSpotIn) (*cancelSpotOut, error) {
	var list []*SpotRequest
	for _, id := range in.Ids {
		r, err := get[SpotRequest](c.state, id)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	out := &cancelSpotOut{}
	for _, r := range list {
		if r.State == "open" || r.State == "active" {
			code := "canceled-before-fulfillment"
			if r.InstanceId != "" {
				code = "request-canceled-and-instance-running"
			}
			r.end("cancelled", code)
		}
		out.Cancelled.Items = append(out.Cancelled.Items, CancelledSpot{r.SpotInstanceRequestId, r.State})
	}
	return out, nil
}
