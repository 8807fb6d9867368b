package s3_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kodekloud/kml/internal/awssim/services/s3"
)

func TestObjectRoundTrip(t *testing.T) {
	t.Parallel()
	c := setup(t, s3.Options{}).bucket("round-trip")
	const key = "dir/a b+ü%2F.txt"
	for _, alg := range types.ChecksumAlgorithm("").Values() {
		switch alg { // the SDK itself cannot compute the others
		case types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256:
		default:
			continue
		}
		_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: aws.String("round-trip"), Key: aws.String(key), Body: strings.NewReader("hello world"), ChecksumAlgorithm: alg,
			ContentType: aws.String("text/plain"), Metadata: map[string]string{"who": "ada"}, Tagging: aws.String("a=1&b=2"),
		})
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		out, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("round-trip"), Key: aws.String(key), ChecksumMode: types.ChecksumModeEnabled})
		if err != nil {
			t.Fatalf("%s: %v", alg, err)
		}
		body, err := io.ReadAll(out.Body) // the SDK verifies the checksum here
		if err != nil || string(body) != "hello world" || *out.ContentType != "text/plain" || out.Metadata["who"] != "ada" || aws.ToInt32(out.TagCount) != 2 ||
			out.ServerSideEncryption != types.ServerSideEncryptionAes256 || *out.ETag != `"5eb63bbbe01eeed093cb22bb8f5acdc3"` {
			t.Errorf("%s: %q %v %+v", alg, body, err, out)
		}
	}
	part, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("round-trip"), Key: aws.String(key), Range: aws.String("bytes=-5")})
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(part.Body); string(body) != "world" || *part.ContentRange != "bytes 6-10/11" {
		t.Errorf("range = %q %s", body, *part.ContentRange)
	}
	_, err = c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("round-trip"), Key: aws.String(key), Range: aws.String("bytes=11-")})
	wantCode(t, err, "InvalidRange")
	head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String("round-trip"), Key: aws.String(key)})
	if err != nil || *head.ContentLength != 11 {
		t.Errorf("HeadObject = %+v, %v", head, err)
	}
	_, err = c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String("round-trip"), Key: aws.String("none")})
	wantCode(t, err, "NotFound")
	_, err = c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("round-trip"), Key: aws.String(key), IfNoneMatch: head.ETag})
	wantCode(t, err, "NotModified")
	_, err = c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("round-trip"), Key: aws.String(key), IfNoneMatch: aws.String("*")})
	wantCode(t, err, "PreconditionFailed")
	_, err = c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("round-trip"), Key: aws.String("bad"), Body: strings.NewReader("x"), ChecksumCRC32: aws.String("AAAAAA==")})
	wantCode(t, err, "BadDigest")
	attr, err := c.GetObjectAttributes(t.Context(), &sdk.GetObjectAttributesInput{Bucket: aws.String("round-trip"), Key: aws.String(key),
		ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesEtag, types.ObjectAttributesObjectSize, types.ObjectAttributesChecksum}})
	if err != nil || aws.ToInt64(attr.ObjectSize) != 11 || attr.Checksum == nil || attr.Checksum.ChecksumType != types.ChecksumTypeFullObject {
		t.Errorf("GetObjectAttributes = %+v, %v", attr, err)
	}
}

func TestObjectSizeIsBounded(t *testing.T) {
	t.Parallel()
	c := setup(t, s3.Options{MaxObject: 10}).bucket("small-only")
	_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("small-only"), Key: aws.String("k"), Body: strings.NewReader("eleven bytes")})
	wantCode(t, err, "EntityTooLarge")
}

