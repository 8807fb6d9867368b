package cloudwatch

import (
	"encoding/json"
	"time"
)

// message is what an alarm tells a topic, in CloudWatch's own form.
func (a *alarm) message(st *state, from string, now time.Time) string {
	b, err := json.Marshal(struct {
		AlarmName, AlarmDescription, AWSAccountId        string
		NewStateValue, NewStateReason, OldStateValue     string
		StateChangeTime, Region, AlarmArn                string
		OKActions, AlarmActions, InsufficientDataActions []string
		MetricName, Namespace, Statistic, AlarmRule      string `json:",omitempty"`
	}{
		a.AlarmName, a.AlarmDescription, st.account, a.StateValue, a.StateReason, from,
		now.UTC().Format("2006-01-02T15:04:05.000-0700"), st.region, a.AlarmArn, a.OKActions, a.AlarmActions, a.InsufficientDataActions,
		a.MetricName, a.Namespace, a.Statistic, a.AlarmRule,
	})
	if err != nil {
		return a.AlarmName + " is " + a.StateValue // plain strings always encode
	}
	return string(b)
}
