package events

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// tick is the event of a schedule.
func (st *state) tick(r *rule, id string, now time.Time) map[string]any {
	return map[string]any{
		"version": "0", "id": id, "detail-type": "Scheduled Event", "source": "aws.events", "account": st.account,
		"time": now.UTC().Format("2006-01-02T15:04:05Z"), "region": st.region, "resources": []any{r.Arn}, "detail": map[string]any{},
	}
}

// run gives an event to a rule's targets.
func (s *Service) run(st *state, r *rule, event map[string]any, now time.Time) {
	by := map[string]string{"RuleName": r.Name}
	count := func(name string, n float64) {
		if s.metrics != nil {
			s.metrics.PutMetric(st.account, st.region, "AWS/Events", name, by, n, now)
		}
	}
	count("TriggeredRules", 1)
	for _, t := range sorted(r.targets) {
		sent, err := s.send(st, r, t, event, now)
		if !sent {
			continue
		}
		count("Invocations", 1)
		if err != nil {
			count("FailedInvocations", 1) // EventBridge tells nobody else
		}
	}
}

// send gives an event to one target; sent is false for targets of services
// that the simulation does not reach from here.
func (s *Service) send(st *state, r *rule, t *Target, event map[string]any, now time.Time) (sent bool, err error) {
	parts := strings.SplitN(t.Arn, ":", 6)
	if len(parts) < 6 || parts[3] != st.region {
		return false, nil
	}
	if parts[2] == "lambda" && s.invoker != nil {
		return true, s.invoker.InvokeFor(service, r.Arn, t.Arn, now)
	}
	to := s.senders[parts[2]]
	if to == nil {
		return false, nil
	}
	body, err := t.body(event)
	if err != nil {
		return true, err
	}
	var fifo struct{ MessageGroupId string }
	if len(t.SqsParameters) > 0 {
		if err := json.Unmarshal(t.SqsParameters, &fifo); err != nil {
			return true, fmt.Errorf("SqsParameters of target %s: %w", t.Id, err)
		}
	}
	return true, to.SendFor(service, r.Arn, t.Arn, body, fifo.MessageGroupId, now)
}

// body is what a target gets of an event: the event, a part of it, a constant,
// or a text made of parts.
func (t *Target) body(event map[string]any) (string, error) {
	switch {
	case t.Input != "":
		return t.Input, nil
	case t.InputPath != "":
		return text(at(event, t.InputPath))
	case len(t.InputTransformer) > 0:
		var in transformer
		if err := json.Unmarshal(t.InputTransformer, &in); err != nil {
			return "", fmt.Errorf("InputTransformer of target %s: %w", t.Id, err)
		}
		return in.apply(event)
	}
	return text(event)
}

// transformer fills the places of a template, such as <id>, with parts of an event.
type transformer struct {
	InputPathsMap map[string]string
	InputTemplate string
}

var place = regexp.MustCompile(`<[A-Za-z0-9_.-]+>`)

// apply fills the places: bare within quotes, as JSON outside of them.
func (x transformer) apply(event map[string]any) (string, error) {
	var out strings.Builder
	end, quoted := 0, false
	for _, m := range place.FindAllStringIndex(x.InputTemplate, -1) {
		before := x.InputTemplate[end:m[0]]
		if strings.Count(strings.ReplaceAll(before, `\"`, ""), `"`)%2 == 1 {
			quoted = !quoted
		}
		out.WriteString(before)
		end = m[1]
		v := at(event, x.InputPathsMap[strings.Trim(x.InputTemplate[m[0]:m[1]], "<>")])
		s, isText := v.(string)
		if !quoted || !isText {
			var err error
			if s, err = text(v); err != nil {
				return "", err
			}
		}
		out.WriteString(s)
	}
	out.WriteString(x.InputTemplate[end:])
	return out.String(), nil
}

// at finds "$.detail.user" in an event; nil if it is not there.
func at(event map[string]any, path string) any {
	var v any = event
	for _, key := range strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, "$"), "."), ".") {
		if key == "" {
			continue
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func text(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
