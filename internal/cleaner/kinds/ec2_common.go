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

// defaultVPC gives the id of the Region's default VPC, "" if there is none.
func defaultVPC(ctx context.Context, c *ec2.Client) (string, error) {
	out, err := c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: []types.Filter{{Name: aws.String("is-default"), Values: []string{"true"}}}})
	if err != nil || len(out.Vpcs) == 0 {
		return "", err
	}
	return aws.ToString(out.Vpcs[0].VpcId), nil
}
