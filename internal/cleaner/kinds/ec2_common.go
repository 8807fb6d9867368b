package kinds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/cleaner"
)

const ec2Source = "ec2.amazonaws.com"

func ec2Tags(tags []types.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}

// ec2Resource is a resource with EC2's usual tags; its name is the tag Name.
func ec2Resource(id *string, state string, tags []types.Tag) cleaner.Resource {
	m := ec2Tags(tags)
	return cleaner.Resource{ID: aws.ToString(id), Name: m["Name"], State: state, Tags: m}
}

// unsuccessful turns the item that a batch operation of EC2 did not do into an
// error with its code.
func unsuccessful(items []types.UnsuccessfulItem) error {
	if len(items) == 0 || items[0].Error == nil {
		return nil
	}
	e := items[0].Error
	return &smithy.GenericAPIError{Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)}
}

func where(name, value string) []types.Filter {
	return []types.Filter{{Name: &name, Values: []string{value}}}
}

// vpcs gives the VPCs that a filter lets through.
func vpcs(ctx context.Context, c *ec2.Client, filter []types.Filter) ([]types.Vpc, error) {
	return cleaner.Collect(ctx, ec2.NewDescribeVpcsPaginator(c, &ec2.DescribeVpcsInput{Filters: filter}), func(o *ec2.DescribeVpcsOutput) []types.Vpc { return o.Vpcs })
}

// defaultVPC gives the Region's default VPC; its id is nil if there is none.
func defaultVPC(ctx context.Context, c *ec2.Client) (types.Vpc, error) {
	vs, err := vpcs(ctx, c, where("is-default", "true"))
	if err != nil || len(vs) == 0 {
		return types.Vpc{}, err
	}
	return vs[0], nil
}
