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
		Kind: "ec2.key_pair", Source: ec2Source,
		List: listKeyPairs, Delete: deleteKeyPair,
	}))
}

func listKeyPairs(ctx context.Context, c *ec2.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Once(func() ([]cleaner.Resource, error) { // EC2 gives them all at once
		out, err := c.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{})
		if err != nil {
			return nil, err
		}
		var rs []cleaner.Resource
		for _, k := range out.KeyPairs {
			r := ec2Resource(k.KeyPairId, "", k.Tags)
			r.Name, r.CreatedAt = aws.ToString(k.KeyName), aws.ToTime(k.CreateTime)
			rs = append(rs, r)
		}
		return rs, nil
	})
}

func deleteKeyPair(ctx context.Context, c *ec2.Client, r cleaner.Resource) error {
	_, err := c.DeleteKeyPair(ctx, &ec2.DeleteKeyPairInput{KeyPairId: &r.ID})
	return err
}
