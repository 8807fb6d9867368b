package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/iamuser"
)

const iamSource = "iam.amazonaws.com"

func init() {
	register(cleaner.Define(iam.NewFromConfig, cleaner.Spec[iam.Client]{
		Kind: "iam.user", Source: iamSource, Global: true,
		After: runsUnderRoles,
		List:  listUsers, Delete: deleteUser,
	}))
}

func listUsers(ctx context.Context, c *iam.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, iam.NewListUsersPaginator(c, &iam.ListUsersInput{}), func(out *iam.ListUsersOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, u := range out.Users {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(u.UserName), ARN: aws.ToString(u.Arn), CreatedAt: aws.ToTime(u.CreateDate), Keep: kept(aws.ToString(u.Path))})
		}
		return rs, nil
	})
}

// deleteUser takes keys, passwords, devices, policies and groups with the user.
func deleteUser(ctx context.Context, c *iam.Client, r cleaner.Resource) error {
	return iamuser.Delete(ctx, c, r.ID)
}
