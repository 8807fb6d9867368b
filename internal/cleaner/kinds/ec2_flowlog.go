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
		Kind: "ec2.flow_log", Source: ec2Source,
		List: listFlowLogs, Delete: deleteFlowLog,
	}))
}

func listFlowLogs(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, ec2.NewDescribeFlowLogsPaginator(c, &ec2.DescribeFlowLogsInput{}), func(out *ec2.DescribeFlowLogsOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, f := range out.FlowLogs {
			r := ec2Resource(f.FlowLogId, aws.ToString(f.FlowLogStatus), f.Tags)
			r.CreatedAt = aws.ToTime(f.CreationTime)
			rs = append(rs, r)
		}
		return rs, nil
	})
}

func deleteFlowLog(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	out, err := c.DeleteFlowLogs(ctx, &ec2.DeleteFlowLogsInput{FlowLogIds: []string{r.ID}})
	if err != nil {
		return err
	}
	return unsuccessful(out.Unsuccessful)
}
