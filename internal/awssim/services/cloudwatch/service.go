package cloudwatch

import (
	"fmt"
	"sort"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Notifier carries out alarm actions: it gives a message to an SNS topic. The
// world's lock is held.
type Notifier interface {
	Notify(alarmARN, topicARN, subject, message string, now time.Time) error
}

// Service is the state of CloudWatch in every account and Region.
type Service struct {
	w        *core.World
	notifier Notifier
	shelf    core.Shelf[state]
	boards   core.Shelf[boards] // Region "": dashboards are global
	core     *core.Service
}

type state struct {
	account, region string
	series          map[string]*series
	alarms          map[string]*alarm
	history         []HistoryItem // oldest first
}

// New makes the service; notifier may be nil.
func New(w *core.World, notifier Notifier) *Service {
	s := &Service{w: w, notifier: notifier}
	s.shelf.New = func(account, region string) *state {
		return &state{account: account, region: region, series: map[string]*series{}, alarms: map[string]*alarm{}}
	}
	s.boards.New = func(account, _ string) *boards { return &boards{m: map[string]*dashboard{}} }
	s.core = &core.Service{
		Name: "monitoring", Prefix: "cloudwatch", Source: "monitoring.amazonaws.com",
		TargetPrefixes: []string{"GraniteServiceVersion20100801"}, Namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
		QueryCompatible: true, Settle: s.settle, Inventory: s.inventory,
		// "CloudWatch service quotas".
		Rates: map[string]core.Rate{
			"DescribeAlarms": {PerSecond: 9, Burst: 9}, "PutMetricAlarm": {PerSecond: 3, Burst: 3}, "PutCompositeAlarm": {PerSecond: 3, Burst: 3},
			"DeleteAlarms": {PerSecond: 3, Burst: 3}, "SetAlarmState": {PerSecond: 3, Burst: 3}, "ListMetrics": {PerSecond: 25, Burst: 25},
			"GetMetricData": {PerSecond: 50, Burst: 50}, "PutDashboard": {PerSecond: 10, Burst: 10}, "DeleteDashboards": {PerSecond: 10, Burst: 10},
			"ListDashboards": {PerSecond: 10, Burst: 10}, "GetDashboard": {PerSecond: 10, Burst: 10},
		},
	}
	for _, ops := range [][]core.Op{s.metricOps(), s.statisticOps(), s.alarmOps(), s.alarmListOps(), s.alarmStateOps(), s.dashboardOps(), s.tagOps()} {
		s.core.Ops = append(s.core.Ops, ops...)
	}
	return s
}

// Core is what the world registers.
func (s *Service) Core() *core.Service { return s.core }

func (s *Service) at(c *core.Call) *state { return s.shelf.At(c.Account.ID, c.Region) }

func (s *Service) inventory(account string, now time.Time) []core.Resource {
	var out []core.Resource
	s.shelf.Each(account, func(_, region string, st *state) {
		s.settle(account, region, now)
		for _, a := range sorted(st.alarms) {
			out = append(out, core.Resource{Service: "cloudwatch", Kind: "alarm", Region: region, ID: a.AlarmName, ARN: a.AlarmArn, State: a.StateValue})
		}
	})
	s.boards.Each(account, func(_, _ string, b *boards) {
		for _, d := range sorted(b.m) {
			out = append(out, core.Resource{Service: "cloudwatch", Kind: "dashboard", ID: d.name, ARN: d.arn})
		}
	})
	return out
}

// coded is an error whose code differs between the query protocol and the others.
func coded(status int, code, queryCode, format string, args ...any) *core.Error {
	e := core.Errorf(status, code, format, args...)
	e.QueryCode = queryCode
	return e
}

func invalidValue(format string, args ...any) *core.Error {
	return coded(400, "InvalidParameterValueException", "InvalidParameterValue", format, args...)
}

func invalidCombination(format string, args ...any) *core.Error {
	return coded(400, "InvalidParameterCombinationException", "InvalidParameterCombination", format, args...)
}

// validation is the refusal of the API's front: it has one name in all protocols.
func validation(format string, args ...any) *core.Error {
	return core.Errorf(400, "ValidationError", format, args...)
}

// page is core.Page with the service's error.
func page[T any](items []T, key func(T) string, token string, limit *int, usual, most int) ([]T, string, error) {
	n := usual
	if limit != nil {
		if n = *limit; n < 1 || n > most {
			return nil, "", validation("1 validation error detected: Value '%d' at 'maxRecords' failed to satisfy constraint: Member must have value between 1 and %d", n, most)
		}
	}
	out, next, ok := core.Page(items, key, token, n)
	if !ok {
		return nil, "", core.Errorf(400, "InvalidNextToken", "The next token specified is invalid.")
	}
	return append([]T{}, out...), next, nil
}

// sorted gives the values of m by key.
func sorted[T any](m map[string]T) []T {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	out := make([]T, len(keys))
	for i, k := range keys {
		out[i] = m[k]
	}
	return out
}

func alarmARN(account, region, name string) string {
	return fmt.Sprintf("arn:aws:cloudwatch:%s:%s:alarm:%s", region, account, name)
}
