package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// FrozenBoundary is version 1 of every boundary, in force before and after the
// lab: it denies everything, at any time.
func FrozenBoundary() string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"Frozen","Effect":"Deny","Action":"*","Resource":"*"}]}`
}

// iamWrites are the actions of IAM that change anything. Reads begin with Get,
// List, Generate or Simulate; new verbs are caught without being named.
var iamWrites = list{"iam:A*", "iam:C*", "iam:D*", "iam:E*", "iam:P*", "iam:R*", "iam:Se*", "iam:T*", "iam:U*"}

// Boundary renders the dated version of the permissions boundary, which the
// student's user carries and everything that it makes must carry.
func Boundary(in Input) (string, error) {
	text, err := in.boundary()
	if err != nil {
		return "", fmt.Errorf("boundary of lab type %s: %w", in.LabType.Name, err)
	}
	return text, nil
}

func (in *Input) boundary() (string, error) {
	if err := in.checkBoundary(); err != nil {
		return "", err
	}
	statements := []statement{
		{Sid: "LabServices", Effect: effectAllow, Action: in.allowed(), Resource: everything},
		in.untilEnd(), in.inRegions(), in.inLabPath(), in.notFleet(), in.keepBoundary(), in.linkedRoles(),
		deny("Never", in.never(), everything, nil),
	}
	statements = append(statements, in.instanceLimits()...)
	if slices.Contains(in.LabType.Services, "kms") {
		// Only AWS Support can open a key that is locked this way.
		statements = append(statements, deny("KeyLockout", list{"kms:CreateKey", "kms:PutKeyPolicy"}, everything,
			conditions{"Bool": {"kms:BypassPolicyLockoutSafetyCheck": {"true"}}}))
	}
	text, err := document(statements)
	if err != nil {
		return "", err
	}
	if n := NonSpaceLen(text); n > MaxPolicySize {
		return "", &fleet.FieldError{Field: "services", Value: fmt.Sprintf("a boundary of %d characters", n),
			Remedy: fmt.Sprintf("a managed policy holds %d; name fewer services or instance types", MaxPolicySize)}
	}
	return text, nil
}

// untilEnd ends the lab: AWS enforces it, whether or not the fleet is up.
func (in *Input) untilEnd() statement {
	end := in.End.UTC().Truncate(time.Second).Format(time.RFC3339)
	return deny("End", everything, everything, conditions{"DateGreaterThanEquals": {"aws:CurrentTime": {end}}})
}

// inRegions keeps to the lab's Regions. A plain deny would break the global
// services, which answer in us-east-1.
func (in *Input) inRegions() statement {
	return statement{Sid: "Regions", Effect: effectDeny, NotAction: in.exempt(), Resource: everything,
		Condition: conditions{"StringNotEquals": {requestedRegion: list(in.LabType.Regions)}}}
}

// inLabPath denies making, changing, passing and assuming users and roles
// outside the lab's path, and whatever is none of the kinds listed: the account's
// alias, its password policy, identity providers, server certificates. Policies
// and groups grant nothing by themselves and may have any path but the fleet's;
// the console cannot give them one.
func (in *Input) inLabPath() statement {
	within := []string{"user" + LabPath + "*", "role" + LabPath + "*", "role/aws-service-role/*",
		"policy/*", "group/*", "instance-profile/*", "mfa/*"}
	for _, provider := range []struct{ action, resource string }{
		{"iam:CreateSAMLProvider", "saml-provider/*"}, {"iam:CreateOpenIDConnectProvider", "oidc-provider/*"},
	} {
		if in.names(provider.action) {
			within = append(within, provider.resource)
		}
	}
	return statement{Sid: "LabPath", Effect: effectDeny, Action: append(slices.Clone(iamWrites), "sts:AssumeRole"), NotResource: in.iam(within...)}
}

// names says whether the lab type lists an action by its full name.
func (in *Input) names(action string) bool {
	return slices.ContainsFunc(in.LabType.Statements, func(s fleet.Statement) bool {
		return s.Effect == effectAllow && slices.ContainsFunc(s.Actions, func(a string) bool { return strings.EqualFold(a, action) })
	})
}

// notFleet keeps students off the fleet's policies, its role and their own user.
func (in *Input) notFleet() statement {
	var guarded []string
	for _, kind := range []string{"user", "role", "group", "policy", "instance-profile"} {
		guarded = append(guarded, kind+FleetPath+"*")
	}
	resources := in.iam(append(guarded, "role/"+in.MemberRole)...)
	if !strings.Contains(in.UserARN, ":user"+FleetPath) {
		resources = append(resources, in.UserARN)
	}
	return statement{Sid: "Fleet", Effect: effectDeny, NotAction: list{"iam:Get*", "iam:List*"}, Resource: resources}
}

// keepBoundary makes every principal that the student makes carry this boundary.
// A call that sets none has no such key, and StringNotEquals holds for it.
func (in *Input) keepBoundary() statement {
	return deny("Boundary", list{"iam:CreateRole", "iam:CreateUser", "iam:Put*PermissionsBoundary"}, everything,
		conditions{"StringNotEquals": {"iam:PermissionsBoundary": {in.BoundaryARN}}})
}

// linkedRoles admits service-linked roles, which no boundary binds, for the
// lab's own services alone.
func (in *Input) linkedRoles() statement {
	var names list
	for _, s := range in.LabType.Services {
		names = append(names, "*"+s+".amazonaws.com")
	}
	return deny("LinkedRoles", list{"iam:CreateServiceLinkedRole"}, everything,
		conditions{"StringNotLike": {"iam:AWSServiceName": names}})
}

// allowed lists what the boundary lets through at all.
func (in *Input) allowed() list {
	var out list
	add := func(actions ...string) {
		for _, a := range actions {
			if !slices.ContainsFunc(out, func(p string) bool { return covers(p, a) }) {
				out = append(out, a)
			}
		}
	}
	for _, s := range in.LabType.Services {
		add(s + ":*")
	}
	add(consoleActions...)
	if in.LabType.Console {
		add(signInAction)
	}
	for _, s := range in.LabType.Services {
		add(services[s].implies...)
	}
	return out
}

// never lists actions of the lab's services that leave behind what cannot be
// cleaned, or that change the account itself.
func (in *Input) never() list {
	out := list{"iam:Delete*PermissionsBoundary", "iam:DeleteServiceLinkedRole"}
	for _, s := range in.LabType.Services {
		out = append(out, services[s].never...)
	}
	return out
}
