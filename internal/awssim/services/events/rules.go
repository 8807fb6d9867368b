package events

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// rule is a schedule or a pattern, with targets.
type rule struct {
	Name               string
	Arn                string
	EventPattern       string `json:",omitempty"`
	ScheduleExpression string `json:",omitempty"`
	State              string
	Description        string `json:",omitempty"`
	RoleArn            string `json:",omitempty"`
	EventBusName       string
	CreatedBy          string `json:",omitempty"`

	tags     map[string]string
	targets  map[string]*Target
	schedule schedule
	pattern  pattern
	due      time.Time // of the next run; zero without a schedule
}

// PutRuleInput makes or replaces a rule.
type PutRuleInput struct {
	Name               string
	EventBusName       string
	ScheduleExpression string
	EventPattern       string
	State              string
	Description        string
	RoleArn            string
	Tags               []Tag
}

// PutRuleOutput is its ARN.
type PutRuleOutput struct{ RuleArn string }

// RuleInput names a rule.
type RuleInput struct {
	Name         string
	EventBusName string
	Force        bool
}

// ListRulesOutput is one page.
type ListRulesOutput struct {
	Rules     []*rule
	NextToken string `json:",omitempty"`
}

var ruleName = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

const rulesPerBus = 300

// The states of a rule.
const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
)

func ruleARN(c *core.Call, bus, name string) string {
	if b := nameOf(bus); b != defaultBus {
		name = b + "/" + name
	}
	return c.ARN("events", "rule/"+name)
}

func (s *Service) ruleOps() []core.Op {
	one := core.Needs(func(c *core.Call, in *RuleInput) []core.Permission {
		return []core.Permission{s.onRule(c, in.EventBusName, in.Name)}
	})
	return []core.Op{
		core.Handle("PutRule", s.putRule, core.Needs(func(c *core.Call, in *PutRuleInput) []core.Permission {
			p := s.onRule(c, in.EventBusName, in.Name)
			for k, v := range core.TagKeys(tagMap(in.Tags), nil) {
				p.Context[k] = v
			}
			need := []core.Permission{p}
			if in.RoleArn != "" {
				need = append(need, passRole(in.RoleArn))
			}
			return need
		})),
		core.Handle("DescribeRule", s.describeRule, core.ReadOnly, one),
		core.Handle("DeleteRule", s.deleteRule, one),
		core.Handle("EnableRule", s.enableRule, one),
		core.Handle("DisableRule", s.disableRule, one),
		core.Handle("ListRules", s.listRules, core.ReadOnly),
	}
}

// onRule is the operation's own action on a rule, with its tags.
func (s *Service) onRule(c *core.Call, bus, name string) core.Permission {
	p := core.Permission{Resource: ruleARN(c, bus, name), Context: map[string][]string{}}
	if b := s.at(c).buses[nameOf(bus)]; b != nil && b.rules[name] != nil {
		p.Context = core.TagKeys(nil, b.rules[name].tags)
	}
	return p
}

func passRole(arn string) core.Permission {
	return core.Permission{Action: "iam:PassRole", Resource: arn, Context: map[string][]string{"iam:PassedToService": {service}}}
}

func (s *Service) rule(c *core.Call, busName, name string) (*bus, *rule, error) {
	b, err := s.bus(c, busName)
	if err != nil {
		return nil, nil, err
	}
	if r := b.rules[name]; r != nil {
		return b, r, nil
	}
	return nil, nil, notFound("Rule %s does not exist on EventBus %s.", name, b.Name)
}

