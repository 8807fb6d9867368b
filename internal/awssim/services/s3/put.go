package s3

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// kept are the headers that S3 keeps with an object and gives back.
var kept = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires", "x-amz-website-redirect-location"}

var storageClasses = map[string]bool{
	"STANDARD": true, "REDUCED_REDUNDANCY": true, "STANDARD_IA": true, "ONEZONE_IA": true,
	"INTELLIGENT_TIERING": true, "GLACIER": true, "DEEP_ARCHIVE": true, "GLACIER_IR": true,
}

const metaPrefix = "X-Amz-Meta-"

// maxMetadata is the limit of user-defined metadata in bytes.
const maxMetadata = 2 << 10

func (s *Service) putObject(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	if err := s.fits(int64(len(c.Body))); err != nil {
		return nil, err
	}
	sum, err := verified(c)
	if err != nil {
		return nil, err
	}
	v, err := s.described(c, b, key)
	if err != nil {
		return nil, err
	}
	if err := precondition(c, b, key); err != nil {
		return nil, err
	}
	v.body, v.etag, v.sum = c.Body, md5Hex(c.Body), sum
	b.add(v, s.versionID)
	raw := empty(http.StatusOK)
	b.putHeaders(raw.Header, v)
	v.sum.header(raw.Header)
	return raw, nil
}

// putHeaders are those of every answer to writing a version.
func (b *bucket) putHeaders(h http.Header, v *version) {
	h.Set("ETag", quoted(v.etag))
	v.sse.headers(h)
	b.versionHeader(h, v)
}

func (s *Service) versionID() string { return s.w.Hex(32) }

func (s *Service) fits(size int64) error {
	if size > s.opts.MaxObject {
		e := core.Errorf(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
		e.Extra = map[string]any{"ProposedSize": size, "MaxSizeAllowed": s.opts.MaxObject}
		return e
	}
	return nil
}

// described makes a version as the request's headers describe it, without body.
func (s *Service) described(c *core.Call, b *bucket, key string) (*version, error) {
	h := c.Request.Header
	v := &version{key: key, modified: c.Now, headers: map[string]string{}, owner: b.account}
	if c.Account != nil {
		v.owner = c.Account.ID
	}
	if b.noACLs() {
		v.owner = b.account
	}
	v.class = cmp.Or(h.Get("x-amz-storage-class"), "STANDARD")
	if !storageClasses[v.class] {
		return nil, core.Errorf(400, "InvalidStorageClass", "The storage class you specified is not valid")
	}
	if err := v.describe(h); err != nil {
		return nil, err
	}
	var err error
	if v.tags, err = headerTags(h.Get("x-amz-tagging")); err != nil {
		return nil, err
	}
	if v.sse, err = b.encrypting(c); err != nil {
		return nil, err
	}
	if err := s.newACL(c, b, v); err != nil {
		return nil, err
	}
	return v, lockNew(c, b, v)
}

// describe takes over the kept headers and the metadata.
func (v *version) describe(h http.Header) error {
	v.headers = map[string]string{}
	for _, name := range kept {
		if x := h.Get(name); x != "" {
			v.headers[name] = x
		}
	}
	if enc, ok := v.headers["Content-Encoding"]; ok { // a way of sending, not a property
		v.headers["Content-Encoding"] = strings.Trim(strings.ReplaceAll(enc, "aws-chunked", ""), ", ")
		if v.headers["Content-Encoding"] == "" {
			delete(v.headers, "Content-Encoding")
		}
	}
	if v.headers["Content-Type"] == "" {
		v.headers["Content-Type"] = "binary/octet-stream"
	}
	size := 0
	for name, values := range h {
		if meta, ok := strings.CutPrefix(name, metaPrefix); ok {
			x := strings.Join(values, ",")
			v.headers["x-amz-meta-"+strings.ToLower(meta)] = x
			size += len(meta) + len(x)
		}
	}
	if size > maxMetadata {
		e := core.Errorf(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
		e.Extra = map[string]any{"Size": size, "MaxSizeAllowed": maxMetadata}
		return e
	}
	return nil
}

func headerTags(s string) ([]tag, error) {
	if s == "" {
		return nil, nil
	}
	q, err := url.ParseQuery(s)
	if err != nil {
		return nil, invalidArgument("x-amz-tagging", s, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	var tags []tag
	for k, vs := range q {
		for _, v := range vs {
			tags = append(tags, tag{k, v})
		}
	}
	return tags, checkTags(tags, 10)
}

// encrypting is how a new version is encrypted: as the request says, else as the bucket does.
func (b *bucket) encrypting(c *core.Call) (encryption, error) {
	h := c.Request.Header
	if h.Get("x-amz-server-side-encryption-customer-algorithm") != "" {
		return encryption{}, core.Errorf(501, "NotImplemented", "The simulated S3 has no encryption with customer-provided keys.")
	}
	alg, key := h.Get("x-amz-server-side-encryption"), h.Get("x-amz-server-side-encryption-aws-kms-key-id")
	e := b.encryption
	switch {
	case alg != "" && alg != "AES256" && alg != "aws:kms" && alg != "aws:kms:dsse":
		return e, core.Errorf(400, "InvalidEncryptionAlgorithmError", "The encryption request that you specified is not valid. The valid value is AES256.")
	case key != "" && !strings.HasPrefix(alg, "aws:kms"):
		return e, invalidArgument("x-amz-server-side-encryption", alg, "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
	case alg != "":
		e = encryption{algorithm: alg, keyID: key, bucketKey: h.Get("x-amz-server-side-encryption-bucket-key-enabled") == "true"}
	}
	if strings.HasPrefix(e.algorithm, "aws:kms") {
		e.keyID = keyARN(cmp.Or(e.keyID, "alias/aws/s3"), b)
	}
	return e, nil
}

// keyARN completes a KMS key's id.
func keyARN(id string, b *bucket) string {
	switch {
	case strings.HasPrefix(id, "arn:"):
		return id
	case strings.HasPrefix(id, "alias/"):
		return "arn:aws:kms:" + b.region + ":" + b.account + ":" + id
	}
	return "arn:aws:kms:" + b.region + ":" + b.account + ":key/" + id
}

func (e encryption) headers(h http.Header) {
	h.Set("x-amz-server-side-encryption", e.algorithm)
	if e.keyID != "" {
		h.Set("x-amz-server-side-encryption-aws-kms-key-id", e.keyID)
	}
	if e.bucketKey {
		h.Set("x-amz-server-side-encryption-bucket-key-enabled", "true")
	}
}

// precondition refuses a conditional write whose condition does not hold.
// Source: "Prevent object overwrites with conditional writes".
func precondition(c *core.Call, b *bucket, key string) error {
	h, v := c.Request.Header, b.current(key)
	if m := h.Get("If-None-Match"); m != "" {
		if m != "*" {
			return core.Errorf(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
		}
		if v != nil {
			return failed("If-None-Match")
		}
	}
	if m := h.Get("If-Match"); m != "" {
		if v == nil {
			return noSuchKey(key)
		}
		if !etagMatches(m, v.etag) {
			return failed("If-Match")
		}
	}
	return nil
}

func failed(condition string) *core.Error {
	e := core.Errorf(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	e.Extra = map[string]any{"Condition": condition}
	return e
}
