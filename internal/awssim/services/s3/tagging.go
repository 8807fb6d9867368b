package s3

import (
	"encoding/xml"
	"net/http"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type taggingDoc struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Tagging"`
	TagSet  struct {
		Tags []tag `xml:"Tag"`
	}
}

func (s *Service) getTags(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	v, err := b.named(c, key)
	if err != nil {
		return nil, err
	}
	var d taggingDoc
	d.TagSet.Tags = v.tags
	raw, err := document(d)
	if err == nil {
		b.versionHeader(raw.Header, v)
	}
	return raw, err
}

func (s *Service) putTags(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	if err := verifyBody(c); err != nil {
		return nil, err
	}
	tags, err := parseTags(c.Body, 10)
	if err != nil {
		return nil, err
	}
	return b.retag(c, key, tags, http.StatusOK)
}

func (s *Service) deleteTags(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	return b.retag(c, key, nil, http.StatusNoContent)
}

func (b *bucket) retag(c *core.Call, key string, tags []tag, status int) (*core.Raw, error) {
	v, err := b.named(c, key)
	if err != nil {
		return nil, err
	}
	v.tags = tags
	raw := empty(status)
	b.versionHeader(raw.Header, v)
	return raw, nil
}

// setTags sets a bucket's tags and the document that tells them.
func (b *bucket) setTags(tags []tag) {
	var d taggingDoc
	d.TagSet.Tags = tags
	if raw, err := document(d); err == nil { // strings always marshal
		b.configs["tagging"] = raw.Body
	}
}

func (b *bucket) setOwnership(ownership string) {
	b.ownership = ownership
	b.configs["ownershipControls"] = []byte(xml.Header + `<OwnershipControls xmlns="` + namespace + `"><Rule><ObjectOwnership>` + ownership + `</ObjectOwnership></Rule></OwnershipControls>`)
}
