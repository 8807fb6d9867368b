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
		Kind: "ec2.spot_request", Source: ec2Source,
		After: []string{"autoscaling.group"},
		List:  listSpotRequests, Delete: cancelSpotRequest, Stop: cancelSpotRequest,
	}))
}

func listSpotRequests(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeSpotInstanceRequestsPaginator(c, &ec2.DescribeSpotInstanceRequestsInput{}), func(out *ec2.DescribeSpotInstanceRequestsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, s := range out.SpotInstanceRequests {
			switch s.State {
			case types.SpotInstanceStateOpen, types.SpotInstanceStateActive, types.SpotInstanceStateDisabled:
				r := ec2Resource(s.SpotInstanceRequestId, string(s.State), s.Tags)
				r.CreatedAt = aws.ToTime(s.CreateTime)
				rs = append(rs, r)
			}
		}
		return rs, nil
	})
}

// cancelSpotRequest leaves the request's instance running: that is a kind of its own.
func cancelSpotRequest(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	_, err := c.CancelSpotInstanceRequests(ctx, &ec2.CancelSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{r.ID}})
	return err
}
