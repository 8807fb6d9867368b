package s3

import (
	"encoding/base64"
	"encoding/xml"
	"iter"
	"net/url"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type objectEntry struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              int
	Owner             *owner
	StorageClass      string
}

// objects gives the current versions after a key, in order.
func (b *bucket) objects(prefix, after string) iter.Seq[entry[*version]] {
	return func(yield func(entry[*version]) bool) {
		for _, k := range from(b.keys, prefix, after) {
			if v := b.current(k); v != nil && !yield(entry[*version]{k, v}) {
				return
			}
		}
	}
}

func (q query) objectEntries(es []entry[*version], withOwner bool) []objectEntry {
	out := make([]objectEntry, len(es))
	for i, e := range es {
		v := e.item
		out[i] = objectEntry{
			Key: q.enc(e.key), LastModified: stamp(v.modified), ETag: quoted(v.etag), Size: len(v.body), StorageClass: v.class,
			ChecksumAlgorithm: v.sum.algorithm, ChecksumType: v.sum.kind,
		}
		if withOwner {
			o := ownerOf(v.owner)
			out[i].Owner = &o
		}
	}
	return out
}

func (s *Service) listObjects(c *core.Call, b *bucket) (*core.Raw, error) {
	v := c.Request.URL.Query()
	q, err := readQuery(v, "max-keys")
	if err != nil {
		return nil, err
	}
	marker := v.Get("marker")
	p := list(b.objects(q.prefix, marker), q, marker)
	next := ""
	if p.truncated && q.delimiter != "" { // without a delimiter the client takes the last key
		next = q.enc(p.last)
	}
	return document(struct {
		XMLName        xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name           string
		Prefix         string
		Marker         string
		NextMarker     string `xml:",omitempty"`
		MaxKeys        int
		Delimiter      string `xml:",omitempty"`
		EncodingType   string `xml:",omitempty"`
		IsTruncated    bool
		Contents       []objectEntry
		CommonPrefixes []commonPrefix
	}{
		Name: b.name, Prefix: q.enc(q.prefix), Marker: q.enc(marker), NextMarker: next, MaxKeys: q.max,
		Delimiter: q.enc(q.delimiter), EncodingType: q.encodingType(), IsTruncated: p.truncated,
		Contents: q.objectEntries(p.items, true), CommonPrefixes: q.commonPrefixes(p.prefixes),
	})
}

func (s *Service) listObjectsV2(c *core.Call, b *bucket) (*core.Raw, error) {
	v := c.Request.URL.Query()
	q, err := readQuery(v, "max-keys")
	if err != nil {
		return nil, err
	}
	after, err := continued(v)
	if err != nil {
		return nil, err
	}
	p := list(b.objects(q.prefix, after), q, after)
	next := ""
	if p.truncated {
		next = base64.RawURLEncoding.EncodeToString([]byte(p.last))
	}
	return document(struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name                  string
		Prefix                string
		StartAfter            string `xml:",omitempty"`
		ContinuationToken     string `xml:",omitempty"`
		NextContinuationToken string `xml:",omitempty"`
		KeyCount              int
		MaxKeys               int
		Delimiter             string `xml:",omitempty"`
		EncodingType          string `xml:",omitempty"`
		IsTruncated           bool
		Contents              []objectEntry
		CommonPrefixes        []commonPrefix
	}{
		Name: b.name, Prefix: q.enc(q.prefix), StartAfter: q.enc(v.Get("start-after")), ContinuationToken: v.Get("continuation-token"),
		NextContinuationToken: next, KeyCount: len(p.items) + len(p.prefixes), MaxKeys: q.max, Delimiter: q.enc(q.delimiter),
		EncodingType: q.encodingType(), IsTruncated: p.truncated,
		Contents:       q.objectEntries(p.items, v.Get("fetch-owner") == "true"),
		CommonPrefixes: q.commonPrefixes(p.prefixes),
	})
}

// continued is where a page of ListObjectsV2 begins: a continuation token beats
// start-after.
func continued(v url.Values) (string, error) {
	if !v.Has("continuation-token") {
		return v.Get("start-after"), nil
	}
	last, err := base64.RawURLEncoding.DecodeString(v.Get("continuation-token"))
	if err != nil || len(last) == 0 {
		return "", invalidArgument("continuation-token", v.Get("continuation-token"), "The continuation token provided is incorrect")
	}
	return string(last), nil
}
