package settings

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

// pristine is what Read gives for a default VPC that nobody touched.
const pristine = "as AWS made it"

// defaultVPC with its subnets, gateway, routes, access list and group. One that
// differs in anything is deleted and made anew, once the kinds have emptied it:
// AWS knows best what a default VPC is.
var defaultVPC = Setting{
	Name: "ec2.default_vpc", Want: pristine,
	Read: func(ctx context.Context, p cleaner.Place) (string, error) {
		v := &vpcReader{ctx: ctx, c: ec2.NewFromConfig(p.Config), region: p.Region}
		diffs := v.differences()
		if v.err != nil {
			return "", v.err
		}
		if len(diffs) == 0 {
			return pristine, nil
		}
		return strings.Join(diffs, "; "), nil
	},
	Restore: rebuildDefaultVPC,
}

func rebuildDefaultVPC(ctx context.Context, p cleaner.Place) error {
	c := ec2.NewFromConfig(p.Config)
	r := &vpcReader{ctx: ctx, c: c}
	vpcs := r.vpcs()
	if r.err != nil {
		return r.err
	}
	for _, v := range vpcs {
		if err := demolish(ctx, c, aws.ToString(v.VpcId)); err != nil {
			return fmt.Errorf("delete default VPC %s: %w", aws.ToString(v.VpcId), err)
		}
	}
	_, err := c.CreateDefaultVpc(ctx, &ec2.CreateDefaultVpcInput{})
	return err
}

// demolish deletes a default VPC; its group, access list and main route table
// go with it.
func demolish(ctx context.Context, c *ec2.Client, vpc string) error {
	r := &vpcReader{ctx: ctx, c: c}
	subnets, gateways := r.subnetsOf(vpc), r.gatewaysOf(vpc)
	if r.err != nil {
		return r.err
	}
	for _, s := range subnets {
		_, err := c.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: s.SubnetId})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	for _, g := range gateways {
		_, err := c.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: g.InternetGatewayId, VpcId: &vpc})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
		_, err = c.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	_, err := c.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &vpc})
	return cleaner.IgnoreGone(err)
}

func where(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: aws.String(name), Values: values}}
}
