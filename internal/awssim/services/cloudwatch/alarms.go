package cloudwatch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// alarm is a metric alarm, or a composite one if AlarmRule is not "". Lists and
// DescribeAlarms show it as it is.
type alarm struct {
	AlarmName                          string
	AlarmArn                           string
	AlarmDescription                   string `json:",omitempty" xml:",omitempty"`
	AlarmConfigurationUpdatedTimestamp *core.Time
	ActionsEnabled                     bool
	OKActions                          []string `xml:"OKActions>member"`
	AlarmActions                       []string `xml:"AlarmActions>member"`
	InsufficientDataActions            []string `xml:"InsufficientDataActions>member"`
	StateValue                         string
	StateReason                        string
	StateReasonData                    string `json:",omitempty" xml:",omitempty"`
	StateUpdatedTimestamp              *core.Time
	StateTransitionedTimestamp         *core.Time
	AlarmRule                          string      `json:",omitempty" xml:",omitempty"`
	MetricName                         string      `json:",omitempty" xml:",omitempty"`
	Namespace                          string      `json:",omitempty" xml:",omitempty"`
	Statistic                          string      `json:",omitempty" xml:",omitempty"`
	ExtendedStatistic                  string      `json:",omitempty" xml:",omitempty"`
	Dimensions                         []Dimension `json:",omitempty" xml:"Dimensions>member,omitempty"`
	Period                             int         `json:",omitempty" xml:",omitempty"`
	Unit                               string      `json:",omitempty" xml:",omitempty"`
	EvaluationPeriods                  int         `json:",omitempty" xml:",omitempty"`
	DatapointsToAlarm                  int         `json:",omitempty" xml:",omitempty"`
	Threshold                          *float64    `json:",omitempty" xml:",omitempty"`
	ComparisonOperator                 string      `json:",omitempty" xml:",omitempty"`
	TreatMissingData                   string      `json:",omitempty" xml:",omitempty"`
	EvaluateLowSampleCountPercentile   string      `json:",omitempty" xml:",omitempty"`
	Metrics                            []DataQuery `json:",omitempty" xml:"Metrics>member,omitempty"`
	ThresholdMetricId                  string      `json:",omitempty" xml:",omitempty"`

	tags map[string]string
	rule rule
	next time.Time // of the next look at the data
}

// Tag is one tag.
type Tag struct{ Key, Value string }

// Actions are what both kinds of alarms can do; each list has up to 5 ARNs.
type Actions struct {
	ActionsEnabled          *bool
	OKActions               []string
	AlarmActions            []string
	InsufficientDataActions []string
	Tags                    []Tag
}

// PutMetricAlarmInput makes or replaces an alarm; Period is in seconds.
type PutMetricAlarmInput struct {
	AlarmName        string
	AlarmDescription string
	Actions
	MetricName                       string
	Namespace                        string
	Statistic                        string
	ExtendedStatistic                string
	Dimensions                       []Dimension
	Period                           int
	Unit                             string
	EvaluationPeriods                int
	DatapointsToAlarm                int
	Threshold                        *float64
	ComparisonOperator               string
	TreatMissingData                 string
	EvaluateLowSampleCountPercentile string
	Metrics                          []DataQuery
	ThresholdMetricId                string
}

// PutCompositeAlarmInput makes or replaces an alarm on alarms.
type PutCompositeAlarmInput struct {
	AlarmName        string
	AlarmDescription string
	AlarmRule        string
	Actions
}

// AlarmNames are up to 100.
type AlarmNames struct{ AlarmNames []string }

const (
	maxActions  = 5
	maxPerCall  = 100
	maxNameSize = 255
)

func (s *Service) alarmOps() []core.Op {
	put := func(c *core.Call, name string, tags []Tag) []core.Permission {
		return []core.Permission{{Resource: alarmARN(c.Account.ID, c.Region, name), Context: core.TagKeys(tagMap(tags), nil)}}
	}
	return []core.Op{
		core.Handle("PutMetricAlarm", s.putMetricAlarm, core.Needs(func(c *core.Call, in *PutMetricAlarmInput) []core.Permission {
			return put(c, in.AlarmName, in.Tags)
		})),
		core.Handle("PutCompositeAlarm", s.putCompositeAlarm, core.Needs(func(c *core.Call, in *PutCompositeAlarmInput) []core.Permission {
			return put(c, in.AlarmName, in.Tags)
		})),
		core.Handle("DeleteAlarms", s.deleteAlarms, onAlarms()),
		core.Handle("EnableAlarmActions", s.enableActions, onAlarms()),
		core.Handle("DisableAlarmActions", s.disableActions, onAlarms()),
	}
}

