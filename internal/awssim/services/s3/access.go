package s3

import (
	"encoding/json"
	"fmt"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// resourcePolicy tells the pipeline what a bucket's policy and the ACLs of
// bucket and object grant. ACLs are told as statements of the policy, which is
// how S3 weighs them: an Allow that any Deny beats.
func (s *Service) resourcePolicy(arn string) (*core.ResourcePolicy, string) {
	name, key, ok := splitARN(arn)
	b := s.buckets[name]
	if !ok || b == nil {
		return nil, ""
	}
	statements := s.aclStatements(b, key)
	if len(statements) == 0 {
		if b.policy == nil {
			return nil, b.account
		}
		return &core.ResourcePolicy{ARN: bucketARN(name), Policy: b.policy.parsed}, b.account
	}
	merged, err := merge(b.policy, statements)
	if err != nil {
		// A merged policy is made of parsed parts; failing to join them must
		// never open anything.
		return &core.ResourcePolicy{ARN: bucketARN(name), Policy: closed}, b.account
	}
	return &core.ResourcePolicy{ARN: bucketARN(name), Policy: merged}, b.account
}

// closed denies everybody everything.
var closed = func() *iameval.Policy {
	p, err := iameval.Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}`, iameval.Resource)
	if err != nil {
		panic(err) // a constant
	}
	return p
}()

type rawStatement map[string]any

func merge(p *bucketPolicy, more []rawStatement) (*iameval.Policy, error) {
	doc := map[string]any{"Version": "2012-10-17"}
	var statements []any
	if p != nil {
		doc = map[string]any{}
		if err := json.Unmarshal(p.doc, &doc); err != nil {
			return nil, fmt.Errorf("bucket policy: %w", err)
		}
		switch v := doc["Statement"].(type) {
		case []any:
			statements = v
		default:
			statements = []any{v}
		}
	}
	for _, m := range more {
		statements = append(statements, m)
	}
	doc["Statement"] = statements
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("merged policy: %w", err)
	}
	return iameval.Parse(string(text), iameval.Resource)
}

// Actions that ACL permissions stand for. Source: "Mapping of ACL permissions
// and access policy permissions".
var (
	bucketGrants = map[string][]string{
		"READ":  {"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"},
		"WRITE": {"s3:PutObject", "s3:DeleteObject"}, "READ_ACP": {"s3:GetBucketAcl"}, "WRITE_ACP": {"s3:PutBucketAcl"},
	}
	objectGrants = map[string][]string{
		"READ": {"s3:GetObject", "s3:GetObjectVersion"}, "READ_ACP": {"s3:GetObjectAcl", "s3:GetObjectVersionAcl"},
		"WRITE_ACP": {"s3:PutObjectAcl", "s3:PutObjectVersionAcl"},
	}
)

// aclStatements says what the ACLs of a bucket, and of a key's current version,
// grant to others than the owner.
func (s *Service) aclStatements(b *bucket, key string) []rawStatement {
	if b.noACLs() {
		return nil
	}
	var out []rawStatement
	ignore := s.effective(b).IgnorePublicAcls
	add := func(acl []grant, actions map[string][]string, resource string) {
		for _, g := range acl {
			st := s.grantee(g, b.account, ignore)
			if st == nil {
				continue
			}
			perms := []string{g.permission}
			if g.permission == "FULL_CONTROL" {
				perms = aclPermissions[1:]
			}
			var list []string
			for _, p := range perms {
				list = append(list, actions[p]...)
			}
			if len(list) > 0 {
				st["Effect"], st["Action"], st["Resource"] = "Allow", list, resource
				out = append(out, st)
			}
		}
	}
	if key == "" {
		add(b.acl, bucketGrants, bucketARN(b.name))
		return out
	}
	add(b.acl, map[string][]string{"WRITE": bucketGrants["WRITE"]}, objectARN(b.name, "*"))
	if v := b.current(key); v != nil {
		add(v.acl, objectGrants, objectARN(b.name, "*"))
	}
	return out
}

// grantee is the Principal (and Condition) of a grant, nil for the owner and for
// public grants that are ignored.
func (s *Service) grantee(g grant, bucketOwner string, ignorePublic bool) rawStatement {
	switch {
	case g.uri == allUsers && !ignorePublic:
		return rawStatement{"Principal": "*"}
	case g.uri == authenticatedUsers && !ignorePublic:
		return rawStatement{"Principal": "*", "Condition": map[string]any{
			"StringNotEquals": map[string]any{"aws:PrincipalType": "Anonymous"},
		}}
	case g.uri != "":
		return nil
	}
	for _, a := range s.w.Accounts() {
		if a.ID != bucketOwner && canonicalID(a.ID) == g.id {
			return rawStatement{"Principal": map[string]any{"AWS": a.ID}}
		}
	}
	return nil
}
