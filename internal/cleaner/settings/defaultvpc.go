package settings

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	vpcs, err := c.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: where("is-default", "true")})
	if err != nil {
		return err
	}
	for _, v := range vpcs.Vpcs {
		if err := demolish(ctx, c, aws.ToString(v.VpcId)); err != nil {
			return fmt.Errorf("delete default VPC %s: %w", aws.ToString(v.VpcId), err)
		}
	}
	_, err = c.CreateDefaultVpc(ctx, &ec2.CreateDefaultVpcInput{})
	return err
}

// demolish deletes a default VPC; its group, access list and main route table
// go with it.
func demolish(ctx context.Context, c *ec2.Client, vpc string) error {
	subnets, err := c.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: where("vpc-id", vpc)})
	if err != nil {
		return err
	}
	gateways, err := c.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: where("attachment.vpc-id", vpc)})
	if err != nil {
		return err
	}
	for _, s := range subnets.Subnets {
		_, err := c.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: s.SubnetId})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	for _, g := range gateways.InternetGateways {
		_, err := c.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: g.InternetGatewayId, VpcId: &vpc})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
		_, err = c.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	_, err = c.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &vpc})
	return cleaner.IgnoreGone(err)
}

func where(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: aws.String(name), Values: values}}
}

// vpcReader looks at a default VPC; after the first error it asks no more.
type vpcReader struct {
	ctx    context.Context
	c      *ec2.Client
	region string
	err    error
	diffs  []string
}

// note takes down a difference.
func (r *vpcReader) note(differs bool, format string, args ...any) {
	if differs {
		r.diffs = append(r.diffs, fmt.Sprintf(format, args...))
	}
}

// ask runs a call unless one has failed before.
func ask[In, Out any](r *vpcReader, f func(context.Context, *In, ...func(*ec2.Options)) (*Out, error), in *In) *Out {
	if r.err != nil {
		return new(Out)
	}
	out, err := f(r.ctx, in)
	if err != nil {
		r.err = errors.Join(r.err, err)
		return new(Out)
	}
	return out
}

// differences names everything about the Region's default VPC that is not as
// AWS makes it.
func (r *vpcReader) differences() []string {
	vpcs := ask(r, r.c.DescribeVpcs, &ec2.DescribeVpcsInput{Filters: where("is-default", "true")}).Vpcs
	if len(vpcs) != 1 {
		return []string{fmt.Sprintf("%d default VPCs", len(vpcs))}
	}
	v := vpcs[0]
	in := where("vpc-id", aws.ToString(v.VpcId))
	r.vpc(v)
	r.subnets(in)
	r.routes(in, r.gateway(aws.ToString(v.VpcId)))
	r.accessList(in)
	r.group(in)
	slices.Sort(r.diffs)
	return r.diffs
}
