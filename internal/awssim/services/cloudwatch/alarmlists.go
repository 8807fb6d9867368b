package cloudwatch

import (
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// DescribeAlarmsInput selects; without AlarmTypes only metric alarms are shown.
type DescribeAlarmsInput struct {
	AlarmNames          []string
	AlarmNamePrefix     string
	AlarmTypes          []string
	ChildrenOfAlarmName string
	ParentsOfAlarmName  string
	StateValue          string
	ActionPrefix        string
	MaxRecords          *int
	NextToken           string
}

// DescribeAlarmsOutput is one page.
type DescribeAlarmsOutput struct {
	CompositeAlarms []*alarm `xml:"CompositeAlarms>member"`
	MetricAlarms    []*alarm `xml:"MetricAlarms>member"`
	NextToken       string   `json:",omitempty" xml:",omitempty"`
}

// ForMetricInput asks for the alarms on one metric.
type ForMetricInput struct {
	MetricName, Namespace, Statistic, ExtendedStatistic, Unit string
	Dimensions                                                []Dimension
	Period                                                    int
}

// ForMetricOutput holds all of them.
type ForMetricOutput struct {
	MetricAlarms []*alarm `xml:"MetricAlarms>member"`
}

// HistoryItem is something that happened to an alarm.
type HistoryItem struct {
	AlarmName       string
	AlarmType       string
	Timestamp       *core.Time
	HistoryItemType string // ConfigurationUpdate, StateUpdate, Action
	HistorySummary  string
	HistoryData     string `json:",omitempty" xml:",omitempty"`

	seq int
}

// HistoryInput selects; newest first unless ScanBy says TimestampAscending.
type HistoryInput struct {
	AlarmName       string
	AlarmTypes      []string
	HistoryItemType string
	StartDate       *core.Time
	EndDate         *core.Time
	MaxRecords      *int
	NextToken       string
	ScanBy          string
}

// HistoryOutput is one page.
type HistoryOutput struct {
	AlarmHistoryItems []HistoryItem `xml:"AlarmHistoryItems>member"`
	NextToken         string        `json:",omitempty" xml:",omitempty"`
}

const (
	alarmsPerPage = 50
	historyDays   = 30
)

func (s *Service) alarmListOps() []core.Op {
	return []core.Op{
		core.Handle("DescribeAlarms", s.describeAlarms, core.ReadOnly, core.On(func(c *core.Call, _ *DescribeAlarmsInput) string { return alarmARN(c.Account.ID, c.Region, "*") })),
		core.Handle("DescribeAlarmsForMetric", s.forMetric, core.ReadOnly),
		core.Handle("DescribeAlarmHistory", s.describeHistory, core.ReadOnly, core.On(func(c *core.Call, in *HistoryInput) string {
			name := in.AlarmName
			if name == "" {
				name = "*"
			}
			return alarmARN(c.Account.ID, c.Region, name)
		})),
	}
}

func (s *Service) describeAlarms(c *core.Call, in *DescribeAlarmsInput) (*DescribeAlarmsOutput, error) {
	switch {
	case in.ChildrenOfAlarmName != "" || in.ParentsOfAlarmName != "":
		return nil, validation("The simulator does not know ChildrenOfAlarmName and ParentsOfAlarmName.")
	case len(in.AlarmNames) > 0 && in.AlarmNamePrefix != "":
		return nil, validation("AlarmNames and AlarmNamePrefix exclude each other.")
	case len(in.AlarmNames) > maxPerCall:
		return nil, validation("The collection AlarmNames must not have a size greater than %d.", maxPerCall)
	}
	kinds := in.AlarmTypes
	if len(kinds) == 0 {
		kinds = []string{"MetricAlarm"}
	}
	var match []*alarm
	for _, a := range sorted(s.at(c).alarms) {
		switch {
		case !slices.Contains(kinds, a.kind()), !strings.HasPrefix(a.AlarmName, in.AlarmNamePrefix),
			len(in.AlarmNames) > 0 && !slices.Contains(in.AlarmNames, a.AlarmName),
			in.StateValue != "" && a.StateValue != in.StateValue,
			in.ActionPrefix != "" && !a.hasAction(in.ActionPrefix):
			continue
		}
		match = append(match, a)
	}
	list, next, err := page(match, func(a *alarm) string { return a.AlarmName }, in.NextToken, in.MaxRecords, alarmsPerPage, maxPerCall)
	if err != nil {
		return nil, err
	}
	out := &DescribeAlarmsOutput{CompositeAlarms: []*alarm{}, MetricAlarms: []*alarm{}, NextToken: next}
	for _, a := range list {
		if a.AlarmRule != "" {
			out.CompositeAlarms = append(out.CompositeAlarms, a)
		} else {
			out.MetricAlarms = append(out.MetricAlarms, a)
		}
	}
	return out, nil
}

func (s *Service) forMetric(c *core.Call, in *ForMetricInput) (*ForMetricOutput, error) {
	out := &ForMetricOutput{MetricAlarms: []*alarm{}}
	want := Metric{in.Namespace, in.MetricName, in.Dimensions}.key()
	for _, a := range sorted(s.at(c).alarms) {
		if a.MetricName != "" && (Metric{a.Namespace, a.MetricName, a.Dimensions}).key() == want &&
			(in.Statistic == "" || in.Statistic == a.Statistic) && (in.ExtendedStatistic == "" || in.ExtendedStatistic == a.ExtendedStatistic) &&
			(in.Unit == "" || in.Unit == a.Unit) && (in.Period == 0 || in.Period == a.Period) {
			out.MetricAlarms = append(out.MetricAlarms, a)
		}
	}
	return out, nil
}

// remember writes history and forgets what is too old.
func (st *state) remember(a *alarm, kind, summary string, now time.Time) {
	seq := 0
	if n := len(st.history); n > 0 {
		seq = st.history[n-1].seq + 1
	}
	st.history = append(st.history, HistoryItem{AlarmName: a.AlarmName, AlarmType: a.kind(), Timestamp: core.Ptr(now), HistoryItemType: kind, HistorySummary: summary, seq: seq})
	oldest := now.AddDate(0, 0, -historyDays)
	for len(st.history) > 0 && st.history[0].Timestamp.Before(oldest) {
		st.history = st.history[1:]
	}
}

func (s *Service) describeHistory(c *core.Call, in *HistoryInput) (*HistoryOutput, error) {
	kinds := in.AlarmTypes
	if len(kinds) == 0 {
		kinds = []string{"MetricAlarm"}
	}
	match := []HistoryItem{}
	for _, h := range s.at(c).history {
		switch {
		case in.AlarmName != "" && h.AlarmName != in.AlarmName, in.AlarmName == "" && !slices.Contains(kinds, h.AlarmType),
			in.HistoryItemType != "" && h.HistoryItemType != in.HistoryItemType,
			in.StartDate != nil && h.Timestamp.Before(in.StartDate.Time), in.EndDate != nil && h.Timestamp.After(in.EndDate.Time):
			continue
		}
		match = append(match, h)
	}
	const digits = 1 << 40
	key := func(h HistoryItem) string { return pad(h.seq) }
	if in.ScanBy != "TimestampAscending" {
		slices.Reverse(match)
		key = func(h HistoryItem) string { return pad(digits - h.seq) }
	}
	out, next, err := page(match, key, in.NextToken, in.MaxRecords, maxPerCall, maxPerCall)
	if err != nil {
		return nil, err
	}
	return &HistoryOutput{out, next}, nil
}
