package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.network_acl", Source: ec2Source,
		After: []string{"ec2.subnet"},
		List:  listNetworkACLs, Delete: deleteNetworkACL,
	}))
}

func listNetworkACLs(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeNetworkAclsPaginator(c, &ec2.DescribeNetworkAclsInput{}), func(out *ec2.DescribeNetworkAclsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, a := range out.NetworkAcls {
			r := ec2Resource(a.NetworkAclId, aws.ToString(a.VpcId), a.Tags)
			if aws.ToBool(a.IsDefault) {
				r.Keep = goesWithVPC
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

// deleteNetworkACL gives the subnets that stay back to their VPC's default list;
// State is the VPC.
func deleteNetworkACL(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	pages := ec2.NewDescribeNetworkAclsPaginator(c, &ec2.DescribeNetworkAclsInput{Filters: where("vpc-id", r.State)})
	lists, err := cleaner.Collect(ctx, pages, func(o *ec2.DescribeNetworkAclsOutput) []types.NetworkAcl { return o.NetworkAcls })
	if err != nil {
		return err
	}
	var fallback *string
	var used []types.NetworkAclAssociation
	for _, a := range lists {
		if aws.ToBool(a.IsDefault) {
			fallback = a.NetworkAclId
		}
		if aws.ToString(a.NetworkAclId) == r.ID {
			used = a.Associations
		}
	}
	for _, a := range used {
		_, err := c.ReplaceNetworkAclAssociation(ctx, &ec2.ReplaceNetworkAclAssociationInput{AssociationId: a.NetworkAclAssociationId, NetworkAclId: fallback})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	_, err = c.DeleteNetworkAcl(ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: &r.ID})
	return err
}
