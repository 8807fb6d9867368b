package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/fleet"
)

// render turns statement i of the lab type into an IAM statement.
func (in *Input) render(i int) (statement, error) {
	from := fmt.Sprintf("statements[%d]", i)
	s := in.LabType.Statements[i]
	out := statement{Sid: s.Sid, Effect: s.Effect, Action: list(s.Actions), NotAction: list(s.NotActions), from: from}
	if err := in.checkStatement(&s, from); err != nil {
		return out, err
	}
	var err error
	if out.Resource, err = in.expandAll(s.Resources, from+".resources"); err != nil {
		return out, err
	}
	for operator, keys := range s.Conditions {
		for key, values := range keys {
			expanded, err := in.expandAll(values, from+".conditions."+operator+"."+key)
			if err != nil {
				return out, err
			}
			if out.Condition == nil {
				out.Condition = conditions{}
			}
			if out.Condition[operator] == nil {
				out.Condition[operator] = map[string]list{}
			}
			out.Condition[operator][key] = expanded
		}
	}
	return out, nil
}

var (
	sidPattern    = regexp.MustCompile(`^[A-Za-z0-9]*$`)
	actionPattern = regexp.MustCompile(`^([a-z0-9-]+):([A-Za-z0-9*?]+)$`)
)

// checkStatement refuses what IAM would refuse, and what is no least privilege:
// an Allow names services, each one of the lab's.
func (in *Input) checkStatement(s *fleet.Statement, from string) error {
	bad := func(field, value, remedy string) error {
		return &fleet.FieldError{Field: from + field, Value: value, Remedy: remedy}
	}
	switch {
	case !sidPattern.MatchString(s.Sid):
		return bad(".sid", s.Sid, "letters and digits only")
	case s.Effect != effectAllow && s.Effect != effectDeny:
		return bad(".effect", s.Effect, "write Allow or Deny")
	case s.Effect == effectAllow && len(s.NotActions) > 0:
		return bad(".not_actions", s.NotActions[0], "an Allow names its actions: everything but a few is too much")
	case (len(s.Actions) == 0) == (len(s.NotActions) == 0):
		return bad(".actions", strings.Join(s.Actions, ","), "give either actions or, in a Deny, not_actions")
	case len(s.Resources) == 0:
		return bad(".resources", "", `name the resources; "*" means all`)
	}
	for _, field := range []struct {
		name    string
		actions []string
	}{{".actions", s.Actions}, {".not_actions", s.NotActions}} {
		for i, a := range field.actions {
			at := fmt.Sprintf("%s[%d]", field.name, i)
			if !actionPattern.MatchString(a) && (a != "*" || s.Effect == effectAllow) {
				return bad(at, a, "write service:Action, such as ec2:Describe*")
			}
			if s.Effect == effectAllow && !in.reachable(a) {
				return bad(at, a, "the lab's services are "+strings.Join(in.LabType.Services, ", ")+": add the service, or leave the action out")
			}
		}
	}
	return nil
}

// reachable says whether the boundary lets an action of a lab type through.
func (in *Input) reachable(action string) bool {
	return slices.ContainsFunc(in.allowed(), func(p string) bool { return covers(p, action) })
}

// placeholder is all that a template may hold: no function, no loop. Lab types
// come by the API, too, and rendering one must cost nothing.
var placeholder = regexp.MustCompile(`\{\{ *\.([A-Za-z]+) *\}\}`)

// expandAll renders templates. One that uses {{.Regions}} becomes one string for
// each Region of the lab.
func (in *Input) expandAll(texts []string, from string) (list, error) {
	var out list
	for i, text := range texts {
		for _, region := range in.LabType.Regions {
			expanded, ok := in.expand(text, region)
			if !ok {
				return nil, &fleet.FieldError{Field: fmt.Sprintf("%s[%d]", from, i), Value: text,
					Remedy: "a template may use {{.Account}}, {{.User}}, {{.Partition}}, {{.Regions}} and {{.LabPath}}"}
			}
			if !slices.Contains(out, expanded) {
				out = append(out, expanded)
			}
		}
	}
	return out, nil
}

// expand renders one template for one Region; ok is false if it holds anything
// but the five names.
func (in *Input) expand(text, region string) (out string, ok bool) {
	values := map[string]string{"Account": in.Account, "User": in.UserName, "Partition": in.partition(), "Regions": region, "LabPath": LabPath}
	ok = !strings.Contains(placeholder.ReplaceAllString(text, ""), "{{")
	out = placeholder.ReplaceAllStringFunc(text, func(p string) string {
		value, known := values[placeholder.FindStringSubmatch(p)[1]]
		ok = ok && known
		return value
	})
	return out, ok
}
