package s3

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// bucketPolicy is a bucket's policy as put, parsed and judged.
type bucketPolicy struct {
	doc    []byte
	parsed *iameval.Policy
	public bool
}

const maxPolicy = 20 << 10

func (s *Service) getPolicy(_ *core.Call, b *bucket) (*core.Raw, error) {
	if b.policy == nil {
		return nil, noPolicy(b)
	}
	return &core.Raw{Header: http.Header{"Content-Type": {"application/json"}}, Body: b.policy.doc}, nil
}

func (s *Service) putPolicy(c *core.Call, b *bucket) (*core.Raw, error) {
	if err := verifyBody(c); err != nil {
		return nil, err
	}
	if len(c.Body) > maxPolicy {
		return nil, core.Errorf(400, "PolicyTooLarge", "Policy exceeds the maximum allowed document size.")
	}
	p, err := parsePolicy(c.Body, b.name)
	if err != nil {
		return nil, err
	}
	if p.public && s.effective(b).BlockPublicPolicy {
		return nil, denied("User: %s is not authorized to perform: s3:PutBucketPolicy on resource: %q because public policies are blocked by the BlockPublicPolicy block public access setting.",
			callerARN(c), bucketARN(b.name))
	}
	b.policy = p
	return empty(http.StatusNoContent), nil
}

func (s *Service) deletePolicy(_ *core.Call, b *bucket) (*core.Raw, error) {
	b.policy = nil
	return empty(http.StatusNoContent), nil
}

func (s *Service) policyStatus(_ *core.Call, b *bucket) (*core.Raw, error) {
	if b.policy == nil {
		return nil, noPolicy(b)
	}
	return document(struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ PolicyStatus"`
		IsPublic bool
	}{IsPublic: b.policy.public})
}

func noPolicy(b *bucket) *core.Error {
	e := core.Errorf(404, "NoSuchBucketPolicy", "The bucket policy does not exist")
	e.Extra = map[string]any{"BucketName": b.name}
	return e
}

func callerARN(c *core.Call) string {
	if c.Principal == nil {
		return "anonymous"
	}
	return c.Principal.ARN
}

// statement is as much of a policy's statement as S3 itself looks at.
type statement struct {
	Effect       string
	Principal    any
	NotPrincipal any
	Resource     stringList
	NotResource  stringList
	Condition    map[string]map[string]stringList
}

type policyDoc struct {
	Statement statementList
}

type statementList []statement

func (l *statementList) UnmarshalJSON(b []byte) error {
	var one statement
	if json.Unmarshal(b, &one) == nil {
		*l = statementList{one}
		return nil
	}
	return json.Unmarshal(b, (*[]statement)(l))
}

type stringList []string

func (l *stringList) UnmarshalJSON(b []byte) error {
	var many []any
	if json.Unmarshal(b, &many) != nil {
		var one any
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		many = []any{one}
	}
	for _, v := range many {
		*l = append(*l, fmt.Sprint(v))
	}
	return nil
}

// parsePolicy checks a policy as PutBucketPolicy does: it must parse and speak
// of this bucket only.
func parsePolicy(doc []byte, name string) (*bucketPolicy, error) {
	parsed, err := iameval.Parse(string(doc), iameval.Resource)
	var perr *iameval.ParseError
	if errors.As(err, &perr) {
		return nil, core.Errorf(400, "MalformedPolicy", "%s", perr.Reason)
	}
	if err != nil {
		return nil, fmt.Errorf("parse bucket policy: %w", err)
	}
	var d policyDoc
	if err := json.Unmarshal(doc, &d); err != nil {
		return nil, core.Errorf(400, "MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
	}
	p := &bucketPolicy{doc: doc, parsed: parsed}
	for _, st := range d.Statement {
		for _, r := range append(st.Resource, st.NotResource...) {
			b, _, ok := splitARN(r)
			if !ok || !iameval.Matches(b, name) {
				return nil, core.Errorf(400, "MalformedPolicy", "Policy has invalid resource")
			}
		}
		p.public = p.public || st.public()
	}
	return p, nil
}

// narrowing are the condition keys whose fixed values make a statement for
// everybody not public.
// Source: "The meaning of 'public'", Blocking public access to S3 storage.
var narrowing = []string{
	"aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:sourceip",
	"aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:principalaccount", "aws:userid", "aws:sourceorgid", "aws:sourceorgpaths",
	"s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
}

// public reports whether a statement lets everybody in.
func (st statement) public() bool {
	if st.Effect != "Allow" || !everybody(st.Principal) && st.NotPrincipal == nil {
		return false
	}
	for op, keys := range st.Condition {
		op = strings.ToLower(op)
		if strings.Contains(op, "not") || strings.HasSuffix(op, "ifexists") {
			continue
		}
		for k, values := range keys {
			if slices.Contains(narrowing, strings.ToLower(k)) && fixed(values) {
				return false
			}
		}
	}
	return true
}

// fixed reports whether no value is or has a wildcard, variable or the whole internet.
func fixed(values []string) bool {
	return !slices.ContainsFunc(values, func(v string) bool {
		return v == "*" || strings.Contains(v, "${") || strings.HasSuffix(v, "/0") || strings.HasPrefix(v, "*")
	})
}

func everybody(principal any) bool {
	switch p := principal.(type) {
	case string:
		return p == "*"
	case []any:
		return slices.ContainsFunc(p, everybody)
	case map[string]any:
		return everybody(p["AWS"])
	}
	return false
}
