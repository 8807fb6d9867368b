package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// source is what x-amz-copy-source names.
type source struct {
	bucket, key, version string
}

func copySource(h http.Header) (source, bool) {
	path, query, _ := strings.Cut(h.Get("x-amz-copy-source"), "?versionId=")
	path, err := url.PathUnescape(path)
	if err != nil {
		return source{}, false
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return source{bucket, key, query}, ok && bucket != "" && key != ""
}

// sourcePermissions are what reading the source of a copy needs.
func (s *Service) sourcePermissions(c *core.Call) []core.Permission {
	src, ok := copySource(c.Request.Header)
	if !ok {
		return nil
	}
	p := core.Permission{Action: "s3:GetObject", Resource: objectARN(src.bucket, src.key), Context: s.conditions(c, src.bucket, src.key)}
	if src.version != "" {
		p.Action = "s3:GetObjectVersion"
		p.Context["s3:VersionId"] = []string{src.version}
	}
	return []core.Permission{p}
}

// sourceVersion finds the version to be copied. The source may lie in any Region.
func (s *Service) sourceVersion(c *core.Call) (*version, *bucket, error) {
	src, ok := copySource(c.Request.Header)
	if !ok {
		return nil, nil, invalidArgument("x-amz-copy-source", c.Request.Header.Get("x-amz-copy-source"), "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	b := s.buckets[src.bucket]
	if b == nil {
		return nil, nil, noSuchBucket(src.bucket)
	}
	if s.restricted(c, b) {
		return nil, nil, denied("Access Denied")
	}
	v := b.current(src.key)
	if src.version != "" {
		if v = b.find(src.key, src.version); v != nil && v.marker {
			return nil, nil, invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
		}
		if v == nil {
			return nil, nil, core.Errorf(404, "NoSuchVersion", "The specified version does not exist.")
		}
	}
	if v == nil {
		return nil, nil, noSuchKey(src.key)
	}
	return v, b, copyCondition(c.Request.Header, v)
}

// copyCondition checks the x-amz-copy-source-if-… headers; all refuse with 412.
func copyCondition(h http.Header, v *version) error {
	const pre = "x-amz-copy-source-if-"
	modified := v.modified.Truncate(time.Second)
	if m := h.Get(pre + "match"); m != "" && !etagMatches(m, v.etag) {
		return failed(pre + "match")
	}
	if m := h.Get(pre + "none-match"); m != "" && etagMatches(m, v.etag) {
		return failed(pre + "none-match")
	}
	if t, err := http.ParseTime(h.Get(pre + "unmodified-since")); err == nil && modified.After(t) {
		return failed(pre + "unmodified-since")
	}
	if t, err := http.ParseTime(h.Get(pre + "modified-since")); err == nil && !modified.After(t) {
		return failed(pre + "modified-since")
	}
	return nil
}

type copyResult struct {
	XMLName      xml.Name
	ETag         string
	LastModified string
	sums
}

func (s *Service) copyObject(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	src, from, err := s.sourceVersion(c)
	if err != nil {
		return nil, err
	}
	v, err := s.described(c, b, key)
	if err != nil {
		return nil, err
	}
	h := c.Request.Header
	replace := h.Get("x-amz-metadata-directive") == "REPLACE"
	sameClass := h.Get("x-amz-storage-class") == "" || v.class == src.class
	if from == b && src.key == key && src == b.current(key) && !replace && sameClass && h.Get("x-amz-server-side-encryption") == "" &&
		h.Get("x-amz-website-redirect-location") == "" && h.Get("x-amz-tagging-directive") != "REPLACE" {
		return nil, invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if !replace {
		v.headers = src.headers
	}
	if h.Get("x-amz-tagging-directive") != "REPLACE" {
		v.tags = src.tags
	}
	if err := precondition(c, b, key); err != nil {
		return nil, err
	}
	// A copy is one piece, whatever its source was: a plain MD5 and a checksum of the whole.
	v.body, v.etag, v.sum = src.body, md5Hex(src.body), src.sum
	if alg := strings.ToUpper(h.Get("x-amz-checksum-algorithm")); hashes[alg] != nil || src.sum.kind != fullObject {
		v.sum = wholeSum(alg, src.sum.algorithm, src.body)
	}
	b.add(v, s.versionID)
	raw, err := document(copyResult{
		XMLName: xml.Name{Space: namespace, Local: "CopyObjectResult"},
		ETag:    quoted(v.etag), LastModified: stamp(v.modified), sums: v.sum.element(),
	})
	if err != nil {
		return nil, err
	}
	v.sse.headers(raw.Header)
	b.versionHeader(raw.Header, v)
	if from.versioned() {
		raw.Header.Set("x-amz-copy-source-version-id", src.id)
	}
	return raw, nil
}

// wholeSum is the checksum of a whole body by the first known algorithm.
func wholeSum(wanted, otherwise string, body []byte) checksum {
	for _, a := range []string{wanted, otherwise, "CRC64NVME"} {
		if hashes[a] != nil {
			return checksum{a, base64.StdEncoding.EncodeToString(sumOf(a, body)), fullObject}
		}
	}
	return checksum{}
}
