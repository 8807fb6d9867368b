package kinds

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
)

// maxTold is how many objects of a page are told of that could not be deleted.
const maxTold = 3

// leftovers deals with the objects of a page that S3 did not delete, which it
// tells in the body of a success. A legal hold, which no bypass overrides, is
// what denies a delete that everything else allows: it is taken off.
func leftovers(ctx context.Context, c *s3.Client, bucket string, failed []types.Error) error {
	var errs []error
	for _, e := range failed {
		err := error(&smithy.GenericAPIError{Code: aws.ToString(e.Code), Message: aws.ToString(e.Key) + ": " + aws.ToString(e.Message)})
		if awsclient.Classify(err) == awsclient.Denied {
			err = deleteHeld(ctx, c, bucket, e, err)
		}
		if err := cleaner.IgnoreGone(err); err != nil && len(errs) < maxTold {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func deleteHeld(ctx context.Context, c *s3.Client, bucket string, e types.Error, denied error) error {
	_, err := c.PutObjectLegalHold(ctx, &s3.PutObjectLegalHoldInput{
		Bucket: &bucket, Key: e.Key, VersionId: e.VersionId, LegalHold: &types.ObjectLockLegalHold{Status: types.ObjectLockLegalHoldStatusOff},
	})
	if err != nil {
		return denied // there was no hold to take off: what denied it tells more
	}
	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: e.Key, VersionId: e.VersionId, BypassGovernanceRetention: aws.Bool(true)})
	return err
}
