package kinds

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(dynamodb.NewFromConfig, cleaner.Spec[dynamodb.Client]{
		Kind: "dynamodb.backup", Source: dynamodbSource,
		List: listBackups, Delete: deleteBackup,
	}))
}

// listBackups leaves out the system's own, which AWS makes of a deleted table
// with point-in-time recovery, charges nothing for and lets nobody delete.
func listBackups(ctx context.Context, c *dynamodb.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Tokens(func(token *string) ([]cleaner.Resource, *string, error) {
		out, err := c.ListBackups(ctx, &dynamodb.ListBackupsInput{BackupType: types.BackupTypeFilterUser, ExclusiveStartBackupArn: token})
		if err != nil {
			return nil, nil, err
		}
		var rs []cleaner.Resource
		for _, b := range out.BackupSummaries {
			if b.BackupStatus == types.BackupStatusDeleted {
				continue
			}
			rs = append(rs, cleaner.Resource{ID: aws.ToString(b.BackupArn), Name: aws.ToString(b.BackupName), CreatedAt: aws.ToTime(b.BackupCreationDateTime)})
		}
		return rs, out.LastEvaluatedBackupArn, nil
	})
}

func deleteBackup(ctx context.Context, c *dynamodb.Client, r cleaner.Resource) error {
	_, err := c.DeleteBackup(ctx, &dynamodb.DeleteBackupInput{BackupArn: &r.ID})
	return err
}
