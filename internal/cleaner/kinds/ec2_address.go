package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.address", Source: ec2Source,
		After: []string{"ec2.nat_gateway", "ec2.instance"},
		List:  listAddresses, Delete: releaseAddress,
	}))
}

func listAddresses(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Once(func() ([]cleaner.Resource, error) { // EC2 gives them all at once
		out, err := c.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
		if err != nil {
			return nil, err
		}
		var rs []cleaner.Resource
		for _, a := range out.Addresses {
			r := ec2Resource(a.AllocationId, aws.ToString(a.AssociationId), a.Tags)
			r.Name = aws.ToString(a.PublicIp)
			rs = append(rs, r)
		}
		return rs, nil
	})
}

// releaseAddress takes the address off what carries it; State is its
// association. AWS refuses as AuthFailure what a service of its own carries.
func releaseAddress(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	if r.State != "" {
		_, err := c.DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: &r.State})
		if awsclient.Code(err) == "AuthFailure" {
			return cleaner.Blocked("a service carries it")
		}
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	_, err := c.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: &r.ID})
	return err
}
