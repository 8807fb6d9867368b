package core

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/iameval"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// authenticate finds out who signed the call. Lock held.
func (c *Call) authenticate(s *signature, r *http.Request, bodyHash string) *Error {
	if e := s.fresh(c.Now); e != nil {
		return c.keyError(e)
	}
	secret, p, err := c.World.Directory.Lookup(s.keyID, s.token, c.Now)
	if err != nil {
		return c.keyError(asError(err))
	}
	if !s.verify(r, secret, bodyHash) {
		return c.keyError(Errorf(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."))
	}
	c.Principal, c.Account = p, c.World.Account(p.Account)
	if c.Account == nil || c.Account.Closed {
		return c.keyError(Errorf(403, "InvalidClientTokenId", "The security token included in the request is invalid."))
	}
	if d, ok := c.World.Directory.(lastUse); ok {
		d.Used(p, c.Service.Name, c.Region, c.Now)
	}
	return nil
}

// lastUse is a directory that keeps when keys and roles were last used.
type lastUse interface {
	Used(p *Principal, service, region string, now time.Time)
}

// keyError gives the codes that each family of services uses for bad keys:
// they agree on nothing, not even on the HTTP status.
func (c *Call) keyError(e *Error) *Error {
	out := *e
	switch {
	case c.Service.Name == "s3":
		switch e.Code {
		case "InvalidClientTokenId":
			out.Code, out.Message = "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
		case "ExpiredTokenException":
			out.Status, out.Code, out.Message = 400, "ExpiredToken", "The provided token has expired."
		}
	case c.Service.Name == "ec2":
		switch e.Code {
		case "InvalidClientTokenId", "SignatureDoesNotMatch":
			out.Status, out.Code, out.Message = 401, "AuthFailure", "AWS was not able to validate the provided access credentials"
		default:
			out.Status, out.Code, out.Message = 400, "RequestExpired", "Request has expired."
		}
	case c.Protocol == Query || c.Service.QueryCompatible:
		if e.Code == "ExpiredTokenException" {
			out.Code = "ExpiredToken"
		}
	default: // JSON, REST JSON and CBOR
		switch e.Code {
		case "InvalidClientTokenId":
			out.Code = "UnrecognizedClientException"
		case "SignatureDoesNotMatch":
			out.Code = "InvalidSignatureException"
		}
		if c.Protocol != RESTJSON {
			out.Status = 400
		}
	}
	return &out
}

// asError turns any error into AWS's form; what is no *Error is a bug of the
// simulator and says so.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Errorf(500, "InternalFailure", "simulator: %v", err)
}

// Authorize asks whether the caller may do a thing; nil means yes. Handlers use
// it for what only they know; the pipeline uses it for Op's Needs. Lock held.
func (c *Call) Authorize(p Permission) *Error {
	if p.Action == "" {
		p.Action = c.Service.Prefix + ":" + c.Op.Name
	}
	if p.Resource == "" {
		p.Resource = "*"
	}
	req := iameval.Request{Action: p.Action, Resource: p.Resource, Context: c.context(p.Context)}
	var pol iameval.Policies
	if c.Principal != nil {
		req.Principal = c.Principal.Principal
		pol = c.World.Directory.Policies(c.Principal, c.Now)
		if c.World.Guardrails != nil {
			pol.SCPs = c.World.Guardrails.SCPs(c.Principal.Account)
		}
	} else {
		req.Principal = iameval.Principal{Type: "Anonymous"}
	}
	if c.Service.ResourcePolicy != nil {
		rp, owner := c.Service.ResourcePolicy(p.Resource)
		pol.ResourceAccount = owner
		if rp != nil {
			pol.ResourceMustAllow = rp.MustAllow
			if rp.Policy != nil && !p.Unlocked {
				pol.Resource = &iameval.Attached{ARN: rp.ARN, Policy: rp.Policy}
			}
		}
	}
	d := iameval.Evaluate(req, pol)
	if d.Allowed {
		return nil
	}
	return c.denied(d.Message(req))
}

// context adds the keys that every request has.
func (c *Call) context(own map[string][]string) map[string][]string {
	region := c.Region
	if c.Service.Global {
		region = "us-east-1"
	}
	m := map[string][]string{
		"aws:CurrentTime":     {c.Now.Format("2006-01-02T15:04:05Z")},
		"aws:EpochTime":       {itoa(c.Now.Unix())},
		"aws:RequestedRegion": {region},
		"aws:SourceIp":        {c.SourceIP},
		"aws:SecureTransport": {"true"}, // the simulator stands in for an HTTPS endpoint
		"aws:UserAgent":       {c.Request.UserAgent()},
		"aws:ViaAWSService":   {"false"},
	}
	if p := c.Principal; p != nil && p.Session != nil {
		m["aws:TokenIssueTime"] = []string{p.Session.Issued.UTC().Format("2006-01-02T15:04:05Z")}
		m["aws:MultiFactorAuthPresent"] = []string{strconv.FormatBool(p.Session.MFA)}
	}
	for k, v := range own {
		m[k] = v
	}
	return m
}

func (c *Call) authorizeOp(in any) *Error {
	if c.Op.Public {
		return nil
	}
	perms := []Permission{{}}
	if c.Op.perms != nil {
		perms = c.Op.perms(c, in)
	}
	for _, p := range perms {
		if e := c.Authorize(p); e != nil {
			return e
		}
	}
	return nil
}

// sourceIP is the client's address without the port.
func sourceIP(r *http.Request) string {
	host := r.RemoteAddr
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return strings.Trim(host, "[]")
}
