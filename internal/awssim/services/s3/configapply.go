package s3

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

func applyVersioning(_ *core.Call, b *bucket, body []byte) error {
	var v struct{ Status, MfaDelete string }
	if err := parse(body, &v); err != nil {
		return err
	}
	if v.Status != versioningEnabled && v.Status != versioningSuspended {
		return core.Errorf(400, "IllegalVersioningConfigurationException", "The Versioning element must be specified")
	}
	if b.lock != nil && v.Status == versioningSuspended {
		return core.Errorf(409, "InvalidBucketState", "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
	}
	b.versioning = v.Status
	return nil
}

func defaultEncryption(b *bucket) ([]byte, error) {
	// Buckets are encrypted with SSE-S3 when nothing else was chosen (since January 2023).
	return fmt.Appendf(nil, `%s<ServerSideEncryptionConfiguration xmlns="%s"><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>%s</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`,
		xml.Header, namespace, b.encryption.algorithm), nil
}

func applyEncryption(_ *core.Call, b *bucket, body []byte) error {
	var v struct {
		Rule []struct {
			Default struct {
				SSEAlgorithm   string
				KMSMasterKeyID string
			} `xml:"ApplyServerSideEncryptionByDefault"`
			BucketKeyEnabled bool
		}
	}
	if err := parse(body, &v); err != nil {
		return err
	}
	if len(v.Rule) != 1 {
		return malformedXML()
	}
	d := v.Rule[0].Default
	switch d.SSEAlgorithm {
	case "AES256", "":
		if d.KMSMasterKeyID != "" {
			return invalidArgument("ApplyServerSideEncryptionByDefault", d.SSEAlgorithm, "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
		}
	case "aws:kms", "aws:kms:dsse":
	default:
		return malformedXML()
	}
	b.encryption = encryption{algorithm: cmp.Or(d.SSEAlgorithm, "AES256"), keyID: d.KMSMasterKeyID, bucketKey: v.Rule[0].BucketKeyEnabled}
	return nil
}

func applyOwnership(_ *core.Call, b *bucket, body []byte) error {
	var v struct {
		Rule []struct{ ObjectOwnership string }
	}
	if err := parse(body, &v); err != nil {
		return err
	}
	if len(v.Rule) != 1 || !slices.Contains(ownerships, v.Rule[0].ObjectOwnership) {
		return malformedXML()
	}
	if v.Rule[0].ObjectOwnership == ownerEnforced && len(b.acl) > 0 && !onlyOwner(b.acl, b.account) {
		return core.Errorf(400, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	b.ownership = v.Rule[0].ObjectOwnership
	return nil
}

func applyBucketTags(_ *core.Call, _ *bucket, body []byte) error {
	_, err := parseTags(body, 50)
	return err
}

// parseTags reads and checks a Tagging document.
func parseTags(body []byte, limit int) ([]tag, error) {
	var v struct {
		Tags []tag `xml:"TagSet>Tag"`
	}
	if err := parse(body, &v); err != nil {
		return nil, err
	}
	return v.Tags, checkTags(v.Tags, limit)
}

func checkTags(tags []tag, limit int) error {
	if len(tags) > limit {
		if limit == 50 {
			return core.Errorf(400, "BadRequest", "Bucket tag count cannot be greater than 50")
		}
		return core.Errorf(400, "BadRequest", "Object tags cannot be greater than %d", limit)
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len(t.Key) > 128:
			return core.Errorf(400, "InvalidTag", "The TagKey you have provided is invalid")
		case len(t.Value) > 256:
			return core.Errorf(400, "InvalidTag", "The TagValue you have provided is invalid")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return core.Errorf(400, "InvalidTag", "System tags cannot be added/updated by requester")
		case seen[t.Key]:
			return core.Errorf(400, "InvalidTag", "Cannot provide multiple Tags with the same key")
		}
		seen[t.Key] = true
	}
	return nil
}

// lifecycleHeader tells the rule for small objects; the provider of Terraform
// waits until it reads back what it put.
const lifecycleHeader = "x-amz-transition-default-minimum-object-size"

func applyLifecycle(c *core.Call, b *bucket, body []byte) error {
	var v struct {
		Rule []struct{ ID, Status string }
	}
	if err := parse(body, &v); err != nil {
		return err
	}
	if len(v.Rule) == 0 || len(v.Rule) > 1000 {
		return malformedXML()
	}
	seen := map[string]bool{}
	for _, r := range v.Rule {
		if r.Status != "Enabled" && r.Status != "Disabled" {
			return malformedXML()
		}
		if r.ID != "" && seen[r.ID] {
			return invalidArgument("ID", r.ID, "Rule ID must be unique. Found same ID for one or more rules")
		}
		seen[r.ID] = true
	}
	b.lifecycle = cmp.Or(c.Request.Header.Get(lifecycleHeader), "all_storage_classes_128K")
	return nil
}

func applyReplication(_ *core.Call, b *bucket, _ []byte) error {
	if b.versioning != versioningEnabled {
		return invalidRequest("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
	}
	return nil
}
