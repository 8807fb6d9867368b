package s3

import (
	"encoding/xml"
	"iter"
	"slices"
	"sort"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// history gives all versions after (key, version id), keys in order, newest
// version first. With a key only, the whole key is behind.
func (b *bucket) history(prefix, key, versionID string) iter.Seq[entry[*version]] {
	return func(yield func(entry[*version]) bool) {
		if versionID != "" {
			vs := b.versions[key]
			i := slices.IndexFunc(vs, func(v *version) bool { return v.id == versionID })
			for _, v := range vs[i+1:] { // a version gone since: the key from its start
				if !yield(entry[*version]{key, v}) {
					return
				}
			}
		}
		for _, k := range from(b.keys, prefix, key) {
			for _, v := range b.versions[k] {
				if !yield(entry[*version]{k, v}) {
					return
				}
			}
		}
	}
}

// versionEntry is a Version or a DeleteMarker: the element's name tells which.
type versionEntry struct {
	XMLName           xml.Name
	Key               string
	VersionID         string `xml:"VersionId"`
	IsLatest          bool
	LastModified      string
	ETag              string `xml:",omitempty"`
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              *int
	StorageClass      string `xml:",omitempty"`
	Owner             owner
}

func (b *bucket) versionEntry(q query, v *version) versionEntry {
	e := versionEntry{
		XMLName: xml.Name{Local: "Version"}, Key: q.enc(v.key), VersionID: v.id, IsLatest: b.versions[v.key][0] == v,
		LastModified: stamp(v.modified), Owner: ownerOf(v.owner),
	}
	if v.marker {
		e.XMLName.Local = "DeleteMarker"
		return e
	}
	n := len(v.body)
	e.ETag, e.Size, e.StorageClass = quoted(v.etag), &n, v.class
	e.ChecksumAlgorithm, e.ChecksumType = v.sum.algorithm, v.sum.kind
	return e
}

func (s *Service) listVersions(c *core.Call, b *bucket) (*core.Raw, error) {
	v := c.Request.URL.Query()
	q, err := readQuery(v, "max-keys")
	if err != nil {
		return nil, err
	}
	key, id := v.Get("key-marker"), v.Get("version-id-marker")
	if id != "" && key == "" {
		return nil, invalidArgument("version-id-marker", id, "A version-id marker cannot be specified without a key marker.")
	}
	p := list(b.history(q.prefix, key, id), q, key)
	out := struct {
		XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
		Name                string
		Prefix              string
		KeyMarker           string
		VersionIDMarker     string `xml:"VersionIdMarker"`
		NextKeyMarker       string `xml:",omitempty"`
		NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
		MaxKeys             int
		Delimiter           string `xml:",omitempty"`
		EncodingType        string `xml:",omitempty"`
		IsTruncated         bool
		Versions            []versionEntry
		CommonPrefixes      []commonPrefix
	}{
		Name: b.name, Prefix: q.enc(q.prefix), KeyMarker: q.enc(key), VersionIDMarker: id, MaxKeys: q.max,
		Delimiter: q.enc(q.delimiter), EncodingType: q.encodingType(), IsTruncated: p.truncated,
		CommonPrefixes: q.commonPrefixes(p.prefixes),
	}
	for _, e := range p.items {
		out.Versions = append(out.Versions, b.versionEntry(q, e.item))
	}
	if p.truncated {
		out.NextKeyMarker = q.enc(p.last)
		if p.lastItem != nil {
			out.NextVersionIDMarker = (*p.lastItem).id
		}
	}
	return document(out)
}

// pending gives the uploads after (key, upload id), by key and then by start.
func (b *bucket) pending(key, uploadID string) iter.Seq[entry[*upload]] {
	all := make([]*upload, 0, len(b.uploads))
	for _, u := range b.uploads {
		all = append(all, u)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].before(all[j]) })
	mark := b.uploads[uploadID]
	return func(yield func(entry[*upload]) bool) {
		for _, u := range all {
			behind := u.key <= key
			if mark != nil && mark.key == key && u.key == key {
				behind = !mark.before(u)
			}
			if !behind && !yield(entry[*upload]{u.key, u}) {
				return
			}
		}
	}
}

func (u *upload) before(v *upload) bool {
	switch {
	case u.key != v.key:
		return u.key < v.key
	case !u.started.Equal(v.started):
		return u.started.Before(v.started)
	}
	return u.id < v.id
}

type uploadEntry struct {
	Key               string
	UploadID          string `xml:"UploadId"`
	Initiator         owner
	Owner             owner
	StorageClass      string
	Initiated         string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

func (s *Service) listUploads(c *core.Call, b *bucket) (*core.Raw, error) {
	v := c.Request.URL.Query()
	q, err := readQuery(v, "max-uploads")
	if err != nil {
		return nil, err
	}
	key, id := v.Get("key-marker"), v.Get("upload-id-marker")
	if key == "" {
		id = "" // ignored without a key marker
	}
	p := list(b.pending(key, id), q, key)
	out := struct {
		XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
		Bucket             string
		KeyMarker          string
		UploadIDMarker     string `xml:"UploadIdMarker"`
		NextKeyMarker      string `xml:",omitempty"`
		NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
		Prefix             string
		Delimiter          string `xml:",omitempty"`
		EncodingType       string `xml:",omitempty"`
		MaxUploads         int
		IsTruncated        bool
		Uploads            []uploadEntry `xml:"Upload"`
		CommonPrefixes     []commonPrefix
	}{
		Bucket: b.name, KeyMarker: q.enc(key), UploadIDMarker: id, Prefix: q.enc(q.prefix), Delimiter: q.enc(q.delimiter),
		EncodingType: q.encodingType(), MaxUploads: q.max, IsTruncated: p.truncated, CommonPrefixes: q.commonPrefixes(p.prefixes),
	}
	for _, e := range p.items {
		u := e.item
		out.Uploads = append(out.Uploads, uploadEntry{
			Key: q.enc(u.key), UploadID: u.id, Initiator: ownerOf(u.initiator), Owner: ownerOf(u.draft.owner), StorageClass: u.draft.class,
			Initiated: stamp(u.started), ChecksumAlgorithm: u.algorithm, ChecksumType: u.kind,
		})
	}
	if p.truncated {
		out.NextKeyMarker = q.enc(p.last)
		if p.lastItem != nil {
			out.NextUploadIDMarker = (*p.lastItem).id
		}
	}
	return document(out)
}