func onAlarms() core.Option {
	return core.Needs(func(c *core.Call, in *AlarmNames) []core.Permission {
		var need []core.Permission
		for _, n := range in.AlarmNames {
			need = append(need, core.Permission{Resource: alarmARN(c.Account.ID, c.Region, n)})
		}
		return need
	})
}

// put takes over what both kinds have and puts the alarm into the state. An
// alarm that is there keeps its state and its tags.
func (s *Service) put(c *core.Call, a *alarm, act *Actions) error {
	if a.AlarmName == "" || len(a.AlarmName) > maxNameSize {
		return validation("1 validation error detected: Value '%s' at 'alarmName' failed to satisfy constraint: Member must have length between 1 and %d", a.AlarmName, maxNameSize)
	}
	for field, list := range map[string][]string{"OKActions": act.OKActions, "AlarmActions": act.AlarmActions, "InsufficientDataActions": act.InsufficientDataActions} {
		if len(list) > maxActions {
			return validation("The collection %s must not have a size greater than %d.", field, maxActions)
		}
	}
	st := s.at(c)
	a.AlarmArn, a.AlarmConfigurationUpdatedTimestamp = alarmARN(st.account, st.region, a.AlarmName), core.Ptr(c.Now)
	a.ActionsEnabled = act.ActionsEnabled == nil || *act.ActionsEnabled
	a.OKActions, a.AlarmActions, a.InsufficientDataActions = whole(act.OKActions), whole(act.AlarmActions), whole(act.InsufficientDataActions)
	old := st.alarms[a.AlarmName]
	if old != nil && (old.AlarmRule != "") != (a.AlarmRule != "") {
		return validation("An alarm of the other type exists with the name %s.", a.AlarmName)
	}
	summary := fmt.Sprintf("Alarm %q created", a.AlarmName)
	if old == nil {
		a.tags = map[string]string{}
		if err := addTags(a.tags, act.Tags); err != nil {
			return err
		}
		a.StateValue, a.StateReason = insufficient, "Unchecked: Initial alarm creation"
		a.StateUpdatedTimestamp, a.StateTransitionedTimestamp = core.Ptr(c.Now), core.Ptr(c.Now)
	} else {
		summary = fmt.Sprintf("Alarm %q updated", a.AlarmName)
		a.tags, a.StateValue, a.StateReason, a.StateReasonData = old.tags, old.StateValue, old.StateReason, old.StateReasonData
		a.StateUpdatedTimestamp, a.StateTransitionedTimestamp = old.StateUpdatedTimestamp, old.StateTransitionedTimestamp
	}
	a.next = c.Now.Add(time.Second)
	st.alarms[a.AlarmName] = a
	st.remember(a, "ConfigurationUpdate", summary, c.Now)
	return nil
}

// whole gives a list that encodes as one, also when it is empty.
func whole(list []string) []string { return append([]string{}, list...) }

func (s *Service) putMetricAlarm(c *core.Call, in *PutMetricAlarmInput) (core.None, error) {
	a := &alarm{
		AlarmName: in.AlarmName, AlarmDescription: in.AlarmDescription, MetricName: in.MetricName, Namespace: in.Namespace, Statistic: in.Statistic,
		ExtendedStatistic: in.ExtendedStatistic, Dimensions: in.Dimensions, Period: in.Period, Unit: in.Unit, EvaluationPeriods: in.EvaluationPeriods,
		DatapointsToAlarm: in.DatapointsToAlarm, Threshold: in.Threshold, ComparisonOperator: in.ComparisonOperator, TreatMissingData: in.TreatMissingData,
		EvaluateLowSampleCountPercentile: in.EvaluateLowSampleCountPercentile, Metrics: in.Metrics, ThresholdMetricId: in.ThresholdMetricId,
	}
	if err := a.check(); err != nil {
		return core.None{}, err
	}
	return core.None{}, s.put(c, a, &in.Actions)
}

var operators = []string{
	"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
	"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold",
}

