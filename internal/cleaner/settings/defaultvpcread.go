package settings

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

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
		r.err = err
		return new(Out)
	}
	return out
}

// list gives every page unless a call has failed before.
func list[Out, T any](r *vpcReader, p cleaner.Pager[Out, ec2.Options], items func(*Out) []T) []T {
	if r.err != nil {
		return nil
	}
	all, err := cleaner.Collect(r.ctx, p, items)
	r.err = err
	return all
}

func (r *vpcReader) vpcs() []types.Vpc {
	return list(r, ec2.NewDescribeVpcsPaginator(r.c, &ec2.DescribeVpcsInput{Filters: where("is-default", "true")}), func(o *ec2.DescribeVpcsOutput) []types.Vpc { return o.Vpcs })
}

func (r *vpcReader) subnetsOf(vpc string) []types.Subnet {
	return list(r, ec2.NewDescribeSubnetsPaginator(r.c, &ec2.DescribeSubnetsInput{Filters: where("vpc-id", vpc)}), func(o *ec2.DescribeSubnetsOutput) []types.Subnet { return o.Subnets })
}

func (r *vpcReader) gatewaysOf(vpc string) []types.InternetGateway {
	pages := ec2.NewDescribeInternetGatewaysPaginator(r.c, &ec2.DescribeInternetGatewaysInput{Filters: where("attachment.vpc-id", vpc)})
	return list(r, pages, func(o *ec2.DescribeInternetGatewaysOutput) []types.InternetGateway { return o.InternetGateways })
}

// differences names everything about the Region's default VPC that is not as
// AWS makes it. It means nothing when r.err is set.
func (r *vpcReader) differences() []string {
	vpcs := r.vpcs()
	if len(vpcs) != 1 {
		return []string{fmt.Sprintf("%d default VPCs", len(vpcs))}
	}
	id := aws.ToString(vpcs[0].VpcId)
	r.vpc(vpcs[0])
	r.subnets(id)
	r.routes(id, r.gateway(id))
	r.accessList(id)
	r.group(id)
	slices.Sort(r.diffs)
	return r.diffs
}
