package kinds

import (
	"context"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.route_table", Source: ec2Source,
		After: []string{"ec2.subnet"},
		List:  listRouteTables, Delete: deleteRouteTable,
	}))
}

func listRouteTables(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeRouteTablesPaginator(c, &ec2.DescribeRouteTablesInput{}), func(out *ec2.DescribeRouteTablesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, t := range out.RouteTables {
			r := ec2Resource(t.RouteTableId, "", t.Tags)
			if slices.ContainsFunc(t.Associations, func(a types.RouteTableAssociation) bool { return aws.ToBool(a.Main) }) {
				r.Keep = goesWithVPC
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

// deleteRouteTable takes the table off the default VPC's subnets, which stay.
func deleteRouteTable(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	out, err := c.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{r.ID}})
	if err != nil {
		return err
	}
	for _, t := range out.RouteTables {
		for _, a := range t.Associations {
			_, err := c.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: a.RouteTableAssociationId})
			if err := cleaner.IgnoreGone(err); err != nil {
				return err
			}
		}
	}
	_, err = c.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: &r.ID})
	return err
}