func TestVersions(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("versioned")
	name := aws.String("versioned")
	put(t, c, *name, "k", "zero")
	versioning(t, c, *name, types.BucketVersioningStatusEnabled)
	one := put(t, c, *name, "k", "one")
	two := put(t, c, *name, "k", "two")
	del, err := c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: name, Key: aws.String("k")})
	if err != nil || !aws.ToBool(del.DeleteMarker) {
		t.Fatalf("delete = %+v, %v", del, err)
	}
	_, err = c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: name, Key: aws.String("k")})
	wantCode(t, err, "NoSuchKey")
	_, err = c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: name, Key: aws.String("k"), VersionId: del.VersionId})
	wantCode(t, err, "MethodNotAllowed")
	old, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: name, Key: aws.String("k"), VersionId: one.VersionId})
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(old.Body); string(body) != "one" {
		t.Errorf("version one = %q", body)
	}
	list, err := c.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: name})
	if err != nil || len(list.Versions) != 3 || len(list.DeleteMarkers) != 1 || !*list.DeleteMarkers[0].IsLatest || *list.Versions[2].VersionId != "null" {
		t.Fatalf("versions = %+v, %v", list, err)
	}
	undo, err := c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: name, Key: aws.String("k"), VersionId: del.VersionId})
	if err != nil || !aws.ToBool(undo.DeleteMarker) {
		t.Fatalf("undelete = %+v, %v", undo, err)
	}
	now, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: name, Key: aws.String("k")})
	if err != nil || *now.VersionId != *two.VersionId {
		t.Errorf("after undelete: %v, %v", now, err)
	}
	versioning(t, c, *name, types.BucketVersioningStatusSuspended)
	if out := put(t, c, *name, "k", "three"); aws.ToString(out.VersionId) != "null" {
		t.Errorf("suspended put made version %v", aws.ToString(out.VersionId))
	}
	list, err = c.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: name})
	if err != nil || len(list.Versions) != 3 || *list.Versions[0].VersionId != "null" {
		t.Errorf("the null version is replaced: %+v, %v", list.Versions, err)
	}
}

