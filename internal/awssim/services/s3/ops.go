package s3

import "github.com/kodekloud/kml/internal/awssim/core"

// always gives the same actions for every request.
func always(actions ...string) func(*core.Call) []string {
	return func(*core.Call) []string { return actions }
}

// byVersion gives the action on a version when the request names one.
func byVersion(current, version string) func(*core.Call) []string {
	return func(c *core.Call) []string {
		if c.Request.URL.Query().Has("versionId") {
			return []string{version}
		}
		return []string{current}
	}
}

// putting gives what writing an object needs, by the headers it carries.
func putting(c *core.Call) []string {
	h := c.Request.Header
	actions := []string{"PutObject"}
	if h.Get("x-amz-tagging") != "" {
		actions = append(actions, "PutObjectTagging")
	}
	if h.Get("x-amz-acl") != "" || len(grantHeaders(h)) > 0 {
		actions = append(actions, "PutObjectAcl")
	}
	if h.Get("x-amz-object-lock-mode") != "" {
		actions = append(actions, "PutObjectRetention")
	}
	if h.Get("x-amz-object-lock-legal-hold") != "" {
		actions = append(actions, "PutObjectLegalHold")
	}
	return actions
}

func (s *Service) ops() []core.Op {
	ops := []core.Op{
		core.Handle("ListBuckets", s.listBuckets, core.ReadOnly, core.Needs(func(*core.Call, *core.None) []core.Permission {
			return []core.Permission{{Action: "s3:ListAllMyBuckets"}}
		})),
		core.Handle("CreateBucket", s.createBucket, core.Needs(s.creating)),
		s.onBucket("HeadBucket", "ListBucket", s.headBucket, core.ReadOnly),
		s.onBucket("DeleteBucket", "DeleteBucket", s.deleteBucket),
		s.onBucket("GetBucketLocation", "GetBucketLocation", s.bucketLocation, core.ReadOnly),

		s.onBucket("GetBucketPolicy", "GetBucketPolicy", s.getPolicy, core.ReadOnly),
		s.onBucket("PutBucketPolicy", "PutBucketPolicy", s.putPolicy),
		s.onBucket("DeleteBucketPolicy", "DeleteBucketPolicy", s.deletePolicy),
		s.onBucket("GetBucketPolicyStatus", "GetBucketPolicyStatus", s.policyStatus, core.ReadOnly),
		s.onBucket("GetBucketAcl", "GetBucketAcl", s.getBucketACL, core.ReadOnly),
		s.onBucket("PutBucketAcl", "PutBucketAcl", s.putBucketACL),

		s.onBucket("ListObjects", "ListBucket", s.listObjects, core.ReadOnly, core.Data),
		s.onBucket("ListObjectsV2", "ListBucket", s.listObjectsV2, core.ReadOnly, core.Data),
		s.onBucket("ListObjectVersions", "ListBucketVersions", s.listVersions, core.ReadOnly, core.Data),
		s.onBucket("ListMultipartUploads", "ListBucketMultipartUploads", s.listUploads, core.ReadOnly, core.Data),

		core.Handle("DeleteObjects", s.deleteObjects, core.Data, core.Anonymous, core.Public), // authorized key by key

		s.onObject("GetObject", byVersion("GetObject", "GetObjectVersion"), s.getObject, core.ReadOnly),
		s.onObject("HeadObject", byVersion("GetObject", "GetObjectVersion"), s.getObject, core.ReadOnly),
		s.onObject("GetObjectAttributes", byVersion("GetObjectAttributes", "GetObjectVersionAttributes"), s.getAttributes, core.ReadOnly),
		s.onObject("PutObject", putting, s.putObject),
		s.onObject("CopyObject", putting, s.copyObject),
		s.onObject("DeleteObject", byVersion("DeleteObject", "DeleteObjectVersion"), s.deleteObject),

		s.onObject("GetObjectTagging", byVersion("GetObjectTagging", "GetObjectVersionTagging"), s.getTags, core.ReadOnly),
		s.onObject("PutObjectTagging", byVersion("PutObjectTagging", "PutObjectVersionTagging"), s.putTags),
		s.onObject("DeleteObjectTagging", byVersion("DeleteObjectTagging", "DeleteObjectVersionTagging"), s.deleteTags),
		s.onObject("GetObjectAcl", byVersion("GetObjectAcl", "GetObjectVersionAcl"), s.getObjectACL, core.ReadOnly),
		s.onObject("PutObjectAcl", byVersion("PutObjectAcl", "PutObjectVersionAcl"), s.putObjectACL),
		s.onObject("GetObjectRetention", always("GetObjectRetention"), s.getRetention, core.ReadOnly),
		s.onObject("PutObjectRetention", always("PutObjectRetention"), s.putRetention),
		s.onObject("GetObjectLegalHold", always("GetObjectLegalHold"), s.getLegalHold, core.ReadOnly),
		s.onObject("PutObjectLegalHold", always("PutObjectLegalHold"), s.putLegalHold),

		s.onObject("CreateMultipartUpload", putting, s.createUpload),
		s.onObject("UploadPart", always("PutObject"), s.uploadPart),
		s.onObject("UploadPartCopy", always("PutObject"), s.uploadPartCopy),
		s.onObject("CompleteMultipartUpload", always("PutObject"), s.completeUpload),
		s.onObject("AbortMultipartUpload", always("AbortMultipartUpload"), s.abortUpload),
		s.onObject("ListParts", always("ListMultipartUploadParts"), s.listParts, core.ReadOnly),
	}
	for _, l := range []struct{ name, action, root string }{
		{"ListBucketAnalyticsConfigurations", "GetAnalyticsConfiguration", "ListBucketAnalyticsConfigurationResult"},
		{"ListBucketMetricsConfigurations", "GetMetricsConfiguration", "ListMetricsConfigurationsResult"},
		{"ListBucketInventoryConfigurations", "GetInventoryConfiguration", "ListInventoryConfigurationsResult"},
		{"ListBucketIntelligentTieringConfigurations", "GetIntelligentTieringConfiguration", "ListBucketIntelligentTieringConfigurationsOutput"},
	} {
		ops = append(ops, s.onBucket(l.name, l.action, emptyList(l.root), core.ReadOnly))
	}
	return append(append(ops, s.configOps()...), s.controlOps()...)
}

// emptyList answers for configurations that cannot be made in the simulator.
func emptyList(root string) func(*core.Call, *bucket) (*core.Raw, error) {
	return func(_ *core.Call, b *bucket) (*core.Raw, error) {
		body, err := blank(root, "<IsTruncated>false</IsTruncated>")(b)
		if err != nil {
			return nil, err
		}
		return xmlBytes(body), nil
	}
}
