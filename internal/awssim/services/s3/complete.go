package s3

import (
	"crypto/md5" // #nosec: S3's ETag
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// namedPart is a part as CompleteMultipartUpload names it.
type namedPart struct {
	PartNumber int
	ETag       string
	sums
}

func (s *Service) completeUpload(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	u, err := b.upload(c, key)
	if err != nil {
		return nil, err
	}
	var req struct {
		Parts []namedPart `xml:"Part"`
	}
	if err := parse(c.Body, &req); err != nil {
		return nil, err
	}
	if len(req.Parts) == 0 {
		return nil, malformedXML()
	}
	parts, err := u.choose(req.Parts)
	if err != nil {
		return nil, err
	}
	if err := precondition(c, b, key); err != nil {
		return nil, err
	}
	v := *u.draft
	v.modified = c.Now
	digest := md5.New() // #nosec
	for _, p := range parts {
		v.body = append(v.body, p.body...)
		v.parts = append(v.parts, partInfo{len(p.body)})
		raw, _ := hex.DecodeString(p.etag) // made by md5Hex
		digest.Write(raw)
	}
	v.etag = fmt.Sprintf("%s-%d", hex.EncodeToString(digest.Sum(nil)), len(parts))
	v.sum = u.wholeChecksum(parts, v.body)
	if want := c.Request.Header.Get(checksumHeader(u.algorithm)); want != "" && want != v.sum.value {
		return nil, core.Errorf(400, "BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToLower(u.algorithm))
	}
	delete(b.uploads, u.id)
	b.add(&v, s.versionID)
	raw, err := document(struct {
		XMLName           xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Location          string
		Bucket, Key, ETag string
		sums
	}{Location: fmt.Sprintf("https://%s.s3.%s.amazonaws.com/%s", b.name, b.region, key), Bucket: b.name, Key: key, ETag: quoted(v.etag), sums: v.sum.element()})
	if err != nil {
		return nil, err
	}
	v.sse.headers(raw.Header)
	b.versionHeader(raw.Header, &v)
	return raw, nil
}

// choose gives the parts that make up the object, in order.
func (u *upload) choose(named []namedPart) ([]*part, error) {
	// Equal numbers are out of order too.
	if !slices.IsSortedFunc(named, func(a, b namedPart) int { return a.PartNumber - b.PartNumber - 1 }) {
		return nil, core.Errorf(400, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
	}
	parts := make([]*part, 0, len(named))
	for i, n := range named {
		p := u.parts[n.PartNumber]
		sum := n.of(u.algorithm)
		if p == nil || !etagMatches(n.ETag, p.etag) || sum != "" && sum != p.sum.value {
			e := core.Errorf(400, "InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
			e.Extra = map[string]any{"UploadId": u.id, "PartNumber": n.PartNumber, "ETag": n.ETag}
			return nil, e
		}
		if i < len(named)-1 && len(p.body) < minPartSize {
			e := core.Errorf(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
			e.Extra = map[string]any{"ProposedSize": len(p.body), "MinSizeAllowed": minPartSize, "PartNumber": n.PartNumber, "ETag": p.etag}
			return nil, e
		}
		parts = append(parts, p)
	}
	return parts, nil
}
