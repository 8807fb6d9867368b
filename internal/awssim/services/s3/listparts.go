package s3

import (
	"encoding/xml"
	"sort"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type partEntry struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int
	sums
}

func (s *Service) listParts(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	u, err := b.upload(c, key)
	if err != nil {
		return nil, err
	}
	q := c.Request.URL.Query()
	most, err := queryInt(q, "max-parts", 1000, 1000)
	if err != nil {
		return nil, err
	}
	after, err := queryInt(q, "part-number-marker", 0, maxParts)
	if err != nil {
		return nil, err
	}
	out := struct {
		XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
		Bucket, Key          string
		UploadID             string `xml:"UploadId"`
		Initiator, Owner     owner
		StorageClass         string
		PartNumberMarker     int
		NextPartNumberMarker int
		MaxParts             int
		IsTruncated          bool
		ChecksumAlgorithm    string
		ChecksumType         string
		Parts                []partEntry `xml:"Part"`
	}{
		Bucket: b.name, Key: key, UploadID: u.id, Initiator: ownerOf(u.initiator), Owner: ownerOf(u.draft.owner),
		StorageClass: u.draft.class, PartNumberMarker: after, MaxParts: most, ChecksumAlgorithm: u.algorithm, ChecksumType: u.kind,
	}
	for _, n := range u.numbers() {
		if n <= after {
			continue
		}
		if len(out.Parts) == most {
			out.IsTruncated = true
			break
		}
		p := u.parts[n]
		e := p.sum.element()
		e.Type = ""
		out.Parts = append(out.Parts, partEntry{n, stamp(p.modified), quoted(p.etag), len(p.body), e})
		out.NextPartNumberMarker = n
	}
	return document(out)
}

func (u *upload) numbers() []int {
	out := make([]int, 0, len(u.parts))
	for n := range u.parts {
		out = append(out, n)
	}
	sort.Ints(out)
	return out
}
