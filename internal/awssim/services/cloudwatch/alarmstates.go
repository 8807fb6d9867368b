package cloudwatch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// The states of an alarm.
const (
	isOK         = "OK"
	isAlarm      = "ALARM"
	insufficient = "INSUFFICIENT_DATA"
)

// SetStateInput sets a state until the data says otherwise.
type SetStateInput struct {
	AlarmName, StateValue, StateReason, StateReasonData string
}

func (s *Service) alarmStateOps() []core.Op {
	return []core.Op{
		core.Handle("SetAlarmState", s.setState, core.On(func(c *core.Call, in *SetStateInput) string { return alarmARN(c.Account.ID, c.Region, in.AlarmName) })),
	}
}

func pad(n int) string { return fmt.Sprintf("%020d", n) }

func (s *Service) setState(c *core.Call, in *SetStateInput) (core.None, error) {
	a := s.at(c).alarms[in.AlarmName]
	if a == nil {
		return core.None{}, core.Errorf(404, "ResourceNotFound", "Alarm %s does not exist", in.AlarmName)
	}
	if !slices.Contains([]string{isOK, isAlarm, insufficient}, in.StateValue) {
		return core.None{}, validation("1 validation error detected: Value '%s' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]", in.StateValue)
	}
	s.become(s.at(c), a, in.StateValue, in.StateReason, in.StateReasonData, c.Now)
	a.next = c.Now.Add(a.interval())
	return core.None{}, nil
}

// interval is how often an alarm is looked at.
func (a *alarm) interval() time.Duration {
	return time.Duration(max(10, min(60, cmp.Or(a.Period, 60)))) * time.Second
}

// settle looks at the alarms whose time has come: first those on metrics, then
// those on alarms.
func (s *Service) settle(account, region string, now time.Time) {
	st := s.shelf.Peek(account, region)
	if st == nil {
		return
	}
	due := false
	for _, a := range st.alarms {
		due = due || !now.Before(a.next)
	}
	if !due {
		return
	}
	for _, composite := range []bool{false, true} {
		for _, a := range sorted(st.alarms) {
			if (a.AlarmRule != "") != composite || now.Before(a.next) {
				continue
			}
			a.next = now.Add(a.interval())
			if composite {
				s.lookAtRule(st, a, now)
			} else {
				s.lookAtData(st, a, now)
			}
		}
	}
}

func (s *Service) lookAtRule(st *state, a *alarm, now time.Time) {
	to := isOK
	if a.rule.holds(func(name string) string {
		if child := st.alarms[name]; child != nil {
			return child.StateValue
		}
		return insufficient
	}) {
		to = isAlarm
	}
	if to != a.StateValue {
		s.become(st, a, to, fmt.Sprintf("%s transitioned to %s by its rule %s", a.AlarmArn, to, a.AlarmRule), "", now)
	}
}

// lookAtData evaluates the last periods that are over. Alarms on metric math
// stay in INSUFFICIENT_DATA.
func (s *Service) lookAtData(st *state, a *alarm, now time.Time) {
	m, stat := Metric{a.Namespace, a.MetricName, a.Dimensions}, cmp.Or(a.Statistic, a.ExtendedStatistic)
	period := time.Duration(a.Period) * time.Second
	if len(a.Metrics) > 0 {
		if len(a.Metrics) != 1 || a.Metrics[0].MetricStat == nil {
			return
		}
		one := a.Metrics[0].MetricStat
		m, stat, period = one.Metric, one.Stat, time.Duration(one.Period)*time.Second
	}
	if a.Threshold == nil || period <= 0 {
		return
	}
	end := now.Truncate(period)
	values := map[int64]float64{}
	for _, b := range st.series[m.key()].buckets(end.Add(-time.Duration(a.EvaluationPeriods)*period), end, period, a.Unit) {
		if v, ok := b.stat(stat); ok {
			values[b.start.Unix()] = v
		}
	}
	breaching, missing := 0, 0
	var shown []string
	for i := range a.EvaluationPeriods {
		at := end.Add(-time.Duration(i+1) * period)
		v, there := values[at.Unix()]
		switch {
		case there:
			shown = append(shown, fmt.Sprintf("%v (%s)", v, at.UTC().Format("02/01/06 15:04:05")))
			if breaches(v, a.ComparisonOperator, *a.Threshold) {
				breaching++
			}
		case a.TreatMissingData == "breaching":
			breaching++
		case a.TreatMissingData != "notBreaching":
			missing++
		}
	}
	to, need := isOK, cmp.Or(a.DatapointsToAlarm, a.EvaluationPeriods)
	switch {
	case breaching >= need:
		to = isAlarm
	case missing == a.EvaluationPeriods && a.TreatMissingData == "ignore":
		return
	case missing == a.EvaluationPeriods:
		to = insufficient
	}
	if to != a.StateValue {
		s.become(st, a, to, fmt.Sprintf("Threshold Crossed: %d of the last %d datapoints [%s] were %s (%v).", breaching, a.EvaluationPeriods, strings.Join(shown, ", "), a.ComparisonOperator, *a.Threshold), "", now)
	}
}

func breaches(v float64, operator string, threshold float64) bool {
	switch operator {
	case "GreaterThanThreshold":
		return v > threshold
	case "GreaterThanOrEqualToThreshold":
		return v >= threshold
	case "LessThanThreshold":
		return v < threshold
	case "LessThanOrEqualToThreshold":
		return v <= threshold
	}
	return false // bands need anomaly detection
}

// become changes an alarm's state and carries out its actions.
func (s *Service) become(st *state, a *alarm, to, reason, data string, now time.Time) {
	from := a.StateValue
	a.StateValue, a.StateReason, a.StateReasonData, a.StateUpdatedTimestamp = to, reason, data, core.Ptr(now)
	if from == to {
		return
	}
	a.StateTransitionedTimestamp = core.Ptr(now)
	st.remember(a, "StateUpdate", fmt.Sprintf("Alarm updated from %s to %s", from, to), now)
	if !a.ActionsEnabled || s.notifier == nil {
		return
	}
	for _, arn := range map[string][]string{isOK: a.OKActions, isAlarm: a.AlarmActions, insufficient: a.InsufficientDataActions}[to] {
		if !strings.HasPrefix(arn, "arn:aws:sns:") {
			continue
		}
		subject := fmt.Sprintf("%s: %q in %s", to, a.AlarmName, st.region)
		summary := "Successfully executed action " + arn
		if err := s.notifier.Notify(a.AlarmArn, arn, subject, a.message(st, from, now), now); err != nil {
			summary = fmt.Sprintf("Failed to execute action %s. Received error: %v", arn, err)
		}
		st.remember(a, "Action", summary, now)
	}
}
