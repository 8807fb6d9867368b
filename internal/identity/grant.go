package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"golang.org/x/sync/errgroup"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/policy"
)

// maxVersions is IAM's limit of versions of a managed policy.
const maxVersions = 5

// Purposes of the sessions that write dated versions; they show in the ids of
// their leases, where [Service.Freeze] looks for them.
const (
	purposeGrant  = "grant"
	purposeExtend = "extend"
)

// Grant makes the warm user good for a lab until end, and returns when its key
// works in every Region of the lab. The policies and the boundary are written in
// parallel: until the boundary's dated version stands, the rest is powerless.
func (s *Service) Grant(ctx context.Context, a *fleet.Account, lt fleet.LabType, end time.Time) error {
	sess, err := s.AWS.Mutator(ctx, target(a), purposeGrant)
	if err != nil {
		return fmt.Errorf("session for the hand-out of %s: %w", a.ID, err)
	}
	c := client(sess)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.attach(gctx, c, a, lt) })
	g.Go(func() error { return s.writeBoundary(gctx, c, a, lt, end) })
	err = g.Wait()
	if err := errors.Join(err, closeSession(ctx, sess)); err != nil {
		return err
	}
	return s.probeWorks(ctx, a, lt)
}

// Extend writes a boundary version with a later end.
func (s *Service) Extend(ctx context.Context, a *fleet.Account, lt fleet.LabType, end time.Time) error {
	sess, err := s.AWS.Mutator(ctx, target(a), purposeExtend)
	if err != nil {
		return fmt.Errorf("session for the extension of %s: %w", a.ID, err)
	}
	return errors.Join(s.writeBoundary(ctx, client(sess), a, lt, end), closeSession(ctx, sess))
}

// attach attaches the lab type's policies: those made while warm if they are
// what the lab type says today, else new ones.
func (s *Service) attach(ctx context.Context, c *iam.Client, a *fleet.Account, lt fleet.LabType) error {
	set, err := policy.LabPolicies(s.input(a, lt, a.User, s.Clock.Now()))
	if err != nil {
		return fleet.Permanent(err, "shorten the lab type's policy")
	}
	made := a.User.Policies[lt.Name]
	if made.Digest != set.Digest {
		if made, err = s.makeLabPolicies(ctx, c, a, a.User, lt); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, arn := range made.ARNs {
		g.Go(func() error {
			if _, err := c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: &a.User.Name, PolicyArn: &arn}); err != nil {
				return fmt.Errorf("attach %s: %w", arn, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// writeBoundary makes a dated version the default. When the policy is full, the
// oldest dated version goes first; version 1 stays for ever.
func (s *Service) writeBoundary(ctx context.Context, c *iam.Client, a *fleet.Account, lt fleet.LabType, end time.Time) error {
	doc, err := policy.Boundary(s.input(a, lt, a.User, end))
	if err != nil {
		return fleet.Permanent(err, "shorten the lab type's services")
	}
	in := &iam.CreatePolicyVersionInput{PolicyArn: &a.User.BoundaryARN, PolicyDocument: &doc, SetAsDefault: true}
	_, err = c.CreatePolicyVersion(ctx, in)
	var full *types.LimitExceededException
	if errors.As(err, &full) {
		if err := s.dropOldest(ctx, c, a.User.BoundaryARN); err != nil {
			return err
		}
		_, err = c.CreatePolicyVersion(ctx, in)
	}
	if err != nil {
		return fmt.Errorf("write the boundary of %s: %w", a.ID, err)
	}
	return nil
}

func (s *Service) dropOldest(ctx context.Context, c *iam.Client, arn string) error {
	out, err := c.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: &arn, MaxItems: aws.Int32(maxVersions + 1)})
	if err != nil {
		return fmt.Errorf("versions of %s: %w", arn, err)
	}
	old := slices.DeleteFunc(out.Versions, func(v types.PolicyVersion) bool {
		return v.IsDefaultVersion || aws.ToString(v.VersionId) == frozen
	})
	if len(old) == 0 {
		return nil
	}
	oldest := slices.MinFunc(old, func(x, y types.PolicyVersion) int { return aws.ToTime(x.CreateDate).Compare(aws.ToTime(y.CreateDate)) })
	if _, err := c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: oldest.VersionId}); err != nil {
		return fmt.Errorf("delete version %s of %s: %w", aws.ToString(oldest.VersionId), arn, err)
	}
	return nil
}
