package s3

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// bucketIn is the input of a bucket's operations: everything else is read from
// the request itself. Its names are those of CloudTrail's requestParameters.
type bucketIn struct {
	Bucket string `path:"Bucket" trail:"bucketName"`
}

// objectIn is the input of an object's operations.
type objectIn struct {
	Bucket string `path:"Bucket" trail:"bucketName"`
	Key    string `path:"Key" trail:"key"`
}

// onBucket makes an operation on an existing bucket that needs one IAM action on it.
func (s *Service) onBucket(name, action string, h func(*core.Call, *bucket) (*core.Raw, error), opts ...core.Option) core.Op {
	opts = append(opts, core.Anonymous, core.Needs(func(c *core.Call, in *bucketIn) []core.Permission {
		return s.unlessMisdirected(c, in.Bucket, core.Permission{
			Action: "s3:" + action, Resource: bucketARN(in.Bucket), Context: s.conditions(c, in.Bucket, ""),
			Unlocked: strings.HasSuffix(action, "BucketPolicy") && s.ownersRoot(c, in.Bucket),
		})
	}))
	return core.Handle(name, func(c *core.Call, in *bucketIn) (*core.Raw, error) {
		b, err := s.open(c, in.Bucket)
		if err != nil {
			return nil, err
		}
		return h(c, b)
	}, opts...)
}

// ownersRoot reports whether the caller is root of the account that owns a
// bucket: it can read, put and delete the bucket's policy whatever that says.
// Source: DeleteBucketPolicy, "to ensure that bucket owners don't inadvertently
// lock themselves out".
func (s *Service) ownersRoot(c *core.Call, name string) bool {
	b := s.buckets[name]
	return b != nil && c.Principal != nil && c.Principal.ARN == "arn:aws:iam::"+b.account+":root"
}

// onObject makes an operation on a key of an existing bucket. actions gives the
// IAM actions that the request needs on the object.
func (s *Service) onObject(name string, actions func(*core.Call) []string, h func(*core.Call, *bucket, string) (*core.Raw, error), opts ...core.Option) core.Op {
	opts = append(opts, core.Data, core.Anonymous, core.Needs(func(c *core.Call, in *objectIn) []core.Permission {
		var perms []core.Permission
		for _, a := range actions(c) {
			perms = append(perms, core.Permission{
				Action: "s3:" + a, Resource: objectARN(in.Bucket, in.Key), Context: s.conditions(c, in.Bucket, in.Key),
			})
		}
		return s.unlessMisdirected(c, in.Bucket, append(perms, s.sourcePermissions(c)...)...)
	}))
	return core.Handle(name, func(c *core.Call, in *objectIn) (*core.Raw, error) {
		b, err := s.open(c, in.Bucket)
		if err != nil {
			return nil, err
		}
		if len(in.Key) > 1024 {
			return nil, core.Errorf(400, "KeyTooLongError", "Your key is too long")
		}
		return h(c, b, in.Key)
	}, opts...)
}

// unlessMisdirected gives the permissions, or none where S3 answers before it
// looks at them: a bucket in another Region, and a missing one for anonymous
// callers. open refuses both.
func (s *Service) unlessMisdirected(c *core.Call, name string, perms ...core.Permission) []core.Permission {
	b := s.buckets[name]
	if b == nil && c.Principal == nil || b != nil && s.redirect(c, b) != nil {
		return nil
	}
	return perms
}

// open finds the bucket of a request that was sent to the right place by
// somebody whom the public access block does not keep out.
func (s *Service) open(c *core.Call, name string) (*bucket, error) {
	b := s.buckets[name]
	if b == nil {
		return nil, noSuchBucket(name)
	}
	if e := s.redirect(c, b); e != nil {
		return nil, e
	}
	if want := c.Request.Header.Get("x-amz-expected-bucket-owner"); want != "" && want != b.account {
		return nil, denied("Access Denied")
	}
	if s.restricted(c, b) {
		return nil, denied("Access Denied")
	}
	c.TrailResources = append(c.TrailResources, core.TrailResource{
		ARN: bucketARN(name), AccountID: b.account, Type: "AWS::S3::Bucket", Name: name,
	})
	return b, nil
}

// redirect refuses a request that went to another Region than the bucket's.
// Source: "Amazon S3 request redirection" and the error reference: a regional
// endpoint answers PermanentRedirect, the global one complains of the Region in
// the signature. us-east-1 answers GetBucketLocation for every bucket.
func (s *Service) redirect(c *core.Call, b *bucket) *core.Error {
	if c.Principal == nil || c.Region == b.region || c.Op.Name == "GetBucketLocation" && c.Region == "us-east-1" {
		return nil
	}
	var e *core.Error
	if region, aws := endpointRegion(c.Request.Host); aws && region == "" {
		e = core.Errorf(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region '%s' is wrong; expecting '%s'", c.Region, b.region)
		e.Extra = map[string]any{"Region": b.region}
	} else {
		e = core.Errorf(301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.")
		e.Extra = map[string]any{"Endpoint": fmt.Sprintf("%s.s3.%s.amazonaws.com", b.name, b.region), "Bucket": b.name}
	}
	e.Header = http.Header{"X-Amz-Bucket-Region": {b.region}}
	return e
}

// conditions are S3's condition keys of a request.
// Source: "Condition keys for Amazon S3", Service Authorization Reference.
func (s *Service) conditions(c *core.Call, name, key string) map[string][]string {
	m := map[string][]string{"s3:signatureversion": {"AWS4-HMAC-SHA256"}, "s3:authType": {"REST-HEADER"}}
	q, h := c.Request.URL.Query(), c.Request.Header
	if q.Has("X-Amz-Signature") {
		m["s3:authType"] = []string{"REST-QUERY-STRING"}
	}
	for param, cond := range map[string]string{
		"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys", "versionId": "s3:VersionId",
	} {
		if q.Has(param) {
			m[cond] = []string{q.Get(param)}
		}
	}
	for _, header := range []string{
		"x-amz-acl", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-storage-class",
		"x-amz-copy-source", "x-amz-metadata-directive", "x-amz-content-sha256", "x-amz-object-ownership", "x-amz-website-redirect-location",
	} {
		if v := h.Get(header); v != "" {
			m["s3:"+header] = []string{v}
		}
	}
	for header, cond := range map[string]string{
		"x-amz-object-lock-mode": "s3:object-lock-mode", "x-amz-object-lock-retain-until-date": "s3:object-lock-retain-until-date",
		"x-amz-object-lock-legal-hold": "s3:object-lock-legal-hold", "If-None-Match": "s3:if-none-match", "If-Match": "s3:if-match",
	} {
		if v := h.Get(header); v != "" {
			m[cond] = []string{v}
		}
	}
	if tags, err := url.ParseQuery(h.Get("x-amz-tagging")); err == nil {
		for k, v := range tags {
			m["s3:RequestObjectTag/"+k] = v
			m["s3:RequestObjectTagKeys"] = append(m["s3:RequestObjectTagKeys"], k)
		}
	}
	b := s.buckets[name]
	if b == nil {
		return m
	}
	m["s3:ResourceAccount"], m["aws:ResourceAccount"] = []string{b.account}, []string{b.account}
	if v := b.current(key); v != nil {
		for _, t := range v.tags {
			m["s3:ExistingObjectTag/"+t.Key] = []string{t.Value}
		}
	}
	return m
}

// queryInt reads an integer parameter of the query, within [0, most].
func queryInt(q url.Values, name string, otherwise, most int) (int, error) {
	s := q.Get(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, invalidArgument(name, s, "Provided %s not an integer or within integer range", name)
	}
	return min(n, most), nil
}
