package awsclient

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kodekloud/kml/internal/fleet"
)

// Lives of sessions.
const (
	// MutatorLife is how long AWS lets a mutating session act before it must be
	// renewed under the account's epoch, unless Config says otherwise.
	MutatorLife = 2 * time.Minute
	// mutatorMargin is how much of that life is left when it is renewed: a third
	// of any life.
	mutatorMargin = MutatorLife / 3
	// leaseSlack is how much longer than its session a lease is held: for clocks
	// that differ and for calls that AWS accepted in the last moment. A quarter of
	// any life.
	leaseSlack = MutatorLife / 4
	// chainedLife is the most that STS allows to a session assumed from another.
	chainedLife = time.Hour
	// shortestLife is the least that STS allows to any session.
	shortestLife = 15 * time.Minute
	readerMargin = 5 * time.Minute
)

// role is a role to assume.
type role struct {
	arn, session, policy string
	life                 time.Duration
}

// assume mints credentials with the regional STS endpoint of cfg.
func (p *Provider) assume(ctx context.Context, cfg aws.Config, r role) (aws.Credentials, error) {
	in := &sts.AssumeRoleInput{
		RoleArn: &r.arn, RoleSessionName: &r.session, DurationSeconds: aws.Int32(int32(r.life / time.Second)),
	}
	if r.policy != "" {
		if len(r.policy) > maxSessionPolicy {
			return aws.Credentials{}, &fleet.FieldError{Field: "session policy", Value: r.session, Remedy: "shorten it to 2,048 characters"}
		}
		in.Policy = &r.policy
	}
	out, err := sts.NewFromConfig(cfg).AssumeRole(ctx, in)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("assume %s as %s: %w", r.arn, r.session, err)
	}
	if out.Credentials == nil {
		return aws.Credentials{}, fmt.Errorf("assume %s as %s: STS gave no credentials", r.arn, r.session)
	}
	c := out.Credentials
	return aws.Credentials{
		AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: aws.ToString(c.SecretAccessKey), SessionToken: aws.ToString(c.SessionToken),
		CanExpire: true, Expires: aws.ToTime(c.Expiration), Source: "kml",
	}, nil
}

func memberRole(o fleet.Organization, account string) string {
	partition := "aws"
	if parts := strings.SplitN(o.ManagementRole, ":", 3); len(parts) == 3 && parts[1] != "" {
		partition = parts[1]
	}
	return "arn:" + partition + ":iam::" + account + ":role/" + strings.TrimPrefix(o.MemberRole, "/")
}

// Reader gives a session in a member account that can only read; its role
// session is shared by all readers of the account for its life. The first call
// assumes the role.
func (p *Provider) Reader(_ context.Context, t Target) (*Session, error) {
	o, err := p.target(t)
	if err != nil {
		return nil, err
	}
	arn := memberRole(o, t.AccountID)
	creds := p.cached(p.readers, arn, func(ctx context.Context) (aws.Credentials, error) {
		return p.assume(ctx, p.managementConfig(o), role{
			arn: arn, session: "kml-" + t.AccountID + "-read", policy: readPolicy(), life: chainedLife,
		})
	})
	return &Session{p: p, target: t, creds: creds}, nil
}

// Mutator gives a session in a member account that may change things, for the
// account's present epoch. Its lease is taken and its role assumed at once:
// fleet.ErrStaleEpoch if the account has moved on, fleet.ErrProtected if it must
// not be touched. purpose (letters, digits, dashes) shows in the name of the
// session. Close must be called.
func (p *Provider) Mutator(ctx context.Context, t Target, purpose string) (*Session, error) {
	o, err := p.target(t)
	if err != nil {
		return nil, err
	}
	lease, err := newLease(purpose)
	if err != nil {
		return nil, err
	}
	s := &Session{p: p, target: t, mutates: true, lease: lease}
	s.creds = newRenewing(p.clock, p.life/3, func(ctx context.Context) (aws.Credentials, error) {
		return p.mintMutator(ctx, o, s)
	})
	if _, err := s.creds.Retrieve(ctx); err != nil {
		// Nobody holds what may have been minted, so the lease can go at once.
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return nil, errors.Join(err, s.Close(back))
	}
	return s, nil
}

// mintMutator takes the lease, which re-reads the epoch, and only then assumes
// the role. The lease outlasts whatever AWS may still accept.
func (p *Provider) mintMutator(ctx context.Context, o fleet.Organization, s *Session) (aws.Credentials, error) {
	if err := p.allowed(s.target); err != nil {
		return aws.Credentials{}, err
	}
	end := p.clock.Now().Add(p.life).Truncate(time.Second)
	if err := p.leases.Acquire(ctx, s.target.AccountID, s.target.Epoch, s.lease, end.Add(p.life/4)); err != nil {
		return aws.Credentials{}, fmt.Errorf("lease %s of account %s in epoch %d: %w", s.lease, s.target.AccountID, s.target.Epoch, err)
	}
	c, err := p.assume(ctx, p.managementConfig(o), role{
		arn:     memberRole(o, s.target.AccountID),
		session: fmt.Sprintf("kml-%s-e%d-%s", s.target.AccountID, s.target.Epoch, s.lease),
		policy:  untilPolicy(end), life: shortestLife,
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	c.Expires = end // the role session lasts longer, its policy does not
	return c, nil
}

// target checks a target before anything is sent.
func (p *Provider) target(t Target) (fleet.Organization, error) {
	o, err := p.org(t.Org)
	if err != nil {
		return o, err
	}
	if len(t.AccountID) != 12 || strings.Trim(t.AccountID, "0123456789") != "" {
		return o, &fleet.FieldError{Field: "account id", Value: t.AccountID, Remedy: "give 12 digits"}
	}
	return o, p.allowed(t)
}

const maxPurpose = 16

// newLease makes a lease id: it is part of a role session's name (64 characters
// of a small alphabet) and of a field's name in a document, so no dots.
func newLease(purpose string) (string, error) {
	var b [6]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("random lease id: %w", err)
	}
	clean := strings.Map(func(r rune) rune {
		if r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, purpose)
	return clean[:min(len(clean), maxPurpose)] + "-" + hex.EncodeToString(b[:]), nil
}
