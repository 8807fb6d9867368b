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
		Kind: "ec2.network_interface", Source: ec2Source,
		After: []string{"ec2.instance", "ec2.nat_gateway", "ec2.vpc_endpoint", "lambda.function"},
		List:  listNetworkInterfaces, Delete: deleteNetworkInterface,
	}))
}

func listNetworkInterfaces(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeNetworkInterfacesPaginator(c, &ec2.DescribeNetworkInterfacesInput{}), func(out *ec2.DescribeNetworkInterfacesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, n := range out.NetworkInterfaces {
			r := ec2Resource(n.NetworkInterfaceId, string(n.Status), n.TagSet)
			if aws.ToBool(n.RequesterManaged) {
				r.State = "managed by " + aws.ToString(n.RequesterId)
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

// deleteNetworkInterface leaves what a service holds to that service, which
// gives it up when its own thing is gone: a function's up to 45 minutes later.
func deleteNetworkInterface(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	if r.State != string(types.NetworkInterfaceStatusAvailable) {
		return cleaner.Blocked("it is " + r.State)
	}
	_, err := c.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: &r.ID})
	return err
}