func (a *alarm) check() error {
	switch {
	case !slices.Contains(operators, a.ComparisonOperator):
		return validation("1 validation error detected: Value '%s' at 'comparisonOperator' failed to satisfy constraint: Member must satisfy enum value set: %v", a.ComparisonOperator, operators)
	case a.EvaluationPeriods < 1:
		return validation("1 validation error detected: Value '%d' at 'evaluationPeriods' failed to satisfy constraint: Member must have value greater than or equal to 1", a.EvaluationPeriods)
	case a.DatapointsToAlarm > a.EvaluationPeriods:
		return validation("The parameter DatapointsToAlarm must not be greater than EvaluationPeriods.")
	case !slices.Contains([]string{"", "missing", "ignore", "breaching", "notBreaching"}, a.TreatMissingData):
		return validation("The value %s for parameter TreatMissingData is not valid.", a.TreatMissingData)
	case a.Threshold == nil && a.ThresholdMetricId == "":
		return validation("The parameter Threshold is required.")
	}
	if len(a.Metrics) > 0 {
		if a.MetricName != "" {
			return invalidCombination("The parameters MetricName and Metrics exclude each other.")
		}
		return nil
	}
	if a.MetricName == "" || a.Namespace == "" {
		return validation("The parameters MetricName and Namespace, or Metrics, are required.")
	}
	stat := cmp.Or(a.Statistic, a.ExtendedStatistic)
	if stat == "" || a.Statistic != "" && a.ExtendedStatistic != "" {
		return validation("Exactly one of the parameters Statistic and ExtendedStatistic is required.")
	}
	if err := checkStat(stat); err != nil {
		return err
	}
	return checkPeriod(a.Period)
}

func (s *Service) putCompositeAlarm(c *core.Call, in *PutCompositeAlarmInput) (core.None, error) {
	r, err := parseRule(in.AlarmRule)
	if err != nil {
		return core.None{}, validation("AlarmRule is not valid: %v", err)
	}
	for _, name := range r.names() {
		if s.at(c).alarms[name] == nil {
			return core.None{}, validation("Could not save the composite alarm as alarms [%s] in the alarm rule do not exist", name)
		}
	}
	return core.None{}, s.put(c, &alarm{AlarmName: in.AlarmName, AlarmDescription: in.AlarmDescription, AlarmRule: in.AlarmRule, rule: r}, &in.Actions)
}

// deleteAlarms deletes all or none ("DeleteAlarms").
func (s *Service) deleteAlarms(c *core.Call, in *AlarmNames) (core.None, error) {
	st := s.at(c)
	if n := len(in.AlarmNames); n < 1 || n > maxPerCall {
		return core.None{}, validation("The collection AlarmNames must have 1 to %d members.", maxPerCall)
	}
	composites := 0
	for _, name := range in.AlarmNames {
		a := st.alarms[name]
		if a == nil {
			return core.None{}, core.Errorf(404, "ResourceNotFound", "Alarm %s does not exist", name)
		}
		if a.AlarmRule == "" {
			continue
		}
		if composites++; composites > 1 {
			return core.None{}, validation("Only one composite alarm can be deleted per request.")
		}
		for _, other := range sorted(st.alarms) {
			if other != a && other.AlarmRule != "" && slices.Contains(other.rule.names(), name) {
				return core.None{}, validation("Cannot delete %s as there are composite alarm(s) depending on it: %s", name, other.AlarmName)
			}
		}
	}
	for _, name := range in.AlarmNames {
		st.remember(st.alarms[name], "ConfigurationUpdate", fmt.Sprintf("Alarm %q deleted", name), c.Now)
		delete(st.alarms, name)
	}
	return core.None{}, nil
}

// setActions leaves names that do not exist alone, as AWS does.
func (s *Service) setActions(c *core.Call, in *AlarmNames, on bool) (core.None, error) {
	for _, name := range in.AlarmNames {
		if a := s.at(c).alarms[name]; a != nil {
			a.ActionsEnabled = on
		}
	}
	return core.None{}, nil
}

func (s *Service) enableActions(c *core.Call, in *AlarmNames) (core.None, error) {
	return s.setActions(c, in, true)
}

func (s *Service) disableActions(c *core.Call, in *AlarmNames) (core.None, error) {
	return s.setActions(c, in, false)
}

func (a *alarm) kind() string {
	if a.AlarmRule != "" {
		return "CompositeAlarm"
	}
	return "MetricAlarm"
}

func (a *alarm) hasAction(prefix string) bool {
	for _, list := range [][]string{a.OKActions, a.AlarmActions, a.InsufficientDataActions} {
		if slices.ContainsFunc(list, func(arn string) bool { return strings.HasPrefix(arn, prefix) }) {
			return true
		}
	}
	return false
}
