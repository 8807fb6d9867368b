package s3

import (
	"encoding/xml"
	"net/http"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// config is a bucket subresource that is put, read and deleted as a document.
type config struct {
	query, root    string
	get, put, del  string // operations as CloudTrail names them; del "" when there is none
	canGet, canPut string // IAM actions; deleting needs canPut
	absent         func(*bucket) ([]byte, error)
	apply          func(*core.Call, *bucket, []byte) error // nil: any document of this root
	clear          func(*bucket)
}

// missing makes an absent that refuses.
func missing(code, message string) func(*bucket) ([]byte, error) {
	return func(b *bucket) ([]byte, error) {
		e := core.Errorf(404, code, "%s", message)
		e.Extra = map[string]any{"BucketName": b.name}
		return nil, e
	}
}

// blank makes an absent that answers with an empty document.
func blank(root, inner string) func(*bucket) ([]byte, error) {
	return func(*bucket) ([]byte, error) {
		return []byte(xml.Header + "<" + root + ` xmlns="` + namespace + `">` + inner + "</" + root + ">"), nil
	}
}

// configs lists the document subresources. Sources: the API reference for codes
// and messages; "Actions, resources, and condition keys for Amazon S3" for the
// actions, which are not always the operation's name; "Amazon S3 CloudTrail
// events" for the names of the events.
var configs = []config{
	{query: "versioning", root: "VersioningConfiguration", get: "GetBucketVersioning", put: "PutBucketVersioning",
		absent: blank("VersioningConfiguration", ""), apply: applyVersioning},
	{query: "tagging", root: "Tagging", get: "GetBucketTagging", put: "PutBucketTagging", del: "DeleteBucketTagging",
		absent: missing("NoSuchTagSet", "The TagSet does not exist"), apply: applyBucketTags},
	{query: "encryption", root: "ServerSideEncryptionConfiguration", get: "GetBucketEncryption", put: "PutBucketEncryption", del: "DeleteBucketEncryption",
		canGet: "GetEncryptionConfiguration", canPut: "PutEncryptionConfiguration",
		absent: defaultEncryption, apply: applyEncryption,
		clear: func(b *bucket) { b.encryption = encryption{algorithm: "AES256"} }},
	{query: "publicAccessBlock", root: "PublicAccessBlockConfiguration",
		get: "GetBucketPublicAccessBlock", put: "PutBucketPublicAccessBlock", del: "DeleteBucketPublicAccessBlock",
		absent: missing("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
		apply:  applyBlock, clear: func(b *bucket) { b.block = nil }},
	{query: "ownershipControls", root: "OwnershipControls",
		get: "GetBucketOwnershipControls", put: "PutBucketOwnershipControls", del: "DeleteBucketOwnershipControls",
		absent: missing("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
		apply:  applyOwnership, clear: func(b *bucket) { b.ownership = "" }},
	{query: "object-lock", root: "ObjectLockConfiguration", get: "GetBucketObjectLockConfiguration", put: "PutBucketObjectLockConfiguration",
		absent: missing("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"), apply: applyLock},
	{query: "lifecycle", root: "LifecycleConfiguration", get: "GetBucketLifecycle", put: "PutBucketLifecycle", del: "DeleteBucketLifecycle",
		canGet: "GetLifecycleConfiguration", canPut: "PutLifecycleConfiguration",
		absent: missing("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"), apply: applyLifecycle,
		clear: func(b *bucket) { b.lifecycle = "" }},
	{query: "cors", root: "CORSConfiguration", get: "GetBucketCors", put: "PutBucketCors", del: "DeleteBucketCors",
		canGet: "GetBucketCORS", canPut: "PutBucketCORS",
		absent: missing("NoSuchCORSConfiguration", "The CORS configuration does not exist")},
	{query: "website", root: "WebsiteConfiguration", get: "GetBucketWebsite", put: "PutBucketWebsite", del: "DeleteBucketWebsite",
		absent: missing("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")},
	{query: "replication", root: "ReplicationConfiguration", get: "GetBucketReplication", put: "PutBucketReplication", del: "DeleteBucketReplication",
		canGet: "GetReplicationConfiguration", canPut: "PutReplicationConfiguration",
		absent: missing("ReplicationConfigurationNotFoundError", "The replication configuration was not found"), apply: applyReplication},
	{query: "logging", root: "BucketLoggingStatus", get: "GetBucketLogging", put: "PutBucketLogging",
		absent: blank("BucketLoggingStatus", "")},
	{query: "notification", root: "NotificationConfiguration", get: "GetBucketNotification", put: "PutBucketNotification",
		absent: blank("NotificationConfiguration", "")},
	{query: "accelerate", root: "AccelerateConfiguration", get: "GetAccelerateConfiguration", put: "PutAccelerateConfiguration",
		absent: blank("AccelerateConfiguration", "")},
	{query: "requestPayment", root: "RequestPaymentConfiguration", get: "GetBucketRequestPayment", put: "PutBucketRequestPayment",
		absent: blank("RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>")},
}

// configOps makes the operations of all subresources.
func (s *Service) configOps() []core.Op {
	var ops []core.Op
	for _, cf := range configs {
		canGet, canPut := cf.get, cf.put
		if cf.canGet != "" {
			canGet, canPut = cf.canGet, cf.canPut
		}
		ops = append(ops,
			s.onBucket(cf.get, canGet, cf.read, core.ReadOnly),
			s.onBucket(cf.put, canPut, cf.write))
		if cf.del != "" {
			ops = append(ops, s.onBucket(cf.del, canPut, cf.remove))
		}
	}
	return ops
}

func configRoutes() []branch {
	var out []branch
	for _, cf := range configs {
		out = append(out, branch{"GET", cf.query, cf.get}, branch{"PUT", cf.query, cf.put})
		if cf.del != "" {
			out = append(out, branch{"DELETE", cf.query, cf.del})
		}
	}
	return out
}

func (cf config) read(_ *core.Call, b *bucket) (*core.Raw, error) {
	body, ok := b.configs[cf.query]
	if !ok {
		var err error
		if body, err = cf.absent(b); err != nil {
			return nil, err
		}
	}
	raw := xmlBytes(body)
	if cf.query == "lifecycle" {
		raw.Header.Set(lifecycleHeader, b.lifecycle)
	}
	return raw, nil
}

func (cf config) write(c *core.Call, b *bucket) (*core.Raw, error) {
	if err := verifyBody(c); err != nil {
		return nil, err
	}
	var root struct{ XMLName xml.Name }
	if err := parse(c.Body, &root); err != nil {
		return nil, err
	}
	if root.XMLName.Local != cf.root {
		return nil, malformedXML()
	}
	if cf.apply != nil {
		if err := cf.apply(c, b, c.Body); err != nil {
			return nil, err
		}
	}
	b.configs[cf.query] = c.Body
	raw := empty(http.StatusOK)
	if cf.query == "lifecycle" {
		raw.Header.Set(lifecycleHeader, b.lifecycle)
	}
	return raw, nil
}

func (cf config) remove(_ *core.Call, b *bucket) (*core.Raw, error) {
	delete(b.configs, cf.query)
	if cf.clear != nil {
		cf.clear(b)
	}
	return empty(http.StatusNoContent), nil
}
