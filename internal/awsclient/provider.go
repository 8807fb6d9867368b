package awsclient

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/logging"

	"github.com/kodekloud/kml/internal/fleet"
)

// Clock tells the time.
type Clock interface{ Now() time.Time }

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

// Config is what a Provider needs.
type Config struct {
	// Base carries the fleet's own credentials, which may assume every
	// organization's management role, the Region of the STS endpoint, and the
	// HTTP client (nil: one made for many accounts). A client that is not the
	// SDK's BuildableClient is used as it is.
	Base   aws.Config
	Orgs   []fleet.Organization
	Leases fleet.Leases // required
	Budget fleet.Budget // nil: no shared rates
	Clock  Clock        // nil: the machine's
	// EndpointURL replaces AWS: http://127.0.0.1:4566.
	EndpointURL string
	// ResponseTimeout is how long an answer's first byte is waited for; 30 s.
	ResponseTimeout time.Duration
	// MutatorLife is how long AWS lets a mutating session act at a time; default
	// MutatorLife. A shorter one frees accounts of dead workers sooner and costs
	// more AssumeRole calls.
	MutatorLife time.Duration
	Observer    Observer // may be nil
}

// Provider gives configurations for management accounts and sessions in member
// accounts. It is safe for concurrent use and owns no goroutine.
type Provider struct {
	base     aws.Config
	endpoint *url.URL // nil: AWS itself
	leases   fleet.Leases
	budget   fleet.Budget
	clock    Clock
	observe  Observer
	life     time.Duration        // of mutating sessions
	backoff  retry.BackoffDelayer // nil: the SDK's
	orgs     atomic.Pointer[map[string]fleet.Organization]

	mu         sync.Mutex
	management map[string]*renewing // by role ARN
	readers    map[string]*renewing // by role ARN in the member account
}

// New checks the configuration and makes a Provider. It calls nobody.
func New(c Config) (*Provider, error) {
	if c.Leases == nil {
		return nil, &fleet.FieldError{Field: "Leases", Value: "nil", Remedy: "give the store that fences mutating sessions"}
	}
	if c.Base.Credentials == nil {
		return nil, &fleet.FieldError{Field: "Base.Credentials", Value: "nil", Remedy: "load the AWS configuration of the fleet's own role"}
	}
	p := &Provider{
		base: c.Base, leases: c.Leases, budget: c.Budget, clock: c.Clock, observe: c.Observer,
		life:       cmp.Or(c.MutatorLife, MutatorLife),
		management: map[string]*renewing{}, readers: map[string]*renewing{},
	}
	if p.clock == nil {
		p.clock = wallClock{}
	}
	if c.EndpointURL != "" {
		u, err := url.Parse(c.EndpointURL)
		if err != nil || u.Scheme == "" || u.Host == "" {
			return nil, &fleet.FieldError{Field: "EndpointURL", Value: c.EndpointURL, Remedy: "give scheme and host, such as http://127.0.0.1:4566"}
		}
		p.endpoint = u
	}
	p.base.Region = cmp.Or(p.base.Region, "us-east-1")
	p.base.HTTPClient = httpClient(c.Base.HTTPClient, cmp.Or(c.ResponseTimeout, 30*time.Second))
	return p, p.SetOrganizations(c.Orgs)
}

// httpClient keeps a BuildableClient a BuildableClient, which the SDK needs to
// add the certificates of AWS_CA_BUNDLE.
func httpClient(base aws.HTTPClient, wait time.Duration) aws.HTTPClient {
	if base == nil {
		base = awshttp.NewBuildableClient()
	}
	b, ok := base.(*awshttp.BuildableClient)
	if !ok {
		return base
	}
	return b.WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = wait
		t.MaxIdleConnsPerHost = 64 // thousands of accounts behind one regional host
	})
}

// SetOrganizations replaces the organizations: a deny list that changed holds
// from the next attempt on, for sessions that are open too.
func (p *Provider) SetOrganizations(orgs []fleet.Organization) error {
	m := make(map[string]fleet.Organization, len(orgs))
	for _, o := range orgs {
		switch {
		case o.ManagementAccount == "":
			return &fleet.FieldError{Field: "management_account of organization " + o.Name, Remedy: "give the 12 digits of its management account"}
		case o.ManagementRole == "":
			return &fleet.FieldError{Field: "management_role of organization " + o.Name, Remedy: "give the ARN of the role in the management account"}
		case o.MemberRole == "":
			return &fleet.FieldError{Field: "member_role of organization " + o.Name, Remedy: "give the name of the role in member accounts, such as OrganizationAccountAccessRole"}
		}
		m[o.Name] = o
	}
	p.orgs.Store(&m)
	return nil
}

func (p *Provider) org(name string) (fleet.Organization, error) {
	o, ok := (*p.orgs.Load())[name]
	if !ok {
		return o, &fleet.FieldError{Field: "organization", Value: name, Remedy: "name one of the configured organizations"}
	}
	return o, nil
}

// allowed gives an error that matches fleet.ErrProtected if the target must not
// be touched.
func (p *Provider) allowed(t Target) error {
	o, err := p.org(t.Org)
	if err != nil {
		return fmt.Errorf("account %s: %w: %w", t.AccountID, fleet.ErrProtected, err)
	}
	if why := o.Protected(t.AccountID, t.OU); why != "" {
		return fmt.Errorf("account %s: %w: %s", t.AccountID, fleet.ErrProtected, why)
	}
	return nil
}

// Management gives a configuration for clients in the management account of an
// organization, in the Region of the base configuration. Its credentials renew
// themselves.
func (p *Provider) Management(_ context.Context, org string) (aws.Config, error) {
	o, err := p.org(org)
	if err != nil {
		return aws.Config{}, err
	}
	return p.managementConfig(o), nil
}

func (p *Provider) managementConfig(o fleet.Organization) aws.Config {
	cfg := p.config(p.base.Region, &gate{p: p, account: o.ManagementAccount})
	cfg.Credentials = p.cached(p.management, o.ManagementRole, func(ctx context.Context) (aws.Credentials, error) {
		return p.assume(ctx, p.baseConfig(), role{arn: o.ManagementRole, session: "kml", life: chainedLife})
	})
	return cfg
}

// cached finds or makes renewing credentials in a cache.
func (p *Provider) cached(cache map[string]*renewing, key string, mint func(context.Context) (aws.Credentials, error)) *renewing {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := cache[key]
	if !ok {
		r = newRenewing(p.clock, readerMargin, mint)
		cache[key] = r
	}
	return r
}

func (p *Provider) baseConfig() aws.Config {
	cfg := p.config(p.base.Region, &gate{p: p})
	cfg.Credentials = p.base.Credentials
	return cfg
}

// config is what all clients have in common; its credentials are not set.
func (p *Provider) config(region string, g *gate) aws.Config {
	cfg := p.base.Copy()
	cfg.Logger = logging.Nop{} // errors are returned; the SDK's own lines carry no ids and are not JSON
	cfg.Region = cmp.Or(region, "us-east-1")
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = readAttempts // the gate ends mutations earlier
			o.MaxBackoff = 10 * time.Second
			o.Backoff = p.backoff
		})
	}
	cfg.APIOptions = append(cfg.APIOptions[:len(cfg.APIOptions):len(cfg.APIOptions)], g.install)
	if p.endpoint != nil {
		override(&cfg, p.endpoint)
	}
	return cfg
}
