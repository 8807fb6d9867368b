package ec2

import "github.com/kodekloud/kml/internal/awssim/core"

// FlowLog records the traffic of a VPC, subnet or interface.
type FlowLog struct {
	FlowLogId                string     `xml:"flowLogId"`
	ResourceId               string     `xml:"resourceId"`
	TrafficType              string     `xml:"trafficType"`
	FlowLogStatus            string     `xml:"flowLogStatus"`
	DeliverLogsStatus        string     `xml:"deliverLogsStatus"`
	DeliverLogsPermissionArn string     `xml:"deliverLogsPermissionArn,omitempty"`
	LogGroupName             string     `xml:"logGroupName,omitempty"`
	LogDestination           string     `xml:"logDestination,omitempty"`
	LogDestinationType       string     `xml:"logDestinationType"`
	LogFormat                string     `xml:"logFormat"`
	MaxAggregationInterval   int        `xml:"maxAggregationInterval"`
	CreationTime             *core.Time `xml:"creationTime"`
	Meta
}

var flowLogKind = &kind{
	name: "vpc-flow-log", prefix: "fl", noun: "flow log", minPage: 1,
	notFound: "InvalidFlowLogId.NotFound", malformed: "InvalidFlowLogId.Malformed", trail: "AWS::EC2::FlowLog",
	filters: filters{
		"flow-log-id": "FlowLogId", "resource-id": "ResourceId", "traffic-type": "TrafficType",
		"log-group-name": "LogGroupName", "log-destination-type": "LogDestinationType", "deliver-log-status": "DeliverLogsStatus",
	},
}

func (*FlowLog) kind() *kind { return flowLogKind }

func (s *Service) flowLogOps() []core.Op {
	return []core.Op{
		op(s, "CreateFlowLogs", createFlowLogs, creates((*FlowLog)(nil))),
		op(s, "DescribeFlowLogs", describeFlowLogs, read),
		op(s, "DeleteFlowLogs", deleteFlowLogs),
	}
}

type createFlowLogsIn struct {
	Base
	Tagged
	ClientToken              string
	DeliverLogsPermissionArn string
	LogDestination           string
	LogDestinationType       string
	LogFormat                string
	LogGroupName             string
	MaxAggregationInterval   int
	ResourceIds              []string `q:"ResourceId"`
	ResourceType             string
	TrafficType              string
}

type createFlowLogsOut struct {
	ClientToken  string        `xml:"clientToken,omitempty"`
	FlowLogIds   List[string]  `xml:"flowLogIdSet"`
	Unsuccessful List[Failure] `xml:"unsuccessful"`
}

const flowLogFormat = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"

func (in *createFlowLogsIn) defaults() {
	if in.LogDestinationType == "" {
		in.LogDestinationType = "cloud-watch-logs"
	}
	if in.LogFormat == "" {
		in.LogFormat = flowLogFormat
	}
	if in.MaxAggregationInterval == 0 {
		in.MaxAggregationInterval = 600
	}
	if in.TrafficType == "" {
		in.TrafficType = "ALL"
	}
}

func createFlowLogs(c *call, in *createFlowLogsIn) (*createFlowLogsOut, error) {
	return once(c, in.ClientToken, in, func() (*createFlowLogsOut, error) {
		in.defaults()
		if in.LogDestinationType == "cloud-watch-logs" && (in.DeliverLogsPermissionArn == "" || in.LogGroupName == "" && in.LogDestination == "") {
			return nil, core.Errorf(400, "InvalidParameter", "DeliverLogsPermissionArn and LogGroupName must be given when the destination is CloudWatch Logs.")
		}
		for _, id := range in.ResourceIds {
			if c.objects[id] == nil {
				if k := kindOf(id); k != nil {
					return nil, k.missing(id)
				}
				return nil, invalidValue("resourceId", id, "It is no VPC, subnet or network interface.")
			}
		}
		out := &createFlowLogsOut{ClientToken: in.ClientToken}
		for _, id := range in.ResourceIds {
			f := &FlowLog{
				ResourceId: id, TrafficType: in.TrafficType, FlowLogStatus: "ACTIVE", DeliverLogsStatus: "SUCCESS",
				DeliverLogsPermissionArn: in.DeliverLogsPermissionArn, LogGroupName: in.LogGroupName, LogDestination: in.LogDestination,
				LogDestinationType: in.LogDestinationType, LogFormat: in.LogFormat,
				MaxAggregationInterval: in.MaxAggregationInterval, CreationTime: core.Ptr(c.now),
			}
			f.FlowLogId = c.newID(f)
			c.add(f, f.FlowLogId, in.tags(flowLogKind))
			out.FlowLogIds.Items = append(out.FlowLogIds.Items, f.FlowLogId)
		}
		return out, nil
	})
}

type flowLogsIn struct {
	Search
	FlowLogIds []string `q:"FlowLogId"`
}

type describeFlowLogsOut struct {
	FlowLogs  List[*FlowLog] `xml:"flowLogSet"`
	NextToken string         `xml:"nextToken,omitempty"`
}

func describeFlowLogs(c *call, in *flowLogsIn) (*describeFlowLogsOut, error) {
	list, next, err := describe[FlowLog](c, &in.Search, in.FlowLogIds)
	return &describeFlowLogsOut{listOf(list), next}, err
}

type deleteFlowLogsIn struct {
	Base
	FlowLogIds []string `q:"FlowLogId"`
}

func deleteFlowLogs(c *call, in *deleteFlowLogsIn) (*batchOut, error) {
	out := &batchOut{}
	for _, id := range in.FlowLogIds {
		f, err := get[FlowLog](c.state, id)
		if err != nil {
			out.fail(id, flowLogKind)
			continue
		}
		c.remove(f)
	}
	return out, nil
}