func versioning(t *testing.T, c *sdk.Client, bucket string, s types.BucketVersioningStatus) {
	t.Helper()
	_, err := c.PutBucketVersioning(t.Context(), &sdk.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: s}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeleteManyTellsEachKey(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("many-keys")
	name := aws.String("many-keys")
	deny := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::many-keys/keep*"}]}`
	if _, err := c.PutBucketPolicy(t.Context(), &sdk.PutBucketPolicyInput{Bucket: name, Policy: &deny}); err != nil {
		t.Fatal(err)
	}
	var ids []types.ObjectIdentifier
	for _, k := range []string{"a", "keep-b", "c"} {
		put(t, c, *name, k, k)
		ids = append(ids, types.ObjectIdentifier{Key: aws.String(k)})
	}
	out, err := c.DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: name, Delete: &types.Delete{Objects: ids}})
	if err != nil || len(out.Deleted) != 2 || len(out.Errors) != 1 || *out.Errors[0].Key != "keep-b" || *out.Errors[0].Code != "AccessDenied" {
		t.Fatalf("DeleteObjects = %+v, %v", out, err)
	}
	out, err = c.DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: name, Delete: &types.Delete{Objects: ids[:1], Quiet: aws.Bool(true)}})
	if err != nil || len(out.Deleted) != 0 || len(out.Errors) != 0 {
		t.Errorf("quiet, and gone before: %+v, %v", out, err)
	}
	for i := range 1001 {
		ids = append(ids, types.ObjectIdentifier{Key: aws.String(fmt.Sprint(i))})
	}
	_, err = c.DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: name, Delete: &types.Delete{Objects: ids}})
	wantCode(t, err, "MalformedXML")
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("multi-part")
	name, key := aws.String("multi-part"), aws.String("big")
	up, err := c.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{Bucket: name, Key: key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
	if err != nil {
		t.Fatal(err)
	}
	bodies := [][]byte{bytes.Repeat([]byte("a"), 5<<20), []byte("tail")}
	var parts []types.CompletedPart
	for i, body := range bodies {
		n := aws.Int32(int32(i + 1))
		p, err := c.UploadPart(t.Context(), &sdk.UploadPartInput{Bucket: name, Key: key, UploadId: up.UploadId, PartNumber: n, Body: bytes.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, types.CompletedPart{PartNumber: n, ETag: p.ETag, ChecksumCRC32: p.ChecksumCRC32})
	}
	lp, err := c.ListParts(t.Context(), &sdk.ListPartsInput{Bucket: name, Key: key, UploadId: up.UploadId, MaxParts: aws.Int32(1)})
	if err != nil || len(lp.Parts) != 1 || !*lp.IsTruncated || *lp.NextPartNumberMarker != "1" {
		t.Errorf("ListParts = %+v, %v", lp, err)
	}
	_, err = c.CompleteMultipartUpload(t.Context(), &sdk.CompleteMultipartUploadInput{Bucket: name, Key: key, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{parts[1], parts[0]}}})
	wantCode(t, err, "InvalidPartOrder")
	done, err := c.CompleteMultipartUpload(t.Context(), &sdk.CompleteMultipartUploadInput{Bucket: name, Key: key, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	if err != nil || !strings.HasSuffix(*done.ETag, `-2"`) || !strings.HasSuffix(aws.ToString(done.ChecksumCRC32), "-2") {
		t.Fatalf("Complete = %+v, %v", done, err)
	}
	got, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: name, Key: key, PartNumber: aws.Int32(2)})
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(got.Body); string(body) != "tail" || *got.PartsCount != 2 {
		t.Errorf("part 2 = %q", body)
	}
	// An unfinished upload is counted by the oracle, is listed, and holds no bucket back.
	again, err := c.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{Bucket: name, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if n := b.w.Inventory(ada)[ada][0].Children; n != 2 {
		t.Errorf("children = %d; want the object and the upload", n)
	}
	lu, err := c.ListMultipartUploads(t.Context(), &sdk.ListMultipartUploadsInput{Bucket: name})
	if err != nil || len(lu.Uploads) != 1 || *lu.Uploads[0].UploadId != *again.UploadId {
		t.Errorf("uploads = %+v, %v", lu, err)
	}
	abort := &sdk.AbortMultipartUploadInput{Bucket: name, Key: key, UploadId: again.UploadId}
	if _, err := c.AbortMultipartUpload(t.Context(), abort); err != nil {
		t.Fatal(err)
	}
	_, err = c.AbortMultipartUpload(t.Context(), abort)
	wantCode(t, err, "NoSuchUpload")
}

func TestCopyAndTags(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("copies")
	name := aws.String("copies")
	put(t, c, *name, "from here", "body")
	_, err := c.PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{Bucket: name, Key: aws.String("from here"),
		Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CopyObject(t.Context(), &sdk.CopyObjectInput{Bucket: name, Key: aws.String("to"), CopySource: aws.String("copies/from%20here")}); err != nil {
		t.Fatal(err)
	}
	tags, err := c.GetObjectTagging(t.Context(), &sdk.GetObjectTaggingInput{Bucket: name, Key: aws.String("to")})
	if err != nil || len(tags.TagSet) != 1 || *tags.TagSet[0].Value != "v" {
		t.Errorf("tags of the copy = %+v, %v", tags, err)
	}
	_, err = c.CopyObject(t.Context(), &sdk.CopyObjectInput{Bucket: name, Key: aws.String("to"), CopySource: aws.String("copies/to")})
	wantCode(t, err, "InvalidRequest")
}

func TestObjectLock(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.client(ada, region)
	name := aws.String("locked-bucket")
	if _, err := c.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: name, ObjectLockEnabledForBucket: aws.Bool(true), CreateBucketConfiguration: location(region)}); err != nil {
		t.Fatal(err)
	}
	hold := func(key string, mode types.ObjectLockMode) *string {
		out, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: name, Key: &key, Body: strings.NewReader("x"), ObjectLockMode: mode,
			ObjectLockRetainUntilDate: aws.Time(b.w.Clock.Now().Add(time.Hour))})
		if err != nil {
			t.Fatal(err)
		}
		return out.VersionId
	}
	drop := func(key string, version *string, bypass bool) error {
		_, err := c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: name, Key: &key, VersionId: version, BypassGovernanceRetention: &bypass})
		return err
	}
	soft, hard := hold("soft", types.ObjectLockModeGovernance), hold("hard", types.ObjectLockModeCompliance)
	wantCode(t, drop("soft", soft, false), "AccessDenied")
	if err := drop("soft", soft, true); err != nil {
		t.Errorf("governance with bypass: %v", err)
	}
	wantCode(t, drop("hard", hard, true), "AccessDenied")
	_, err := c.PutBucketVersioning(t.Context(), &sdk.PutBucketVersioningInput{Bucket: name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended}})
	wantCode(t, err, "InvalidBucketState")
	b.w.Clock.Advance(2 * time.Hour)
	_ = drop("hard", hard, false) // too skewed: the SDK learns of the new time
	if err := drop("hard", hard, false); err != nil {
		t.Errorf("after retention: %v", err)
	}
}
