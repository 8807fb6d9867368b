package iameval

import (
	"slices"
	"strconv"
	"strings"
)

// Types of Principal.Type.
const (
	TypeUser          = "User"
	TypeAssumedRole   = "AssumedRole"
	TypeRoot          = "Account"
	TypeFederatedUser = "FederatedUser"
	TypeService       = "AWSService"
	TypeAnonymous     = "Anonymous"
	// TypeFederated is somebody signed in with an identity provider who asks
	// for a role: AssumeRoleWithWebIdentity, AssumeRoleWithSAML.
	TypeFederated = "Federated"
)

// Principal is who makes a request.
type Principal struct {
	// ARN is the caller as AWS names it: arn:aws:iam::123:user/x,
	// arn:aws:sts::123:assumed-role/R/s, arn:aws:sts::123:federated-user/x,
	// arn:aws:iam::123:root.
	ARN     string
	RoleARN string // AssumedRole: the role's own ARN, with its path
	UserARN string // FederatedUser: the user (or root) that called GetFederationToken
	Account string // 12 digits; none for services, anonymous and Federated callers

	UserID   string // AIDA…, AROA…:session, 123:name, 123
	UserName string // User only
	// Type is one of the Type constants; when empty it is read off the ARN.
	Type     string
	Service  string            // AWSService: "lambda.amazonaws.com"
	Provider string            // Federated: the provider's ARN or domain
	Tags     map[string]string // aws:PrincipalTag/…: of the user, or of role and session
}

type principalKind uint8

const (
	kindUnknown principalKind = iota
	kindUser
	kindRole
	kindRoot
	kindFederatedUser
	kindService
	kindAnonymous
	kindFederated
)

var typeNames = [...]string{
	kindUser: TypeUser, kindRole: TypeAssumedRole, kindRoot: TypeRoot,
	kindFederatedUser: TypeFederatedUser, kindService: TypeService,
	kindAnonymous: TypeAnonymous, kindFederated: TypeFederated,
}

func (p *Principal) kind() principalKind {
	if p.Type != "" {
		return principalKind(max(0, slices.Index(typeNames[:], p.Type)))
	}
	switch {
	case p.Service != "":
		return kindService
	case p.Provider != "":
		return kindFederated
	case p.ARN == "":
		return kindAnonymous
	case strings.Contains(p.ARN, ":assumed-role/"):
		return kindRole
	case strings.Contains(p.ARN, ":federated-user/"):
		return kindFederatedUser
	case strings.HasSuffix(p.ARN, ":root"):
		return kindRoot
	case strings.Contains(p.ARN, ":user/"):
		return kindUser
	}
	return kindUnknown
}

// hasAccount reports whether the caller belongs to an account, so that the
// account's SCPs and the caller's own policies count.
func (k principalKind) hasAccount() bool {
	switch k {
	case kindUser, kindRole, kindRoot, kindFederatedUser:
		return true
	}
	return false
}

// serviceLinked reports whether the caller is a session of a service-linked
// role, which neither SCPs nor boundaries bind.
func (p *Principal) serviceLinked() bool {
	return strings.Contains(p.RoleARN, ":role/aws-service-role/")
}

const principalTagPrefix = "aws:principaltag/"

// fact returns the value of a condition key that says who is calling. derived
// is false for keys that are not about the caller; a derived key that is not
// present is not in the request, whatever the context holds.
func (p *Principal) fact(key string, kind principalKind) (value string, present, derived bool) {
	if !strings.HasPrefix(key, "aws:p") && !strings.HasPrefix(key, "aws:user") {
		return "", false, false
	}
	switch key {
	case "aws:principalarn":
		value = p.ARN
		if kind == kindRole && p.RoleARN != "" {
			value = p.RoleARN
		}
		if !kind.hasAccount() {
			value = ""
		}
	case "aws:principalaccount":
		value = p.Account
	case "aws:userid":
		value = p.UserID
	case "aws:username":
		if kind == kindUser { // sessions and root have none
			value = p.UserName
		}
	case "aws:principaltype":
		value = typeNames[kind]
	case "aws:principalisawsservice":
		if kind != kindAnonymous { // signed requests only
			value = strconv.FormatBool(kind == kindService)
		}
	case "aws:principalservicename":
		value = p.Service
	default:
		tag, ok := strings.CutPrefix(key, principalTagPrefix)
		if !ok {
			return "", false, false
		}
		for name, value := range p.Tags {
			if strings.EqualFold(name, tag) {
				return value, true, true // an empty tag value is a value
			}
		}
		return "", false, true
	}
	return value, value != "", true
}
