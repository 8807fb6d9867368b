// Package sts simulates the AWS Security Token Service: it checks who may have
// temporary credentials and for how long, and has package iam mint them.
//
// Invariants:
//   - A session's permissions are never more than those of the role or user
//     behind it, which the directory looks up on every call.
//   - Sessions of sessions (role chaining) last at most an hour.
package sts

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
)

// STS is the simulated service.
type STS struct {
	w   *core.World
	iam *iam.IAM
}

// New makes the service and registers it with the world.
func New(w *core.World, directory *iam.IAM) *STS {
	s := &STS{w: w, iam: directory}
	w.Add(&core.Service{
		Name: "sts", Namespace: "https://sts.amazonaws.com/doc/2011-06-15/", ResourcePolicy: s.trust,
		Rates: map[string]core.Rate{"*": {PerSecond: 600, Burst: 600}},
		Ops: []core.Op{
			core.Handle("AssumeRole", s.assumeRole, core.ReadOnly, core.Needs(assumeNeeds)),
			core.Handle("GetCallerIdentity", s.callerIdentity, core.ReadOnly, core.Public),
			core.Handle("GetSessionToken", s.sessionToken, core.ReadOnly, core.Public),
			core.Handle("GetFederationToken", s.federationToken, core.Needs(federationNeeds)),
			core.Handle("GetAccessKeyInfo", s.accessKeyInfo, core.ReadOnly),
		},
	})
	return s
}

// trust makes a role's trust policy part of the authorization of AssumeRole. A
// role that does not exist has one that allows nobody, so that asking does not
// tell who exists.
func (s *STS) trust(arn string) (*core.ResourcePolicy, string) {
	if !strings.Contains(arn, ":role/") {
		return nil, ""
	}
	p, owner := s.iam.TrustPolicy(arn, s.w.Clock.Now())
	return &core.ResourcePolicy{ARN: arn, Policy: p, MustAllow: true}, owner
}

type credentialsOut struct {
	AccessKeyId     string
	SecretAccessKey string `trail:"-"`
	SessionToken    string `trail:"-"`
	Expiration      core.Time
}

func out(c iam.Credentials) credentialsOut {
	return credentialsOut{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, core.At(c.Expires)}
}

type tag struct{ Key, Value string }

type arnIn struct {
	Arn string `q:"arn" json:"arn"`
}

// grants are the session policies and tags of a request.
type grants struct {
	Policy     string
	PolicyArns []arnIn
	Tags       []tag
}

func invalid(format string, args ...any) error {
	return core.Errorf(400, "ValidationError", format, args...)
}

func denied(format string, args ...any) error {
	return core.Errorf(403, "AccessDenied", format, args...)
}

// attach reads the session policies into a session and tells how much of the
// packed size they use, in percent.
func (s *STS) attach(to *core.Session, account string, g grants) (percent int, err error) {
	if g.Policy != "" {
		if len(g.Policy) > 2048 {
			return 0, invalid("1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048")
		}
		p, perr := iameval.Parse(g.Policy, iameval.Identity)
		if perr != nil {
			return 0, core.Errorf(400, "MalformedPolicyDocument", "%v", perr)
		}
		to.Policies = append(to.Policies, iameval.Attached{Name: "session", Policy: p})
	}
	if len(g.PolicyArns) > 10 {
		return 0, invalid("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10")
	}
	for _, a := range g.PolicyArns {
		if !s.iam.ManagedExists(account, a.Arn) {
			return 0, core.Errorf(400, "MalformedPolicyDocument", "The specified managed policy ARN %s does not exist or is not of account %s", a.Arn, account)
		}
		to.Policies = append(to.Policies, iameval.Attached{ARN: a.Arn, Name: a.Arn[strings.LastIndexByte(a.Arn, '/')+1:]})
	}
	to.HasPolicy = len(to.Policies) > 0
	if to.Tags, err = tags(g.Tags); err != nil {
		return 0, err
	}
	if percent = packed(g); percent > 100 {
		return 0, core.Errorf(400, "PackedPolicyTooLarge", "PackedPolicySize of %d%% exceeds the limit: the session policies and session tags are too large", percent)
	}
	return percent, nil
}

func tags(in []tag) (map[string]string, error) {
	if len(in) > 50 {
		return nil, invalid("1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50")
	}
	m := map[string]string{}
	seen := map[string]bool{}
	for _, t := range in {
		k := strings.ToLower(t.Key)
		if seen[k] || t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 || strings.HasPrefix(k, "aws:") {
			return nil, core.Errorf(400, "InvalidParameterValue", "Tag %q is a duplicate, reserved or too long", t.Key)
		}
		seen[k] = true
		m[t.Key] = t.Value
	}
	return m, nil
}

// packedLimit is what policies and tags may take together when packed. AWS does
// not publish its packing; this is deflate against a limit of which a policy of
// the largest plain size, as people write them, takes well under all.
const packedLimit = 1024

func packed(g grants) int {
	if g.Policy == "" && len(g.PolicyArns) == 0 && len(g.Tags) == 0 {
		return 0
	}
	plain, err := json.Marshal(g)
	if err != nil {
		return 0
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return 0
	}
	if _, err := w.Write(plain); err != nil {
		return 0
	}
	if err := w.Close(); err != nil {
		return 0
	}
	return max(1, b.Len()*100/packedLimit)
}

// lifetime checks a DurationSeconds against 15 minutes and a maximum.
func lifetime(asked *int, standard, longest time.Duration) (time.Duration, error) {
	if asked == nil {
		return min(standard, longest), nil
	}
	d := time.Duration(*asked) * time.Second
	if d < 15*time.Minute {
		return 0, invalid("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900", *asked)
	}
	if d > longest {
		return 0, invalid("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to %d", *asked, int(longest/time.Second))
	}
	return d, nil
}

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

func checkName(field, value string) error {
	if !sessionName.MatchString(value) {
		return invalid(`1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]* and have length between 2 and 64`, value, field)
	}
	return nil
}

// tagContext gives the condition keys of session tags.
func tagContext(ctx map[string][]string, in []tag) map[string][]string {
	for _, t := range in {
		ctx["aws:RequestTag/"+t.Key] = []string{t.Value}
		ctx["aws:TagKeys"] = append(ctx["aws:TagKeys"], t.Key)
	}
	return ctx
}

type callerOut struct{ UserId, Account, Arn string }

func (s *STS) callerIdentity(c *core.Call, _ *core.None) (*callerOut, error) {
	return &callerOut{c.Principal.UserID, c.Principal.Account, c.Principal.ARN}, nil
}

type keyInfoIn struct{ AccessKeyId string }

type keyInfoOut struct{ Account string }

func (s *STS) accessKeyInfo(_ *core.Call, in *keyInfoIn) (*keyInfoOut, error) {
	account, ok := iam.KeyAccount(in.AccessKeyId)
	if !ok {
		return nil, invalid("%s is not a valid access key id", fmt.Sprintf("%.20q", in.AccessKeyId))
	}
	return &keyInfoOut{account}, nil
}
