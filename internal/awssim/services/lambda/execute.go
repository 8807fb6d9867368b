package lambda

import (
	"fmt"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// execute is one run of a function that does nothing: it counts, and writes the
// lines that the platform writes for every function. It gives the lines.
func (s *Service) execute(r ref, f *function, v *version, requestID string, now time.Time) []string {
	lines := []string{
		fmt.Sprintf("START RequestId: %s Version: %s\n", requestID, v.Config.Version),
		fmt.Sprintf("END RequestId: %s\n", requestID),
		fmt.Sprintf("REPORT RequestId: %s\tDuration: 1.21 ms\tBilled Duration: 2 ms\tMemory Size: %d MB\tMax Memory Used: 36 MB\t\n", requestID, v.Config.MemorySize),
	}
	if s.deps.Metrics != nil {
		by := map[string]string{"FunctionName": f.name}
		for name, value := range map[string]float64{"Invocations": 1, "Errors": 0, "Duration": 1.21, "Throttles": 0} {
			s.deps.Metrics.PutMetric(r.account, r.region, "AWS/Lambda", name, by, value, now)
		}
	}
	if s.deps.Logs != nil {
		s.write(r, v, lines, now)
	}
	return lines
}

// write puts lines into the function's log group, as far as its role lets it.
// Group and stream come into being here, also if somebody deleted them while
// the function lived: that is why log groups are cleaned late.
func (s *Service) write(r ref, v *version, lines []string, now time.Time) {
	group := v.logGroup()
	if v.stream == "" {
		v.stream = fmt.Sprintf("%s/[%s]%s", now.UTC().Format("2006/01/02"), v.Config.Version, s.w.Hex(32))
	}
	arn := fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", r.region, r.account, group)
	newGroup := !s.deps.Logs.HasGroup(r.account, r.region, group)
	newStream := newGroup || !s.deps.Logs.HasStream(r.account, r.region, group, v.stream)
	if newGroup && !s.may(v, "logs:CreateLogGroup", arn+":*", now) ||
		newStream && !s.may(v, "logs:CreateLogStream", arn+":*", now) ||
		!s.may(v, "logs:PutLogEvents", arn+":log-stream:"+v.stream, now) {
		return // a function without the right to log runs all the same
	}
	s.deps.Logs.Append(r.account, r.region, group, v.stream, now, lines...)
	if newGroup {
		s.recordAsRole(r, v, "CreateLogGroup", map[string]any{"logGroupName": group}, now)
	}
	if newStream {
		s.recordAsRole(r, v, "CreateLogStream", map[string]any{"logGroupName": group, "logStreamName": v.stream}, now)
	}
}

func (s *Service) may(v *version, action, resource string, now time.Time) bool {
	return s.deps.Roles == nil || s.deps.Roles.Allows(v.Config.Role, action, resource, now)
}

// recordAsRole leaves the trail of what a function's session did: it carries the
// role's identity, not that of whoever made or invoked the function.
func (s *Service) recordAsRole(r ref, v *version, name string, params map[string]any, now time.Time) {
	role := v.Config.Role
	short := role[strings.LastIndexByte(role, '/')+1:]
	id := core.UserIdentity{
		Type: "AssumedRole", AccountID: r.account, ARN: fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", r.account, short, r.name),
		SessionContext: &core.SessionContext{SessionIssuer: &core.SessionIssuer{Type: "Role", ARN: role, AccountID: r.account, UserName: short}},
	}
	id.SessionContext.Attributes.CreationDate = now.UTC().Format("2006-01-02T15:04:05Z")
	id.SessionContext.Attributes.MFAAuthenticated = "false"
	s.w.Trail.Add(r.account, &core.Event{
		EventVersion: "1.11", UserIdentity: id, Time: now, EventTime: now.UTC().Format("2006-01-02T15:04:05Z"),
		EventSource: "logs.amazonaws.com", EventName: name, AWSRegion: r.region, SourceIPAddress: "169.254.76.1",
		UserAgent: "awslambda-worker/1.0", RequestParameters: params, RequestID: s.w.UUID(), EventID: s.w.UUID(),
		EventType: "AwsApiCall", ManagementEvent: true, RecipientAccountID: r.account, EventCategory: "Management", User: r.name,
	})
}
