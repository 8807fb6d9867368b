package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.internet_gateway", Source: ec2Source,
		// A gateway stays attached while public addresses are mapped behind it.
		After: []string{"ec2.address", "ec2.nat_gateway", "ec2.network_interface", "ec2.instance"},
		List:  listInternetGateways, Delete: deleteInternetGateway,
	}))
}

func listInternetGateways(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	own, ownErr := defaultVPC(ctx, c)
	return cleaner.Pages(ctx, ec2.NewDescribeInternetGatewaysPaginator(c, &ec2.DescribeInternetGatewaysInput{}), func(out *ec2.DescribeInternetGatewaysOutput) ([]cleaner.Resource, error) {
		if ownErr != nil {
			return nil, ownErr
		}
		var rs []cleaner.Resource
		for _, g := range out.InternetGateways {
			r := ec2Resource(g.InternetGatewayId, "", g.Tags)
			if len(g.Attachments) > 0 { // one at most
				r.State = aws.ToString(g.Attachments[0].VpcId)
			}
			if r.State != "" && r.State == aws.ToString(own.VpcId) {
				r.Keep = ofDefaultVPC
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

// deleteInternetGateway detaches first; State is the VPC.
func deleteInternetGateway(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	if r.State != "" {
		_, err := c.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: &r.ID, VpcId: &r.State})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	_, err := c.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: &r.ID})
	return err
}
