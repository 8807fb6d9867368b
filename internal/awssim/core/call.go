package core

import (
	"fmt"
	"net/http"
	"time"

	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// Call is one request on its way through the pipeline.
type Call struct {
	World     *World
	Service   *Service
	Op        *Op
	Account   *Account // the caller's; nil for anonymous callers
	Region    string   // from the signature's scope; "us-east-1" for global services
	Principal *Principal
	Now       time.Time
	RequestID string
	Protocol  Protocol
	Request   *http.Request
	Params    map[string]string // path parameters of a REST request
	Body      []byte            // decoded payload (aws-chunked already undone)
	SourceIP  string
	// DryRun is set by handlers of EC2 when they would have done it.

	// TrailResources are put into the event's resources field by handlers.
	TrailResources []TrailResource
	// TrailResponse replaces the output in the event's responseElements.
	TrailResponse any
}

// Principal is who signed a call.
type Principal struct {
	iameval.Principal
	AccessKeyID  string
	SessionToken string
	// Session is set for temporary credentials.
	Session *Session
}

// Session is what STS minted.
type Session struct {
	Kind      string // AssumeRole, GetSessionToken, GetFederationToken, Service
	RoleID    string // AROA… for AssumeRole
	Name      string
	Issued    time.Time
	Expires   time.Time
	Policies  []iameval.Attached // session policies
	HasPolicy bool
	Tags      map[string]string
	SourceKey string // long-term key of GetSessionToken and GetFederationToken
	InvokedBy string // service that holds the session: "lambda.amazonaws.com"
	MFA       bool
}

// Directory is what the iam and sts services tell the pipeline. The lock is held.
type Directory interface {
	// Lookup finds the secret of an access key and who it is, as AWS's data
	// plane sees it now (changes lag by Options.IAMDelay). Errors are *Error
	// with AWS's codes: InvalidClientTokenId, ExpiredToken, …
	Lookup(accessKeyID, sessionToken string, now time.Time) (secret string, p *Principal, err error)
	// Policies gives all that binds a principal, without SCPs and resource
	// policies.
	Policies(p *Principal, now time.Time) iameval.Policies
}

// Guardrails is what the organizations service tells the pipeline.
type Guardrails interface {
	// SCPs gives the policies per level, root first, the account last; nil for
	// a management account or one outside any organization.
	SCPs(account string) [][]*iameval.Policy
}

// ResourcePolicy is a policy attached to a resource.
type ResourcePolicy struct {
	ARN    string
	Policy *iameval.Policy // nil: nobody is named
	// MustAllow marks resources that identity policies alone cannot open: roles
	// to be assumed, and KMS keys.
	MustAllow bool
}

// TrailResource is one entry of an event's resources.
type TrailResource struct {
	ARN       string `json:"ARN,omitempty"`
	AccountID string `json:"accountId,omitempty"`
	Type      string `json:"type,omitempty"` // AWS::S3::Bucket
	Name      string `json:"-"`
}

// ARN makes an ARN in the call's account and Region.
func (c *Call) ARN(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, c.Region, c.Account.ID, resource)
}

// GlobalARN makes an ARN without Region.
func (c *Call) GlobalARN(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s::%s:%s", service, c.Account.ID, resource)
}

// After gives the time n state delays from now: when an asynchronous change is done.
func (c *Call) After(n float64) time.Time {
	return c.Now.Add(time.Duration(n * float64(c.World.Options.StateDelay)))
}
