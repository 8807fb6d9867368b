package kinds

import (
	"context"
	"errors"
	"iter"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.vpc_peering", Source: ec2Source,
		List: listVPCPeerings, Delete: deleteVPCPeering,
	}))
}

func listVPCPeerings(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeVpcPeeringConnectionsPaginator(c, &ec2.DescribeVpcPeeringConnectionsInput{}), func(out *ec2.DescribeVpcPeeringConnectionsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, p := range out.VpcPeeringConnections {
			state := types.VpcPeeringConnectionStateReasonCode("")
			if p.Status != nil {
				state = p.Status.Code
			}
			switch state {
			case types.VpcPeeringConnectionStateReasonCodeDeleted, types.VpcPeeringConnectionStateReasonCodeRejected,
				types.VpcPeeringConnectionStateReasonCodeExpired, types.VpcPeeringConnectionStateReasonCodeFailed:
				continue
			}
			rs = append(rs, ec2Resource(p.VpcPeeringConnectionId, string(state), p.Tags))
		}
		return rs, nil
	})
}

func deleteVPCPeering(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	if r.State == string(types.VpcPeeringConnectionStateReasonCodeDeleting) {
		return nil
	}
	_, err := c.DeleteVpcPeeringConnection(ctx, &ec2.DeleteVpcPeeringConnectionInput{VpcPeeringConnectionId: &r.ID})
	if awsclient.Code(err) != "InvalidStateTransition" {
		return err
	}
	for now, lookErr := range listVPCPeerings(ctx, c) { // deleted already, or not yet ready for it
		if lookErr != nil || now.ID == r.ID {
			return errors.Join(err, lookErr)
		}
	}
	return cleaner.ErrGone
}
