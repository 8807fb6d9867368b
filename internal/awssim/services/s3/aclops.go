package s3

import (
	"net/http"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// firstACL is the ACL that a bucket is made with.
func (s *Service) firstACL(c *core.Call, b *bucket) error {
	acl, named, err := requestedACL(c, b.account, b.account)
	if err != nil || !named {
		return err
	}
	if onlyOwner(acl, b.account) {
		return nil
	}
	if b.noACLs() {
		return core.Errorf(400, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	if err := s.accept(b, acl, ""); err != nil {
		return err
	}
	b.acl = acl
	return nil
}

// newACL is the ACL that an object is written with.
func (s *Service) newACL(c *core.Call, b *bucket, v *version) error {
	acl, named, err := requestedACL(c, v.owner, b.account)
	if err != nil || !named {
		return err
	}
	name := c.Request.Header.Get("x-amz-acl")
	if err := s.accept(b, acl, name); err != nil {
		return err
	}
	if name == "bucket-owner-full-control" && b.ownership == ownerPreferred {
		v.owner = b.account
		return nil
	}
	v.acl = acl
	return nil
}

func (s *Service) getBucketACL(_ *core.Call, b *bucket) (*core.Raw, error) {
	if b.noACLs() {
		return aclDocument(b.account, nil)
	}
	return aclDocument(b.account, b.acl)
}

func (s *Service) putBucketACL(c *core.Call, b *bucket) (*core.Raw, error) {
	acl, err := s.putACL(c, b, b.account)
	if err != nil {
		return nil, err
	}
	b.acl = acl
	return empty(http.StatusOK), nil
}

func (s *Service) getObjectACL(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	v, err := b.named(c, key)
	if err != nil {
		return nil, err
	}
	var raw *core.Raw
	if b.noACLs() {
		raw, err = aclDocument(b.account, nil)
	} else {
		raw, err = aclDocument(v.owner, v.acl)
	}
	if err == nil {
		b.versionHeader(raw.Header, v)
	}
	return raw, err
}

func (s *Service) putObjectACL(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	v, err := b.named(c, key)
	if err != nil {
		return nil, err
	}
	if v.acl, err = s.putACL(c, b, v.owner); err != nil {
		return nil, err
	}
	raw := empty(http.StatusOK)
	b.versionHeader(raw.Header, v)
	return raw, nil
}

// putACL reads and accepts the ACL of a PUT ?acl.
func (s *Service) putACL(c *core.Call, b *bucket, account string) ([]grant, error) {
	acl, named, err := requestedACL(c, account, b.account)
	if err == nil && !named {
		acl, err = parseACLBody(c.Body)
	}
	if err != nil {
		return nil, err
	}
	return acl, s.accept(b, acl, c.Request.Header.Get("x-amz-acl"))
}
