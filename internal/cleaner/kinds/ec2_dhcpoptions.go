package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.dhcp_options", Source: ec2Source,
		After: []string{"ec2.vpc"},
		List:  listDHCPOptions, Delete: deleteDHCPOptions,
	}))
}

func listDHCPOptions(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	own, ownErr := standardDHCP(ctx, c)
	return cleaner.Pages(ctx, ec2.NewDescribeDhcpOptionsPaginator(c, &ec2.DescribeDhcpOptionsInput{}), func(out *ec2.DescribeDhcpOptionsOutput) ([]cleaner.Resource, error) {
		if ownErr != nil {
			return nil, ownErr
		}
		var rs []cleaner.Resource
		for _, d := range out.DhcpOptions {
			r := ec2Resource(d.DhcpOptionsId, "", d.Tags)
			if r.ID == own {
				r.Keep = "the account's own set"
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

// deleteDHCPOptions takes the set off the VPCs that stay first.
func deleteDHCPOptions(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	users, err := vpcs(ctx, c, where("dhcp-options-id", r.ID))
	if err != nil {
		return err
	}
	for _, v := range users {
		if err := associateStandardDHCP(ctx, c, v.VpcId); err != nil {
			return err
		}
	}
	_, err = c.DeleteDhcpOptions(ctx, &ec2.DeleteDhcpOptionsInput{DhcpOptionsId: &r.ID})
	return err
}
