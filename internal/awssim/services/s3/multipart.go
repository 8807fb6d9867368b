package s3

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const (
	maxParts    = 10000
	minPartSize = 5 << 20 // of every part but the last
)

// upload is a multipart upload under way.
type upload struct {
	id, key   string
	started   time.Time
	draft     *version // the object to be, without body
	initiator string
	algorithm string // checksum that was asked for, or ""
	kind      string // composite or fullObject
	parts     map[int]*part
}

// part is one uploaded part.
type part struct {
	number   int
	body     []byte
	etag     string
	modified time.Time
	sum      checksum
}

// partInfo is what is kept of a part in the finished object.
type partInfo struct {
	size int
}

func (s *Service) createUpload(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	v, err := s.described(c, b, key)
	if err != nil {
		return nil, err
	}
	h := c.Request.Header
	u := &upload{
		id: s.w.Hex(64), key: key, started: c.Now, draft: v, initiator: v.owner, parts: map[int]*part{},
		algorithm: strings.ToUpper(h.Get("x-amz-checksum-algorithm")), kind: strings.ToUpper(h.Get("x-amz-checksum-type")),
	}
	if err := u.chooseChecksum(); err != nil {
		return nil, err
	}
	b.uploads[u.id] = u
	raw, err := document(struct {
		XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket, Key string
		UploadID    string `xml:"UploadId"`
	}{Bucket: b.name, Key: key, UploadID: u.id})
	if err != nil {
		return nil, err
	}
	v.sse.headers(raw.Header)
	if h.Get("x-amz-checksum-algorithm") != "" {
		raw.Header.Set("x-amz-checksum-algorithm", u.algorithm)
		raw.Header.Set("x-amz-checksum-type", u.kind)
	}
	return raw, nil
}

// chooseChecksum settles algorithm and type. CRC-64/NVME is of the whole object
// only, SHA of the parts only, and the others of the parts unless asked otherwise.
func (u *upload) chooseChecksum() error {
	sha := strings.HasPrefix(u.algorithm, "SHA")
	switch {
	case u.algorithm != "" && hashes[u.algorithm] == nil:
		return invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	case u.algorithm == "CRC64NVME" && u.kind == composite, sha && u.kind == fullObject:
		return invalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", u.kind, strings.ToLower(u.algorithm))
	case u.algorithm == "":
		u.algorithm, u.kind = "CRC64NVME", fullObject
	case u.algorithm == "CRC64NVME":
		u.kind = fullObject
	default:
		u.kind = cmp.Or(u.kind, composite)
	}
	return nil
}

// upload finds the upload that a request names.
func (b *bucket) upload(c *core.Call, key string) (*upload, error) {
	id := c.Request.URL.Query().Get("uploadId")
	u := b.uploads[id]
	if u == nil || u.key != key {
		e := core.Errorf(404, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
		e.Extra = map[string]any{"UploadId": id}
		return nil, e
	}
	return u, nil
}

// put adds a part, in place of an earlier one of the same number.
func (s *Service) putPart(c *core.Call, u *upload, body []byte, sum checksum) (*part, error) {
	raw := c.Request.URL.Query().Get("partNumber")
	n, ok := atoi(raw)
	if !ok || n < 1 || n > maxParts {
		return nil, invalidArgument("partNumber", raw, "Part number must be an integer between 1 and 10000, inclusive")
	}
	total := int64(len(body))
	for i, p := range u.parts {
		if i != n {
			total += int64(len(p.body))
		}
	}
	if err := s.fits(total); err != nil {
		return nil, err
	}
	p := &part{number: n, body: body, etag: md5Hex(body), modified: c.Now, sum: sum}
	u.parts[n] = p
	return p, nil
}

func (s *Service) uploadPart(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	u, err := b.upload(c, key)
	if err != nil {
		return nil, err
	}
	sum, err := verified(c)
	if err != nil {
		return nil, err
	}
	if sum.algorithm != u.algorithm {
		if alg, _, _ := claimed(c.Request); alg != "" && u.kind == composite {
			return nil, invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", strings.ToLower(u.algorithm), strings.ToLower(alg))
		}
		sum = wholeSum(u.algorithm, "", c.Body)
	}
	p, err := s.putPart(c, u, c.Body, sum)
	if err != nil {
		return nil, err
	}
	raw := empty(http.StatusOK)
	raw.Header.Set("ETag", quoted(p.etag))
	raw.Header.Set(checksumHeader(sum.algorithm), sum.value)
	u.draft.sse.headers(raw.Header)
	return raw, nil
}

func (s *Service) uploadPartCopy(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	u, err := b.upload(c, key)
	if err != nil {
		return nil, err
	}
	src, from, err := s.sourceVersion(c)
	if err != nil {
		return nil, err
	}
	body := src.body
	if spec := c.Request.Header.Get("x-amz-copy-source-range"); spec != "" {
		first, last, _ := strings.Cut(strings.TrimPrefix(spec, "bytes="), "-")
		a, ok1 := atoi(first)
		z, ok2 := atoi(last)
		if !ok1 || !ok2 || a > z || z >= len(body) {
			return nil, invalidArgument("x-amz-copy-source-range", spec, "Range specified is not valid for source object of size: %d", len(body))
		}
		body = body[a : z+1]
	}
	p, err := s.putPart(c, u, body, wholeSum(u.algorithm, "", body))
	if err != nil {
		return nil, err
	}
	raw, err := document(copyResult{
		XMLName: xml.Name{Space: namespace, Local: "CopyPartResult"},
		ETag:    quoted(p.etag), LastModified: stamp(p.modified), sums: p.sum.element(),
	})
	if err == nil && from.versioned() {
		raw.Header.Set("x-amz-copy-source-version-id", src.id)
	}
	return raw, err
}

func (s *Service) abortUpload(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	u, err := b.upload(c, key)
	if err != nil {
		return nil, err
	}
	delete(b.uploads, u.id)
	return empty(http.StatusNoContent), nil
}

// wholeChecksum is the checksum of the finished object.
func (u *upload) wholeChecksum(parts []*part, body []byte) checksum {
	if u.kind == fullObject {
		return wholeSum(u.algorithm, "", body)
	}
	var all []byte
	for _, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.sum.value)
		if err != nil {
			return checksum{} // values are made by sumOf
		}
		all = append(all, raw...)
	}
	value := base64.StdEncoding.EncodeToString(sumOf(u.algorithm, all)) + "-" + strconv.Itoa(len(parts))
	return checksum{u.algorithm, value, composite}
}
