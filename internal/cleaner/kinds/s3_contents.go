package kinds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/kodekloud/kml/internal/cleaner"
)

// deletesAtOnce is how many pages of a bucket are deleted while the next are
// listed; it bounds memory to as many thousands of names.
const deletesAtOnce = 4

// abortUploads ends all multipart uploads of a bucket.
func abortUploads(ctx context.Context, c *s3.Client, bucket string) error {
	pages := s3.NewListMultipartUploadsPaginator(c, &s3.ListMultipartUploadsInput{Bucket: &bucket})
	return cleaner.Each(ctx, pages, func(out *s3.ListMultipartUploadsOutput) []types.MultipartUpload { return out.Uploads }, func(u types.MultipartUpload) error {
		_, err := c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: u.Key, UploadId: u.UploadId})
		return err
	})
}

// deleteVersions deletes every version and delete marker of a bucket, as a
// stream: a page is forgotten when it was deleted.
func deleteVersions(ctx context.Context, c *s3.Client, bucket string) error {
	pages := s3.NewListObjectVersionsPaginator(c, &s3.ListObjectVersionsInput{Bucket: &bucket})
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(deletesAtOnce)
	var listErr error
	for pages.HasMorePages() && gctx.Err() == nil {
		out, err := pages.NextPage(gctx)
		if err != nil {
			listErr = cleaner.IgnoreGone(err)
			break
		}
		if ids := versionIDs(out); len(ids) > 0 {
			g.Go(func() error { return deletePage(gctx, c, bucket, ids) })
		}
	}
	if err := g.Wait(); err != nil {
		return err // what made the list end, if that ended too
	}
	return listErr
}

func versionIDs(out *s3.ListObjectVersionsOutput) []types.ObjectIdentifier {
	ids := make([]types.ObjectIdentifier, 0, len(out.Versions)+len(out.DeleteMarkers))
	for _, v := range out.Versions {
		ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	for _, m := range out.DeleteMarkers {
		ids = append(ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
	}
	return ids
}

// deletePage deletes up to 1,000 versions, governance locks notwithstanding.
func deletePage(ctx context.Context, c *s3.Client, bucket string, ids []types.ObjectIdentifier) error {
	out, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &bucket, BypassGovernanceRetention: aws.Bool(true),
		Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return cleaner.IgnoreGone(err)
	}
	return leftovers(ctx, c, bucket, out.Errors)
}
