package s3_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kodekloud/kml/internal/awssim/services/s3"
)

const publicRead = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::shared-bucket/*"}}`

func putPolicy(t *testing.T, c *sdk.Client, doc string) error {
	t.Helper()
	_, err := c.PutBucketPolicy(t.Context(), &sdk.PutBucketPolicyInput{Bucket: aws.String("shared-bucket"), Policy: &doc})
	return err
}

func setBlock(t *testing.T, c *sdk.Client, p types.PublicAccessBlockConfiguration) {
	t.Helper()
	if _, err := c.PutPublicAccessBlock(t.Context(), &sdk.PutPublicAccessBlockInput{Bucket: aws.String("shared-bucket"), PublicAccessBlockConfiguration: &p}); err != nil {
		t.Fatal(err)
	}
}

// anonymous reads a URL without any signature.
func anonymous(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestPublicAccess(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("shared-bucket")
	put(t, c, "shared-bucket", "page", "hello")
	wantCode(t, putPolicy(t, c, publicRead), "AccessDenied") // blocked by default since 2023
	url := b.url + "/shared-bucket/page"
	if code, _ := anonymous(t, url); code != 403 {
		t.Errorf("anonymous before = %d; want 403", code)
	}
	setBlock(t, c, types.PublicAccessBlockConfiguration{})
	if err := putPolicy(t, c, publicRead); err != nil {
		t.Fatal(err)
	}
	if code, body := anonymous(t, url); code != 200 || body != "hello" {
		t.Errorf("anonymous = %d %q", code, body)
	}
	if code, _ := anonymous(t, b.url+"/shared-bucket/none"); code != 403 {
		t.Errorf("missing key, without leave to list = %d; want 403", code)
	}
	if code, _ := anonymous(t, b.url+"/no-such-bucket/none"); code != 404 {
		t.Errorf("missing bucket = %d; want 404", code)
	}
	st, err := c.GetBucketPolicyStatus(t.Context(), &sdk.GetBucketPolicyStatusInput{Bucket: aws.String("shared-bucket")})
	if err != nil || !*st.PolicyStatus.IsPublic {
		t.Errorf("status = %+v, %v", st, err)
	}
	// The policy stays, but the block keeps strangers out: of the bucket, then of the account.
	setBlock(t, c, types.PublicAccessBlockConfiguration{RestrictPublicBuckets: aws.Bool(true)})
	if code, _ := anonymous(t, url); code != 403 {
		t.Errorf("restricted bucket = %d; want 403", code)
	}
	setBlock(t, c, types.PublicAccessBlockConfiguration{})
	b.w.Do(func() { b.svc.SetAccountBlock(ada) })
	if code, _ := anonymous(t, url); code != 403 {
		t.Errorf("restricted account = %d; want 403", code)
	}
	wantCode(t, putPolicy(t, c, publicRead), "AccessDenied")
}

func TestCrossAccount(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c, stranger := b.bucket("shared-bucket"), b.client(bob, region)
	put(t, c, "shared-bucket", "open/a", "a")
	put(t, c, "shared-bucket", "shut/b", "b")
	get := func(key string) error {
		_, err := stranger.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("shared-bucket"), Key: &key})
		return err
	}
	wantCode(t, get("open/a"), "AccessDenied")
	if err := putPolicy(t, c, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+bob+`"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::shared-bucket/open/*"}]}`); err != nil {
		t.Fatal(err)
	}
	if err := get("open/a"); err != nil {
		t.Error(err)
	}
	wantCode(t, get("shut/b"), "AccessDenied")
	_, err := stranger.DeleteBucket(t.Context(), &sdk.DeleteBucketInput{Bucket: aws.String("shared-bucket")})
	wantCode(t, err, "AccessDenied")
	wantCode(t, putPolicy(t, c, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::another/*"}]}`), "MalformedPolicy")
}

func TestACLs(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("shared-bucket")
	put(t, c, "shared-bucket", "k", "x")
	acl := func() error {
		_, err := c.PutObjectAcl(t.Context(), &sdk.PutObjectAclInput{Bucket: aws.String("shared-bucket"), Key: aws.String("k"), ACL: types.ObjectCannedACLPublicRead})
		return err
	}
	wantCode(t, acl(), "AccessControlListNotSupported")
	_, err := c.PutBucketOwnershipControls(t.Context(), &sdk.PutBucketOwnershipControlsInput{Bucket: aws.String("shared-bucket"),
		OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipObjectWriter}}}})
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, acl(), "AccessDenied") // public ACLs are blocked
	setBlock(t, c, types.PublicAccessBlockConfiguration{})
	if err := acl(); err != nil {
		t.Fatal(err)
	}
	if code, body := anonymous(t, b.url+"/shared-bucket/k"); code != 200 || body != "x" {
		t.Errorf("anonymous = %d %q", code, body)
	}
	setBlock(t, c, types.PublicAccessBlockConfiguration{IgnorePublicAcls: aws.Bool(true)})
	if code, _ := anonymous(t, b.url+"/shared-bucket/k"); code != 403 {
		t.Errorf("ignored ACL = %d; want 403", code)
	}
	got, err := c.GetObjectAcl(t.Context(), &sdk.GetObjectAclInput{Bucket: aws.String("shared-bucket"), Key: aws.String("k")})
	if err != nil || len(got.Grants) != 2 || got.Grants[1].Grantee.Type != types.TypeGroup {
		t.Errorf("acl = %+v, %v", got, err)
	}
}

func TestPresigned(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("presigned")
	put(t, c, "presigned", "k ü", "secret body")
	p, err := sdk.NewPresignClient(c).PresignGetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("presigned"), Key: aws.String("k ü")}, sdk.WithPresignExpires(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if code, body := anonymous(t, p.URL); code != 200 || body != "secret body" {
		t.Errorf("presigned = %d %q", code, body)
	}
	if code, body := anonymous(t, strings.Replace(p.URL, "X-Amz-Expires=60", "X-Amz-Expires=600", 1)); code != 403 || !strings.Contains(body, "SignatureDoesNotMatch") {
		t.Errorf("tampered = %d %q", code, body)
	}
	b.w.Clock.Advance(2 * time.Minute)
	if code, body := anonymous(t, p.URL); code != 403 || !strings.Contains(body, "Request has expired") {
		t.Errorf("expired = %d %q", code, body)
	}
}

func TestVirtualHostStyle(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("virtual-host")
	put(t, c, "virtual-host", "dir/k", "x")
	setBlockOf(t, c, "virtual-host")
	doc := strings.ReplaceAll(publicRead, "shared-bucket", "virtual-host")
	if _, err := c.PutBucketPolicy(t.Context(), &sdk.PutBucketPolicyInput{Bucket: aws.String("virtual-host"), Policy: &doc}); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"virtual-host.localhost", "virtual-host.localhost:4566", "virtual-host.s3.localhost", "virtual-host.s3.eu-west-1.amazonaws.com", "virtual-host.s3.amazonaws.com"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/dir/k", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 200 {
			t.Errorf("%s = %d", host, res.StatusCode)
		}
	}
}

func setBlockOf(t *testing.T, c *sdk.Client, name string) {
	t.Helper()
	if _, err := c.DeletePublicAccessBlock(t.Context(), &sdk.DeletePublicAccessBlockInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	_, err := c.GetPublicAccessBlock(t.Context(), &sdk.GetPublicAccessBlockInput{Bucket: &name})
	wantCode(t, err, "NoSuchPublicAccessBlockConfiguration")
}

func TestRootUnlocksBucket(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("shared-bucket")
	if err := putPolicy(t, c, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::shared-bucket","arn:aws:s3:::shared-bucket/*"]}}`); err != nil {
		t.Fatal(err)
	}
	in := &sdk.DeleteBucketPolicyInput{Bucket: aws.String("shared-bucket")}
	_, err := c.DeleteBucketPolicy(t.Context(), in)
	wantCode(t, err, "AccessDenied")
	root := b.client(rootOf+ada, region)
	_, err = root.DeleteBucket(t.Context(), &sdk.DeleteBucketInput{Bucket: aws.String("shared-bucket")})
	wantCode(t, err, "AccessDenied")
	_, err = b.client(rootOf+bob, region).DeleteBucketPolicy(t.Context(), in)
	wantCode(t, err, "AccessDenied")
	if _, err := root.DeleteBucketPolicy(t.Context(), in); err != nil {
		t.Fatalf("root of the owner: %v", err)
	}
	if _, err := c.DeleteBucket(t.Context(), &sdk.DeleteBucketInput{Bucket: aws.String("shared-bucket")}); err != nil {
		t.Error(err)
	}
}
