package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(iam.NewFromConfig, cleaner.Spec[iam.Client]{
		Kind: "iam.instance_profile", Source: iamSource, Global: true,
		After: []string{"ec2.instance", "autoscaling.group"},
		List:  listInstanceProfiles, Delete: deleteInstanceProfile,
	}))
}

func listInstanceProfiles(ctx context.Context, c *iam.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, iam.NewListInstanceProfilesPaginator(c, &iam.ListInstanceProfilesInput{}), func(out *iam.ListInstanceProfilesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, p := range out.InstanceProfiles {
			r := cleaner.Resource{ID: aws.ToString(p.InstanceProfileName), ARN: aws.ToString(p.Arn), CreatedAt: aws.ToTime(p.CreateDate), Keep: kept(aws.ToString(p.Path))}
			if len(p.Roles) > 0 { // one at most
				r.State = aws.ToString(p.Roles[0].RoleName)
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

// deleteInstanceProfile takes the role out; State is its name.
func deleteInstanceProfile(ctx context.Context, c *iam.Client, r cleaner.Resource) error {
	if r.State != "" {
		_, err := c.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: &r.ID, RoleName: &r.State})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	_, err := c.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: &r.ID})
	return err
}
