package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(lambda.NewFromConfig, cleaner.Spec[lambda.Client]{
		Kind: "lambda.layer", Source: lambdaSource,
		After: []string{"lambda.function"},
		List:  listLayers, Delete: deleteLayer,
	}))
}

func listLayers(ctx context.Context, c *lambda.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, lambda.NewListLayersPaginator(c, &lambda.ListLayersInput{}), func(out *lambda.ListLayersOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, l := range out.Layers {
			rs = append(rs, cleaner.Resource{ID: aws.ToString(l.LayerName), ARN: aws.ToString(l.LayerArn)})
		}
		return rs, nil
	})
}

// deleteLayer deletes every version: a layer is no more than they are. The
// pages are begun anew until none is left, as versions go while they are read.
func deleteLayer(ctx context.Context, c *lambda.Client, r cleaner.Resource) error {
	for {
		out, err := c.ListLayerVersions(ctx, &lambda.ListLayerVersionsInput{LayerName: &r.ID})
		if err != nil || len(out.LayerVersions) == 0 {
			return err
		}
		for _, v := range out.LayerVersions {
			_, err := c.DeleteLayerVersion(ctx, &lambda.DeleteLayerVersionInput{LayerName: &r.ID, VersionNumber: aws.Int64(v.Version)})
			if err := cleaner.IgnoreGone(err); err != nil {
				return err
			}
		}
	}
}