func (s *Service) putRule(c *core.Call, in *PutRuleInput) (*PutRuleOutput, error) {
	b, err := s.bus(c, in.EventBusName)
	if err != nil {
		return nil, err
	}
	state := cmp.Or(in.State, enabled)
	switch {
	case !ruleName.MatchString(in.Name):
		return nil, validation("1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+", in.Name)
	case in.ScheduleExpression == "" && in.EventPattern == "":
		return nil, validation("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case in.ScheduleExpression != "" && b.Name != defaultBus:
		return nil, validation("ScheduleExpression is supported only on the default event bus.")
	case !slices.Contains([]string{enabled, disabled, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"}, state):
		return nil, validation("1 validation error detected: Value '%s' at 'state' failed to satisfy constraint: Member must satisfy enum value set: [DISABLED, ENABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]", state)
	}
	next := &rule{
		Name: in.Name, Arn: ruleARN(c, b.Name, in.Name), EventPattern: in.EventPattern, ScheduleExpression: in.ScheduleExpression, State: state,
		Description: in.Description, RoleArn: in.RoleArn, EventBusName: b.Name, CreatedBy: c.Account.ID, tags: map[string]string{}, targets: map[string]*Target{},
	}
	if next.ScheduleExpression != "" {
		if next.schedule, err = parseSchedule(next.ScheduleExpression); err != nil {
			return nil, validation("Parameter ScheduleExpression is not valid: %v", err)
		}
	}
	if next.EventPattern != "" {
		if next.pattern, err = parsePattern(next.EventPattern); err != nil {
			return nil, core.Errorf(400, "InvalidEventPatternException", "Event pattern is not valid. Reason: %v", err)
		}
	}
	old := b.rules[in.Name]
	switch {
	case old != nil: // tags of a rule that is there are not changed by PutRule
		next.targets, next.tags = old.targets, old.tags
	case len(b.rules) >= rulesPerBus:
		return nil, core.Errorf(400, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	default:
		if err := addTags(next.tags, in.Tags); err != nil {
			return nil, err
		}
	}
	next.start(c.Now)
	b.rules[in.Name] = next
	return &PutRuleOutput{next.Arn}, nil
}

// start sets when the rule runs next, seen from now.
func (r *rule) start(now time.Time) {
	r.due = time.Time{}
	if r.schedule != nil && r.State != disabled {
		r.due = r.schedule.after(now)
	}
}

func (s *Service) describeRule(c *core.Call, in *RuleInput) (*rule, error) {
	_, r, err := s.rule(c, in.EventBusName, in.Name)
	return r, err
}

func (s *Service) deleteRule(c *core.Call, in *RuleInput) (core.None, error) {
	b, err := s.bus(c, in.EventBusName)
	if err != nil {
		return core.None{}, err
	}
	r := b.rules[in.Name]
	if r == nil {
		return core.None{}, nil // succeeds
	}
	if len(r.targets) > 0 {
		return core.None{}, validation("Rule can't be deleted since it has targets.")
	}
	delete(b.rules, in.Name)
	return core.None{}, nil
}

func (s *Service) setState(c *core.Call, in *RuleInput, state string) (core.None, error) {
	_, r, err := s.rule(c, in.EventBusName, in.Name)
	if err != nil {
		return core.None{}, err
	}
	if r.State != state {
		r.State = state
		r.start(c.Now)
	}
	return core.None{}, nil
}

func (s *Service) enableRule(c *core.Call, in *RuleInput) (core.None, error) {
	return s.setState(c, in, enabled)
}

func (s *Service) disableRule(c *core.Call, in *RuleInput) (core.None, error) {
	return s.setState(c, in, disabled)
}

func (s *Service) listRules(c *core.Call, in *ListInput) (*ListRulesOutput, error) {
	b, err := s.bus(c, in.EventBusName)
	if err != nil {
		return nil, err
	}
	var match []*rule
	for _, r := range sorted(b.rules) {
		if strings.HasPrefix(r.Name, in.NamePrefix) {
			shown := *r
			shown.CreatedBy = "" // only DescribeRule tells
			match = append(match, &shown)
		}
	}
	out, next, err := page(match, func(r *rule) string { return r.Name }, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return &ListRulesOutput{out, next}, nil
}

// settle runs the schedules that are due, each once.
func (s *Service) settle(account, region string, now time.Time) {
	st := s.shelf.Peek(account, region)
	if st == nil {
		return
	}
	for _, r := range st.buses[defaultBus].rules {
		if r.due.IsZero() || now.Before(r.due) {
			continue
		}
		r.due = r.schedule.after(now)
		s.run(st, r, st.tick(r, s.w.UUID(), now), now)
	}
}
