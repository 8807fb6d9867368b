package s3

import (
	"net/http"
	"slices"
	"sort"
	"time"
)

// Versioning states of a bucket.
const (
	versioningOff       = ""
	versioningEnabled   = "Enabled"
	versioningSuspended = "Suspended"
)

// nullVersion is the id of versions made while versioning was not enabled.
const nullVersion = "null"

// bucket is one bucket and all that is in it.
type bucket struct {
	name, account, region string
	created               time.Time

	keys     []string              // sorted: every key that has a version
	versions map[string][]*version // newest first; never an empty list
	uploads  map[string]*upload    // by upload id

	configs    map[string][]byte // subresource -> document as it was put
	versioning string
	ownership  string // ObjectOwnership; "" once the controls were deleted
	block      *publicAccessBlock
	lock       *lockDefaults // nil: object lock is not enabled
	encryption encryption
	policy     *bucketPolicy
	acl        []grant
	lifecycle  string // x-amz-transition-default-minimum-object-size
}

// version is one version of an object, or a delete marker.
type version struct {
	key, id  string
	marker   bool
	modified time.Time

	body     []byte
	etag     string            // without quotes
	headers  map[string]string // Content-Type and its like, and x-amz-meta-*
	class    string            // storage class
	sse      encryption
	tags     []tag
	sum      checksum
	parts    []partInfo // of a multipart upload
	owner    string     // account
	acl      []grant
	mode     string // GOVERNANCE or COMPLIANCE
	retained time.Time
	hold     bool
}

// encryption is how a version is encrypted, or a bucket by default.
type encryption struct {
	algorithm string // AES256, aws:kms
	keyID     string
	bucketKey bool
}

type tag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

// current is the newest version of a key, nil when there is none or it is a
// delete marker.
func (b *bucket) current(key string) *version {
	vs := b.versions[key]
	if len(vs) == 0 || vs[0].marker {
		return nil
	}
	return vs[0]
}

// find is the version of a key with an id, or nil.
func (b *bucket) find(key, id string) *version {
	for _, v := range b.versions[key] {
		if v.id == id {
			return v
		}
	}
	return nil
}

// add puts a version on top, as the bucket's versioning has it: where versioning
// is not enabled it takes the place of the null version.
func (b *bucket) add(v *version, newID func() string) {
	if b.versioning == versioningEnabled {
		v.id = newID()
	} else {
		v.id = nullVersion
		if old := b.find(v.key, nullVersion); old != nil {
			b.remove(old)
		}
	}
	if len(b.versions[v.key]) == 0 {
		i := sort.SearchStrings(b.keys, v.key)
		b.keys = slices.Insert(b.keys, i, v.key)
	}
	b.versions[v.key] = slices.Insert(b.versions[v.key], 0, v)
}

// remove takes one version away for good.
func (b *bucket) remove(v *version) {
	left := slices.DeleteFunc(b.versions[v.key], func(x *version) bool { return x == v })
	if len(left) > 0 {
		b.versions[v.key] = left
		return
	}
	delete(b.versions, v.key)
	if i := sort.SearchStrings(b.keys, v.key); i < len(b.keys) && b.keys[i] == v.key {
		b.keys = slices.Delete(b.keys, i, i+1)
	}
}

func (b *bucket) versionCount() int {
	n := 0
	for _, vs := range b.versions {
		n += len(vs)
	}
	return n
}

// versioned reports whether answers carry x-amz-version-id.
func (b *bucket) versioned() bool { return b.versioning != versioningOff }

// versionHeader puts x-amz-version-id where AWS does.
func (b *bucket) versionHeader(h http.Header, v *version) {
	if b.versioned() {
		h.Set("x-amz-version-id", v.id)
	}
}
