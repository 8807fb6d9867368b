package kinds

import (
	"context"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.vpc_endpoint", Source: ec2Source,
		List: listVPCEndpoints, Delete: deleteVPCEndpoint,
	}))
}

func listVPCEndpoints(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeVpcEndpointsPaginator(c, &ec2.DescribeVpcEndpointsInput{}), func(out *ec2.DescribeVpcEndpointsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, e := range out.VpcEndpoints {
			state := strings.ToLower(string(e.State)) // AWS writes "Available" and "available"
			if state == "deleted" {
				continue
			}
			r := ec2Resource(e.VpcEndpointId, state, e.Tags)
			r.CreatedAt = aws.ToTime(e.CreationTimestamp)
			rs = append(rs, r)
		}
		return rs, nil
	})
}

func deleteVPCEndpoint(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	if r.State == "deleting" {
		return nil
	}
	out, err := c.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{r.ID}})
	if err != nil {
		return err
	}
	return unsuccessful(out.Unsuccessful)
}
