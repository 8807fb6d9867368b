package awssim_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// refusal is how a service says no: the code that the SDK gives, and the status.
type refusal struct {
	code   string
	status int
}

// family is a service of one protocol, called for something that is not there.
type family struct {
	name                                       string
	call                                       func(context.Context, aws.Config) error
	typed                                      func(error) bool // the SDK's own type, where its model has one
	notFound, denied, expired, unknown, forged refusal
}

func is[T error](err error) bool {
	var want T
	return errors.As(err, &want)
}

// queryKeys are the refusals of keys by services that speak, or once spoke, the
// query protocol.
func queryKeys(f family) family {
	f.expired, f.unknown, f.forged = refusal{"ExpiredToken", 403}, refusal{"InvalidClientTokenId", 403}, refusal{"SignatureDoesNotMatch", 403}
	return f
}

// jsonKeys are those of the JSON protocols.
func jsonKeys(f family, status int) family {
	f.denied = refusal{"AccessDeniedException", status}
	f.expired, f.unknown, f.forged = refusal{"ExpiredTokenException", status}, refusal{"UnrecognizedClientException", status}, refusal{"InvalidSignatureException", status}
	return f
}

var none = aws.String("none")

var families = []family{
	queryKeys(family{name: "query, iam", notFound: refusal{"NoSuchEntity", 404}, denied: refusal{"AccessDenied", 403}, typed: is[*iamtypes.NoSuchEntityException],
		call: func(ctx context.Context, cfg aws.Config) error {
			_, err := iam.NewFromConfig(cfg).GetUser(ctx, &iam.GetUserInput{UserName: none})
			return err
		}}),
	queryKeys(family{name: "query, sns", notFound: refusal{"NotFound", 404}, denied: refusal{"AuthorizationError", 403}, typed: is[*snstypes.NotFoundException],
		call: func(ctx context.Context, cfg aws.Config) error {
			_, err := sns.NewFromConfig(cfg).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String("arn:aws:sns:eu-west-1:111111111111:none")})
			return err
		}}),
	{name: "ec2", notFound: refusal{"InvalidInstanceID.NotFound", 400}, denied: refusal{"UnauthorizedOperation", 403},
		expired: refusal{"RequestExpired", 400}, unknown: refusal{"AuthFailure", 401}, forged: refusal{"AuthFailure", 401},
		call: func(ctx context.Context, cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{"i-00000000000000000"}})
			return err
		}},
	jsonKeys(family{name: "json 1.0, dynamodb", notFound: refusal{"ResourceNotFoundException", 400}, typed: is[*dynamodbtypes.ResourceNotFoundException],
		call: func(ctx context.Context, cfg aws.Config) error {
			_, err := dynamodb.NewFromConfig(cfg).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: none})
			return err
		}}, 400),
	queryKeys(family{name: "json 1.0 after query, sqs", notFound: refusal{"AWS.SimpleQueueService.NonExistentQueue", 400}, denied: refusal{"AccessDenied", 403}, typed: is[*sqstypes.QueueDoesNotExist],
		call: func(ctx context.Context, cfg aws.Config) error {
			_, err := sqs.NewFromConfig(cfg).GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: none})
			return err
		}}),
	jsonKeys(family{name: "json 1.1, logs", notFound: refusal{"ResourceNotFoundException", 400}, typed: is[*logstypes.ResourceNotFoundException],
		call: func(ctx context.Context, cfg aws.Config) error {
			_, err := cloudwatchlogs.NewFromConfig(cfg).DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: none})
			return err
		}}, 400),
	queryKeys(family{name: "cbor after query, cloudwatch", notFound: refusal{"ResourceNotFound", 404}, denied: refusal{"AccessDenied", 403}, typed: is[*cwtypes.ResourceNotFound],
		call: func(ctx context.Context, cfg aws.Config) error {
			_, err := cloudwatch.NewFromConfig(cfg).DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"none"}})
			return err
		}}),
	jsonKeys(family{name: "rest json, lambda", notFound: refusal{"ResourceNotFoundException", 404}, typed: is[*lambdatypes.ResourceNotFoundException],
		call: func(ctx context.Context, cfg aws.Config) error {
			_, err := lambda.NewFromConfig(cfg).GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: none})
			return err
		}}, 403),
	{name: "rest xml, s3", notFound: refusal{"NoSuchBucket", 404}, denied: refusal{"AccessDenied", 403}, typed: is[*s3types.NoSuchBucket],
		expired: refusal{"ExpiredToken", 400}, unknown: refusal{"InvalidAccessKeyId", 403}, forged: refusal{"SignatureDoesNotMatch", 403},
		call: func(ctx context.Context, cfg aws.Config) error {
			_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("no-such-bucket")})
			return err
		}},
}

// TestRefusals: what each protocol says when something is not there, the
// caller may not, a session is over, a key is unknown, or a secret is wrong.
func TestRefusals(t *testing.T) {
	t.Parallel()
	b := newMember(t, core.Options{Seed: 7})
	short, err := sts.NewFromConfig(b.boss).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + b.account + ":role/OrganizationAccountAccessRole"), RoleSessionName: aws.String("short"), DurationSeconds: aws.Int32(900),
		Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)})
	ok(t, err)
	session := short.Credentials
	with := func(id, secret, token string) aws.Config {
		cfg := b.cfg.Copy()
		cfg.RetryMaxAttempts = 1
		cfg.Credentials = credentials.NewStaticCredentialsProvider(id, secret, token)
		return cfg
	}
	denied := with(*session.AccessKeyId, *session.SecretAccessKey, *session.SessionToken)
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			missing := f.call(t.Context(), b.cfg)
			f.notFound.hold(t, "not found", missing)
			if f.typed != nil && !f.typed(missing) {
				t.Errorf("not found is no typed error of the SDK: %#v", missing)
			}
			f.denied.hold(t, "denied", f.call(t.Context(), denied))
			f.unknown.hold(t, "unknown key", f.call(t.Context(), with("AKIAIOSFODNN7EXAMPLE", "secret", "")))
			f.forged.hold(t, "wrong secret", f.call(t.Context(), with(*session.AccessKeyId, "secret", *session.SessionToken)))
		})
	}
	// A session lasts 15 minutes, longer than a signature may be old: the SDK
	// learns of the world's time from the first answer, and signs again by that.
	b.World.Clock.Advance(16 * time.Minute)
	denied.RetryMaxAttempts = 2
	denied.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}
	for _, f := range families {
		t.Run(f.name+", expired", func(t *testing.T) { f.expired.hold(t, "expired", f.call(t.Context(), denied)) })
	}
}

func (want refusal) hold(t *testing.T, what string, err error) {
	t.Helper()
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Errorf("%s: no answer of AWS: %v", what, err)
	} else if got := (refusal{api.ErrorCode(), response.HTTPStatusCode()}); got != want {
		t.Errorf("%s: got %v, want %v: %v", what, got, want, err)
	}
}
