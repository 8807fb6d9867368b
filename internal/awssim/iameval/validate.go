package iameval

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Versions of the policy language. Only the current one has variables.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Parse parses and validates a policy document. Errors are *ParseError.
func Parse(doc string, kind Kind) (*Policy, error) {
	root, err := decodeObject(doc)
	if err != nil {
		return nil, newError(kind, faultJSON, err.Error())
	}
	c := compiler{kind: kind, variables: true, sids: map[string]bool{}}
	p, fail := c.policy(root)
	if fail != nil {
		return nil, fail
	}
	return p, nil
}

// compiler compiles one document.
type compiler struct {
	kind      Kind
	variables bool
	sids      map[string]bool
}

func (c *compiler) fail(f fault, format string, args ...any) *ParseError {
	return newError(c.kind, f, fmt.Sprintf(format, args...))
}

func (c *compiler) policy(root object) (*Policy, *ParseError) {
	for _, m := range root {
		if !slices.Contains([]string{"Version", "Id", "Statement"}, m.key) {
			return nil, c.fail(faultUnknownField, "%s", m.key)
		}
	}
	if id, given := root.get("Id"); given {
		if _, ok := id.(string); !ok {
			return nil, c.fail(faultSyntax, "Id is not a string")
		}
	}
	if fail := c.version(root); fail != nil {
		return nil, fail
	}
	var list []any
	switch v, _ := root.get("Statement"); v := v.(type) {
	case object:
		list = []any{v}
	case []any:
		list = v
	}
	if len(list) == 0 {
		return nil, c.fail(faultSyntax, "no Statement")
	}
	p := &Policy{kind: c.kind, statements: make([]statement, len(list))}
	for i, element := range list {
		members, ok := element.(object)
		if !ok {
			return nil, c.fail(faultSyntax, "Statement %d is not an object", i)
		}
		s, fail := c.statement(members, i)
		if fail != nil {
			return nil, fail
		}
		p.statements[i] = s
	}
	return p, nil
}

// version checks the Version element: IAM and Organizations insist on the
// current one, resources and trust policies may leave it out or keep the old.
func (c *compiler) version(root object) *ParseError {
	v, given := root.get("Version")
	switch {
	case v == version2012:
		return nil
	case given && v != version2008 && (c.kind == Identity || c.kind == SCP):
		return c.fail(faultSyntax, "Version %v", v)
	case given && v != version2008, c.kind == Identity, c.kind == SCP:
		return c.fail(faultVersion, "Version %v", v)
	}
	c.variables = false
	return nil
}

var statementElements = []string{"Sid", "Effect", "Principal", "NotPrincipal",
	"Action", "NotAction", "Resource", "NotResource", "Condition"}

func (c *compiler) statement(members object, index int) (statement, *ParseError) {
	s := statement{id: strconv.Itoa(index)}
	for _, m := range members {
		if !slices.Contains(statementElements, m.key) {
			return s, c.fail(faultUnknownField, "%s", m.key)
		}
	}
	for _, read := range []func(object, *statement) *ParseError{
		c.sid, c.effect, c.principal, c.action, c.resource, c.condition,
	} {
		if fail := read(members, &s); fail != nil {
			return s, fail
		}
	}
	return s, nil
}

