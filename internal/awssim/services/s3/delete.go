package s3

import (
	"encoding/xml"
	"errors"
	"net/http"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// deleted says what a deletion did.
type deleted struct {
	marker    bool   // a delete marker was made or removed
	versionID string // of the version removed, or of the marker
}

// drop deletes a key or one version of it.
func (s *Service) drop(c *core.Call, b *bucket, key, versionID string) (deleted, error) {
	if versionID != "" {
		v := b.find(key, versionID)
		if v == nil {
			return deleted{versionID: versionID}, nil // gone is success
		}
		if v.locked(c.Now, bypass(c, b, v)) {
			return deleted{}, protected()
		}
		b.remove(v)
		return deleted{v.marker, versionID}, nil
	}
	if b.versioning == versioningOff {
		if v := b.find(key, nullVersion); v != nil {
			b.remove(v)
		}
		return deleted{}, nil
	}
	marker := &version{key: key, marker: true, modified: c.Now, owner: b.account}
	b.add(marker, s.versionID)
	return deleted{true, marker.id}, nil
}

func (s *Service) deleteObject(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	if m := c.Request.Header.Get("If-Match"); m != "" {
		v := b.current(key)
		if v == nil {
			return nil, noSuchKey(key)
		}
		if !etagMatches(m, v.etag) {
			return nil, failed("If-Match")
		}
	}
	d, err := s.drop(c, b, key, c.Request.URL.Query().Get("versionId"))
	if err != nil {
		return nil, err
	}
	raw := empty(http.StatusNoContent)
	if d.marker {
		raw.Header.Set("x-amz-delete-marker", "true")
	}
	if d.versionID != "" {
		raw.Header.Set("x-amz-version-id", d.versionID)
	}
	return raw, nil
}

// maxDelete is how many keys one DeleteObjects may name.
const maxDelete = 1000

type deleteResult struct {
	XMLName xml.Name        `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedEntry  `xml:"Deleted"`
	Errors  []deleteFailure `xml:"Error"`
}

type deletedEntry struct {
	Key                   string
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

type deleteFailure struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
	Code      string
	Message   string
}

// deleteObjects deletes many keys; what may not or cannot be deleted is told
// key by key, in an answer of status 200.
func (s *Service) deleteObjects(c *core.Call, in *bucketIn) (*core.Raw, error) {
	b, err := s.open(c, in.Bucket)
	if err != nil {
		return nil, err
	}
	if err := verifyBody(c); err != nil {
		return nil, err
	}
	if alg, _, _ := claimed(c.Request); alg == "" && c.Request.Header.Get("Content-MD5") == "" && c.Request.Header.Get("x-amz-trailer") == "" {
		return nil, invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	var req struct {
		Quiet   bool
		Objects []struct {
			Key       string
			VersionID string `xml:"VersionId"`
			ETag      string
		} `xml:"Object"`
	}
	if err := parse(c.Body, &req); err != nil {
		return nil, err
	}
	if len(req.Objects) == 0 || len(req.Objects) > maxDelete {
		return nil, malformedXML()
	}
	var out deleteResult
	for _, o := range req.Objects {
		d, err := s.dropAllowed(c, b, o.Key, o.VersionID)
		var refused *core.Error
		switch {
		case errors.As(err, &refused):
			out.Errors = append(out.Errors, deleteFailure{o.Key, o.VersionID, refused.Code, refused.Message})
		case err != nil:
			return nil, err
		case !req.Quiet:
			e := deletedEntry{Key: o.Key, VersionID: o.VersionID, DeleteMarker: d.marker}
			if d.marker {
				e.DeleteMarkerVersionID = d.versionID
			}
			out.Deleted = append(out.Deleted, e)
		}
	}
	return document(out)
}

func (s *Service) dropAllowed(c *core.Call, b *bucket, key, versionID string) (deleted, error) {
	action := "s3:DeleteObject"
	cond := s.conditions(c, b.name, key)
	if versionID != "" {
		action = "s3:DeleteObjectVersion"
		cond["s3:VersionId"] = []string{versionID}
	}
	if e := c.Authorize(core.Permission{Action: action, Resource: objectARN(b.name, key), Context: cond}); e != nil {
		return deleted{}, e
	}
	return s.drop(c, b, key, versionID)
}
