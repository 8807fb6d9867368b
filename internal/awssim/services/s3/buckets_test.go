package s3_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/kodekloud/kml/internal/awssim/services/s3"
)

func location(region string) *types.CreateBucketConfiguration {
	return &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
}

func TestBucketNamesAreGlobal(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{NameBlock: 60})
	east, west, other := b.client(ada, "us-east-1"), b.client(ada, region), b.client(bob, region)
	ctx := t.Context()
	b.make(east, "mine-east", "us-east-1")
	if err := create(ctx, east, "mine-east", "us-east-1"); err != nil {
		t.Errorf("again in us-east-1: %v; AWS says yes there", err)
	}
	b.make(west, "mine-west", region)
	wantCode(t, create(ctx, west, "mine-west", region), "BucketAlreadyOwnedByYou")
	wantCode(t, create(ctx, other, "mine-west", region), "BucketAlreadyExists")
	wantCode(t, create(ctx, west, "Bad_Name", region), "InvalidBucketName")
	wantCode(t, create(ctx, west, "nowhere-bucket", "us-east-1"), "IllegalLocationConstraintException")
	wantCode(t, create(ctx, west, "elsewhere-bucket", "eu-north-1"), "IllegalLocationConstraintException")
	_, err := east.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("explicit-east"), CreateBucketConfiguration: location("us-east-1")})
	wantCode(t, err, "InvalidLocationConstraint")

	if _, err := west.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String("mine-west")}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, create(ctx, other, "mine-west", region), "OperationAborted")
	b.w.Clock.Advance(61 * time.Second)
	if err := create(ctx, other, "mine-west", region); err != nil {
		t.Errorf("after the block: %v", err)
	}
}

func TestWrongRegionIsRedirected(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	b.bucket("far-away")
	_, err := b.client(ada, "us-west-2").ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("far-away")})
	wantCode(t, err, "PermanentRedirect")
	var res *smithyhttp.ResponseError
	if !errors.As(err, &res) || res.Response.StatusCode != http.StatusMovedPermanently || res.Response.Header.Get("x-amz-bucket-region") != region {
		t.Errorf("redirect = %v; want 301 with the bucket's Region", err)
	}
	out, err := b.client(ada, "us-east-1").GetBucketLocation(t.Context(), &sdk.GetBucketLocationInput{Bucket: aws.String("far-away")})
	if err != nil || string(out.LocationConstraint) != region {
		t.Errorf("GetBucketLocation = %v, %v", out, err)
	}
	head, err := b.client(ada, region).HeadBucket(t.Context(), &sdk.HeadBucketInput{Bucket: aws.String("far-away")})
	if err != nil || aws.ToString(head.BucketRegion) != region {
		t.Errorf("HeadBucket = %v, %v", head, err)
	}
	_, err = b.client(ada, region).HeadBucket(t.Context(), &sdk.HeadBucketInput{Bucket: aws.String("not-there")})
	wantCode(t, err, "NotFound")
}

func TestListBucketsPages(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.client(ada, region)
	for i := range 7 {
		b.make(c, fmt.Sprintf("paged-%d", i), region)
	}
	b.make(b.client(bob, region), "of-somebody-else", region)
	var names []string
	pages := 0
	for p := sdk.NewListBucketsPaginator(c, &sdk.ListBucketsInput{MaxBuckets: aws.Int32(3)}); p.HasMorePages(); pages++ {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range out.Buckets {
			names = append(names, *x.Name)
		}
	}
	if len(names) != 7 || pages != 3 {
		t.Errorf("%d buckets on %d pages; want 7 on 3: %v", len(names), pages, names)
	}
}

func TestBucketNotEmpty(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("full-bucket")
	put(t, c, "full-bucket", "k", "x")
	_, err := c.DeleteBucket(t.Context(), &sdk.DeleteBucketInput{Bucket: aws.String("full-bucket")})
	wantCode(t, err, "BucketNotEmpty")
	inv := b.w.Inventory(ada)[ada]
	if len(inv) != 1 || inv[0].ID != "full-bucket" || inv[0].Children != 1 || inv[0].Region != region {
		t.Errorf("inventory = %+v", inv)
	}
}

func TestTrailKnowsBucketNotObjects(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("trail-bucket")
	put(t, c, "trail-bucket", "k", "x")
	_, _ = c.GetBucketPolicy(t.Context(), &sdk.GetBucketPolicyInput{Bucket: aws.String("trail-bucket")})
	var names []string
	b.w.Do(func() {
		for _, e := range b.w.Trail.All(ada) {
			names = append(names, e.EventName+" "+e.ErrorCode)
			if e.RequestParameters["bucketName"] != "trail-bucket" {
				t.Errorf("%s: requestParameters = %v", e.EventName, e.RequestParameters)
			}
		}
	})
	if fmt.Sprint(names) != "[CreateBucket  GetBucketPolicy NoSuchBucketPolicy]" {
		t.Errorf("events = %q", names)
	}
}