func (c *compiler) sid(members object, s *statement) *ParseError {
	value, given := members.get("Sid")
	if !given {
		return nil
	}
	sid, ok := value.(string)
	switch {
	case !ok:
		return c.fail(faultSyntax, "Sid is not a string")
	case sid == "":
		return nil
	case c.kind != Resource && strings.ContainsFunc(sid, notAlphanumeric):
		return c.fail(faultSID, "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
	case c.sids[sid]:
		return c.fail(faultSID, "Statement IDs (SID) in a single policy must be unique.")
	}
	c.sids[sid] = true
	s.id = sid
	return nil
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

func (c *compiler) effect(members object, s *statement) *ParseError {
	switch effect, given := members.get("Effect"); {
	case !given:
		return c.fail(faultNoEffect, "statement %s has no Effect", s.id)
	case effect == "Allow":
	case effect == "Deny":
		s.deny = true
	default:
		return c.fail(faultSyntax, "Effect %v", effect)
	}
	return nil
}

// either reads an element that may be given plainly or negated, but not both.
func (c *compiler) either(members object, name string) (value any, negated, given bool, fail *ParseError) {
	value, given = members.get(name)
	negative, negated := members.get("Not" + name)
	switch {
	case given && negated:
		fail = c.fail(faultSyntax, "%s and Not%s together", name, name)
	case negated:
		return negative, true, true, nil
	}
	return value, false, given, fail
}

func (c *compiler) principal(members object, s *statement) *ParseError {
	value, negated, given, fail := c.either(members, "Principal")
	switch {
	case fail != nil:
		return fail
	case c.kind == Identity || c.kind == SCP:
		if given {
			return c.fail(faultHasPrincipal, "statement %s has a Principal", s.id)
		}
		return nil
	case !given:
		return c.fail(faultNoPrincipal, "statement %s has no Principal", s.id)
	}
	s.notPrincipals = negated
	s.principals = &principals{}
	if value == "*" {
		s.principals.everyone = true
		s.principals.written = []string{"*"}
		return nil
	}
	entries, ok := value.(object)
	if !ok || len(entries) == 0 {
		return c.fail(faultBadPrincipal, "%v", value)
	}
	for _, entry := range entries {
		names, ok := stringList(entry.value)
		if !ok || len(names) == 0 {
			return c.fail(faultBadPrincipal, "%q", entry.key)
		}
		for _, name := range names {
			if err := s.principals.add(entry.key, name); err != nil {
				return c.fail(faultBadPrincipal, "%v", err)
			}
		}
	}
	return nil
}

func (c *compiler) action(members object, s *statement) *ParseError {
	value, negated, given, fail := c.either(members, "Action")
	if fail != nil {
		return fail
	}
	actions, ok := stringList(value)
	if given && !ok {
		return c.fail(faultSyntax, "Action is not a list of strings")
	}
	if len(actions) == 0 {
		return c.fail(faultNoAction, "statement %s has no Action", s.id)
	}
	s.notActions = negated
	for _, action := range actions {
		if reason := badAction(action, c.kind); reason != "" {
			return c.fail(faultBadAction, "%s", reason)
		}
		s.actions = append(s.actions, compilePattern(strings.ToLower(action), dialect{wildcards: true}))
	}
	return nil
}

// badAction says in IAM's words what is wrong with an action.
func badAction(action string, kind Kind) string {
	vendor, _, prefixed := strings.Cut(action, ":")
	switch {
	case kind == Trust && !strings.EqualFold(vendor, "sts"):
		return "AssumeRole policy may only specify STS AssumeRole actions."
	case action == "*":
	case !prefixed:
		return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	case strings.Count(action, ":") > 1:
		return "Actions/Condition can contain only one colon."
	case vendor != "*" && strings.ContainsFunc(vendor, func(r rune) bool { return notAlphanumeric(r) && r != '-' && r != '.' }):
		return fmt.Sprintf("Vendor %s is not valid", vendor)
	}
	return ""
}

func (c *compiler) resource(members object, s *statement) *ParseError {
	value, negated, given, fail := c.either(members, "Resource")
	switch {
	case fail != nil:
		return fail
	case c.kind == Trust && given:
		return c.fail(faultHasResource, "statement %s has a Resource", s.id)
	case c.kind == Trust:
		return nil
	}
	resources, ok := stringList(value)
	if given && !ok {
		return c.fail(faultSyntax, "Resource is not a list of strings")
	}
	if len(resources) == 0 {
		return c.fail(faultNoResource, "statement %s has no Resource", s.id)
	}
	s.notResources = negated
	for _, resource := range resources {
		if reason := badResource(resource); reason != "" {
			return c.fail(faultBadResource, "%s", reason)
		}
		s.resources = append(s.resources, compileResource(resource, c.variables))
	}
	return nil
}

// condition compiles all keys of all operators. A condition key must carry its
// service's name like an action.
func (c *compiler) condition(members object, s *statement) *ParseError {
	value, given := members.get("Condition")
	if !given {
		return nil
	}
	blocks, ok := value.(object)
	if !ok {
		return c.fail(faultSyntax, "Condition is not an object")
	}
	for _, block := range blocks {
		keys, ok := block.value.(object)
		if !ok {
			return c.fail(faultSyntax, "%s is not an object", block.key)
		}
		for _, key := range keys {
			values, ok := stringList(key.value)
			if !ok {
				return c.fail(faultSyntax, "%s is not a list of strings", key.key)
			}
			if !strings.Contains(key.key, ":") {
				return c.fail(faultBadAction, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			}
			compiled, err := compileCondition(block.key, key.key, values, dialect{variables: c.variables})
			var unknown *unknownOperator
			switch {
			case errors.As(err, &unknown):
				return c.fail(faultSyntax, "%v", err)
			case err != nil:
				return c.fail(faultValue, "%v", err)
			}
			s.conditions = append(s.conditions, compiled)
		}
	}
	return nil
}
