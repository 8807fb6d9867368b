package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/fleet"
)

// probes are calls that show that a key works: each needs the permission that
// names it. (sts:GetCallerIdentity needs none and proves nothing.)
var probes = map[string]func(context.Context, aws.Config) error{
	"ec2:DescribeInstances": func(ctx context.Context, cfg aws.Config) error {
		_, err := ec2.NewFromConfig(cfg).DescribeInstances(ctx, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
		return err
	},
	"s3:ListAllMyBuckets": func(ctx context.Context, cfg aws.Config) error {
		_, err := s3.NewFromConfig(cfg).ListBuckets(ctx, &s3.ListBucketsInput{})
		return err
	},
	"lambda:ListFunctions": func(ctx context.Context, cfg aws.Config) error {
		_, err := lambda.NewFromConfig(cfg).ListFunctions(ctx, &lambda.ListFunctionsInput{MaxItems: aws.Int32(1)})
		return err
	},
	"dynamodb:ListTables": func(ctx context.Context, cfg aws.Config) error {
		_, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{Limit: aws.Int32(1)})
		return err
	},
	"sqs:ListQueues": func(ctx context.Context, cfg aws.Config) error {
		_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: aws.Int32(1)})
		return err
	},
	"sns:ListTopics": func(ctx context.Context, cfg aws.Config) error {
		_, err := sns.NewFromConfig(cfg).ListTopics(ctx, &sns.ListTopicsInput{})
		return err
	},
	"iam:ListRoles": func(ctx context.Context, cfg aws.Config) error {
		_, err := iam.NewFromConfig(cfg).ListRoles(ctx, &iam.ListRolesInput{MaxItems: aws.Int32(1)})
		return err
	},
}

const (
	probeEvery   = 100 * time.Millisecond
	probeWorking = 25 * time.Second // IAM is seen after about 4 s; no bound is documented
	probeDenied  = 30 * time.Second
	probeCall    = 5 * time.Second
)

// probeWorks waits until the user's key works in every Region of the lab.
func (s *Service) probeWorks(ctx context.Context, a *fleet.Account, lt fleet.LabType) error {
	if _, ok := probes[lt.Probe]; !ok {
		return fleet.Permanent(&fleet.FieldError{Field: "probe", Value: lt.Probe, Remedy: "name one of fleet.Probes"}, "mend the lab type")
	}
	return s.everywhere(ctx, a, lt, probeWorking, "the key of account %s does not work in %s yet: %w", func(err error) (bool, error) { return err == nil, err })
}

// refusals are the codes that show that a key is powerless, or not known any
// more. Others of the denials (a signature that is wrong or too old, a Region that
// is off) would be met with a key in full power, too.
var refusals = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "AuthorizationErrorException",
	"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"}

// probeFrozen waits until the user's key is refused in every Region.
func (s *Service) probeFrozen(ctx context.Context, a *fleet.Account, lt fleet.LabType) error {
	if _, ok := probes[lt.Probe]; !ok || a.User == nil {
		return nil
	}
	return s.everywhere(ctx, a, lt, probeDenied, "account %s is not seen to be frozen in %s: %w", func(err error) (bool, error) {
		if err == nil {
			return false, errors.New("the call was still allowed")
		}
		return slices.Contains(refusals, awsclient.Code(err)), err
	})
}

// everywhere makes the lab's probe with the user's key in every Region, again and
// again, until verdict says yes to what each of them answers, or patience ends.
func (s *Service) everywhere(ctx context.Context, a *fleet.Account, lt fleet.LabType, patience time.Duration, failed string, verdict func(error) (bool, error)) error {
	secret, err := s.secret(a)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	for _, region := range lt.Regions {
		cfg := s.AWS.Static(a.User.AccessKeyID, secret, region)
		g.Go(func() error {
			if err := s.until(ctx, func(ctx context.Context) (bool, error) { return verdict(probes[lt.Probe](ctx, cfg)) }); err != nil {
				return fmt.Errorf(failed, a.ID, region, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// until calls try now and every probeEvery until it says yes or ctx ends, and
// gives the last reason.
func (s *Service) until(ctx context.Context, try func(context.Context) (bool, error)) error {
	for {
		cctx, cancel := context.WithTimeout(ctx, probeCall)
		ok, err := try(cctx)
		cancel()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-s.Clock.After(probeEvery):
		}
	}
}

func (s *Service) secret(a *fleet.Account) (string, error) {
	secret, err := s.Sealer.Open(a.User.SecretKey, sealPurpose(a.ID, a.User.Epoch))
	if err != nil {
		return "", fleet.Permanent(fmt.Errorf("open the key of account %s: %w", a.ID, err), "check that the worker has the sealing key it was made with")
	}
	return secret, nil
}
