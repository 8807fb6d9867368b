package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(ec2.NewFromConfig, cleaner.Spec[ec2.Client]{
		Kind: "ec2.instance", Source: ec2Source,
		Also:  []string{"autoscaling.amazonaws.com", "ec2fleet.amazonaws.com", "spotfleet.amazonaws.com"},
		After: []string{"autoscaling.group", "ec2.spot_request"}, // both launch anew
		List:  listInstances, Delete: terminateInstance, Stop: terminateInstance,
	}))
}

func listInstances(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeInstancesPaginator(c, &ec2.DescribeInstancesInput{}), func(out *ec2.DescribeInstancesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, group := range out.Reservations {
			for _, i := range group.Instances {
				if i.State != nil && i.State.Name == types.InstanceStateNameTerminated {
					continue // told of for an hour
				}
				r := ec2Resource(i.InstanceId, "", i.Tags)
				r.CreatedAt = aws.ToTime(i.LaunchTime)
				if i.State != nil {
					r.State = string(i.State.Name)
				}
				rs = append(rs, r)
			}
		}
		return rs, nil
	})
}

// terminateInstance terminates one by one: a protected instance makes the rest
// of a batch fail with it.
func terminateInstance(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	if r.State == string(types.InstanceStateNameShuttingDown) {
		return nil
	}
	in := &ec2.TerminateInstancesInput{InstanceIds: []string{r.ID}}
	_, err := c.TerminateInstances(ctx, in)
	if awsclient.Code(err) != "OperationNotPermitted" {
		return err
	}
	off := &types.AttributeBooleanValue{Value: aws.Bool(false)}
	for _, protection := range []ec2.ModifyInstanceAttributeInput{{DisableApiTermination: off}, {DisableApiStop: off}} {
		protection.InstanceId = &r.ID
		if _, err := c.ModifyInstanceAttribute(ctx, &protection); err != nil {
			return err
		}
	}
	_, err = c.TerminateInstances(ctx, in)
	return err
}
