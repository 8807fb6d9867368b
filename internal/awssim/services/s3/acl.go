package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Object ownership settings.
const (
	ownerEnforced  = "BucketOwnerEnforced"
	ownerPreferred = "BucketOwnerPreferred"
	objectWriter   = "ObjectWriter"
)

var ownerships = []string{ownerEnforced, ownerPreferred, objectWriter}

// The predefined groups.
const (
	allUsers           = "http://acs.amazonaws.com/groups/global/AllUsers"
	authenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	logDelivery        = "http://acs.amazonaws.com/groups/s3/LogDelivery"
)

var aclPermissions = []string{"FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"}

// grant gives a canonical user or a group one permission.
type grant struct {
	id, uri, permission string
}

// canonicalID is the canonical user id of an account.
func canonicalID(account string) string {
	sum := sha256.Sum256([]byte("canonical user of " + account))
	return hex.EncodeToString(sum[:])
}

type owner struct {
	ID string
}

func ownerOf(account string) owner { return owner{canonicalID(account)} }

// noACLs reports whether ACLs are switched off: the default since April 2023.
// Without ownership controls a bucket behaves as ObjectWriter.
func (b *bucket) noACLs() bool { return b.ownership == ownerEnforced }

func onlyOwner(acl []grant, account string) bool {
	return !slices.ContainsFunc(acl, func(g grant) bool { return g.id != canonicalID(account) })
}

func publicGrants(acl []grant) bool {
	return slices.ContainsFunc(acl, func(g grant) bool { return g.uri == allUsers || g.uri == authenticatedUsers })
}

// canned expands a canned ACL of a thing that account owns in a bucket of bucketOwner.
func canned(name, account, bucketOwner string) ([]grant, error) {
	acl := []grant{{id: canonicalID(account), permission: "FULL_CONTROL"}}
	group := func(uri string, perms ...string) {
		for _, p := range perms {
			acl = append(acl, grant{uri: uri, permission: p})
		}
	}
	switch name {
	case "private", "":
	case "public-read":
		group(allUsers, "READ")
	case "public-read-write":
		group(allUsers, "READ", "WRITE")
	case "authenticated-read":
		group(authenticatedUsers, "READ")
	case "log-delivery-write":
		group(logDelivery, "WRITE", "READ_ACP")
	case "aws-exec-read":
	case "bucket-owner-read":
		if bucketOwner != account {
			acl = append(acl, grant{id: canonicalID(bucketOwner), permission: "READ"})
		}
	case "bucket-owner-full-control":
		if bucketOwner != account {
			acl = append(acl, grant{id: canonicalID(bucketOwner), permission: "FULL_CONTROL"})
		}
	default:
		return nil, invalidArgument("x-amz-acl", name, "Invalid canned ACL %q", name)
	}
	return acl, nil
}

// grantHeaders gives the x-amz-grant-* headers by permission.
func grantHeaders(h http.Header) map[string]string {
	out := map[string]string{}
	for _, p := range aclPermissions {
		if v := h.Get("x-amz-grant-" + strings.ReplaceAll(strings.ToLower(p), "_", "-")); v != "" {
			out[p] = v
		}
	}
	return out
}

type aclDoc struct {
	XMLName xml.Name   `xml:"AccessControlPolicy"`
	Owner   owner      `xml:"Owner"`
	Grants  []grantDoc `xml:"AccessControlList>Grant"`
}

type grantDoc struct {
	Grantee    grantee
	Permission string
}

type grantee struct {
	NS   string `xml:"xmlns:xsi,attr,omitempty"`
	Type string `xml:"xsi:type,attr,omitempty"`
	ID   string `xml:",omitempty"`
	URI  string `xml:",omitempty"`
}

// requestedACL reads the ACL that a request carries in header or body; named is
// false when it carries none.
func requestedACL(c *core.Call, account, bucketOwner string) (acl []grant, named bool, err error) {
	h := c.Request.Header
	byHeader := grantHeaders(h)
	switch {
	case h.Get("x-amz-acl") != "" && len(byHeader) > 0:
		return nil, true, invalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
	case h.Get("x-amz-acl") != "":
		acl, err = canned(h.Get("x-amz-acl"), account, bucketOwner)
		return acl, true, err
	case len(byHeader) > 0:
		acl, err = parseGrantHeaders(byHeader)
		return acl, true, err
	}
	return nil, false, nil
}

func parseGrantHeaders(byPermission map[string]string) ([]grant, error) {
	var acl []grant
	for _, p := range aclPermissions {
		for _, who := range strings.Split(byPermission[p], ",") {
			kind, value, _ := strings.Cut(strings.TrimSpace(who), "=")
			value = strings.Trim(value, `"`)
			switch kind {
			case "":
			case "id":
				acl = append(acl, grant{id: value, permission: p})
			case "uri":
				acl = append(acl, grant{uri: value, permission: p})
			default: // grants by e-mail address ended in October 2025
				return nil, invalidArgument("x-amz-grant", who, "Argument format not recognized")
			}
		}
	}
	return acl, nil
}

func parseACLBody(body []byte) ([]grant, error) {
	var d aclDoc
	if err := parse(body, &d); err != nil {
		return nil, err
	}
	var acl []grant
	for _, g := range d.Grants {
		if !slices.Contains(aclPermissions, g.Permission) || (g.Grantee.ID == "") == (g.Grantee.URI == "") {
			return nil, malformedXML()
		}
		acl = append(acl, grant{g.Grantee.ID, g.Grantee.URI, g.Permission})
	}
	return acl, nil
}

func aclDocument(account string, acl []grant) (*core.Raw, error) {
	d := aclDoc{Owner: ownerOf(account)}
	if len(acl) == 0 {
		acl = []grant{{id: canonicalID(account), permission: "FULL_CONTROL"}}
	}
	for _, g := range acl {
		e := grantee{NS: "http://www.w3.org/2001/XMLSchema-instance", Type: "CanonicalUser", ID: g.id, URI: g.uri}
		if g.uri != "" {
			e.Type = "Group"
		}
		d.Grants = append(d.Grants, grantDoc{e, g.permission})
	}
	return document(d)
}

// accept is what every writing of an ACL goes through: ownership first, then
// the public access block.
func (s *Service) accept(b *bucket, acl []grant, cannedName string) error {
	if b.noACLs() && cannedName != "bucket-owner-full-control" {
		return core.Errorf(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
	}
	if publicGrants(acl) && s.effective(b).BlockPublicAcls {
		return denied("Access Denied")
	}
	return nil
}
