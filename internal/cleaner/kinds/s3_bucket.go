package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(s3.NewFromConfig, cleaner.Spec[s3.Client]{
		Kind: "s3.bucket", Source: "s3.amazonaws.com",
		List: listBuckets, Delete: deleteBucket,
	}))
}

// listBuckets gives the buckets of the client's Region.
func listBuckets(ctx context.Context, c *s3.Client) iter.Seq2[cleaner.Resource, error] {
	in := &s3.ListBucketsInput{BucketRegion: aws.String(c.Options().Region), MaxBuckets: aws.Int32(1000)}
	return cleaner.Pages(ctx, s3.NewListBucketsPaginator(c, in), func(out *s3.ListBucketsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, b := range out.Buckets {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(b.Name), ARN: "arn:aws:s3:::" + aws.ToString(b.Name), CreatedAt: aws.ToTime(b.CreationDate)})
		}
		return rs, nil
	})
}

// deleteBucket removes the policy first (it may deny the rest, and Beanstalk's
// does), then everything inside, page by page, and the bucket.
func deleteBucket(ctx context.Context, c *s3.Client, r cleaner.Resource) error {
	in := &s3.DeleteBucketInput{Bucket: &r.ID}
	_, err := c.DeleteBucket(ctx, in)
	if class := awsclient.Classify(err); class == awsclient.None || class == awsclient.Gone {
		return err // it was empty, and nothing denied it
	}
	_, err = c.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &r.ID})
	if err := cleaner.IgnoreGone(err); err != nil {
		return err
	}
	if err := abortUploads(ctx, c, r.ID); err != nil {
		return err
	}
	if err := deleteVersions(ctx, c, r.ID); err != nil {
		return err
	}
	_, err = c.DeleteBucket(ctx, in)
	return err
}
