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
		Kind: "ec2.vpc", Source: ec2Source,
		After: []string{"ec2.subnet", "ec2.security_group", "ec2.route_table", "ec2.network_acl", "ec2.internet_gateway", "ec2.vpc_endpoint", "ec2.vpc_peering", "ec2.nat_gateway"},
		List:  listVPCs, Delete: deleteVPC,
	}))
}

func listVPCs(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeVpcsPaginator(c, &ec2.DescribeVpcsInput{}), func(out *ec2.DescribeVpcsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, v := range out.Vpcs {
			r := ec2Resource(v.VpcId, string(v.State), v.Tags)
			if aws.ToBool(v.IsDefault) {
				r.Keep = "the default VPC"
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

func deleteVPC(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	_, err := c.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &r.ID})
	return err
}
