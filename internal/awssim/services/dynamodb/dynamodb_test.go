package dynamodb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/core/coretest"
	"github.com/kodekloud/kml/internal/awssim/services/dynamodb"
)

type bench struct {
	*coretest.Bench
	c *sdk.Client
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := coretest.New(t, core.Options{Seed: 1, StateDelay: 2 * time.Second}, coretest.Everything,
		func(w *core.World) *core.Service { return dynamodb.New(w).Core() })
	return &bench{b, sdk.NewFromConfig(b.Config)}
}

func (b *bench) wait() { b.World.Clock.Advance(2 * time.Second) }

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func wantCode(t *testing.T, what string, err error, want string) {
	t.Helper()
	if code(err) != want {
		t.Fatalf("%s = %v; want %s", what, err, want)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(n int) types.AttributeValue    { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }

type av = map[string]types.AttributeValue

func (b *bench) create(t *testing.T, name string, change ...func(*sdk.CreateTableInput)) {
	t.Helper()
	attr := func(n string, ty types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &n, AttributeType: ty}
	}
	key := func(n string, k types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &n, KeyType: k}
	}
	in := &sdk.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{attr("user", "S"), attr("at", "N"), attr("kind", "S")},
		KeySchema:            []types.KeySchemaElement{key("user", types.KeyTypeHash), key("at", types.KeyTypeRange)},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String("by-kind"), KeySchema: []types.KeySchemaElement{key("kind", types.KeyTypeHash)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}}},
	}
	for _, f := range change {
		f(in)
	}
	out, err := b.c.CreateTable(t.Context(), in)
	ok(t, err)
	if out.TableDescription.TableStatus != types.TableStatusCreating {
		t.Fatalf("a new table is %s", out.TableDescription.TableStatus)
	}
}

func TestTableLife(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	name := aws.String("scores")
	b.create(t, *name, func(in *sdk.CreateTableInput) {
		in.DeletionProtectionEnabled = aws.Bool(true)
		in.Tags = []types.Tag{{Key: aws.String("lab"), Value: aws.String("a")}}
	})
	_, err := b.c.PutItem(ctx, &sdk.PutItemInput{TableName: name, Item: av{"user": str("u"), "at": num(1)}})
	wantCode(t, "put into a table being made", err, "ResourceNotFoundException")
	_, err = b.c.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: name})
	wantCode(t, "delete of a table being made", err, "ResourceInUseException")
	b.wait()
	d, err := b.c.DescribeTable(ctx, &sdk.DescribeTableInput{TableName: aws.String("arn:aws:dynamodb:eu-west-1:111111111111:table/scores")})
	ok(t, err)
	if d.Table.TableStatus != types.TableStatusActive || d.Table.WarmThroughput == nil || d.Table.GlobalSecondaryIndexes[0].IndexStatus != types.IndexStatusActive {
		t.Fatalf("table = %+v", d.Table)
	}
	tags, err := b.c.ListTagsOfResource(ctx, &sdk.ListTagsOfResourceInput{ResourceArn: d.Table.TableArn})
	ok(t, err)
	if len(tags.Tags) != 1 {
		t.Fatalf("tags = %v", tags.Tags)
	}
	_, err = b.c.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: name})
	wantCode(t, "delete of a protected table", err, "ValidationException")
	_, err = b.c.UpdateTable(ctx, &sdk.UpdateTableInput{TableName: name, DeletionProtectionEnabled: aws.Bool(false)})
	ok(t, err)
	_, err = b.c.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: name})
	wantCode(t, "delete of a table being updated", err, "ResourceInUseException")
	b.wait()
	_, err = b.c.UpdateContinuousBackups(ctx, &sdk.UpdateContinuousBackupsInput{TableName: name, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)}})
	ok(t, err)
	del, err := b.c.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: name})
	ok(t, err)
	if del.TableDescription.TableStatus != types.TableStatusDeleting || b.Kinds()["table"] != 1 {
		t.Fatalf("deleted table is %s, %v", del.TableDescription.TableStatus, b.Kinds())
	}
	b.wait()
	if k := b.Kinds(); k["table"] != 0 || k["system-backup"] != 1 {
		t.Fatalf("a table with recovery leaves a system backup behind: %v", k)
	}
	_, err = b.c.DescribeTable(ctx, &sdk.DescribeTableInput{TableName: name})
	wantCode(t, "describe of a table that is gone", err, "ResourceNotFoundException")
}

func TestItems(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	name := aws.String("scores")
	b.create(t, *name)
	b.wait()
	for i := range 30 {
		_, err := b.c.PutItem(ctx, &sdk.PutItemInput{TableName: name, Item: av{"user": str(fmt.Sprintf("u%d", i%3)), "at": num(i), "kind": str("k"), "extra": str("e")}})
		ok(t, err)
	}
	var at []string
	p := sdk.NewQueryPaginator(b.c, &sdk.QueryInput{TableName: name, KeyConditionExpression: aws.String("#u = :u AND #a BETWEEN :lo AND :hi"), Limit: aws.Int32(2), ScanIndexForward: aws.Bool(false),
		ExpressionAttributeNames: map[string]string{"#u": "user", "#a": "at"}, ExpressionAttributeValues: av{":u": str("u1"), ":lo": num(4), ":hi": num(22)}})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		ok(t, err)
		for _, it := range page.Items {
			at = append(at, it["at"].(*types.AttributeValueMemberN).Value)
		}
	}
	if got := strings.Join(at, " "); got != "22 19 16 13 10 7 4" {
		t.Fatalf("query backwards = %s", got)
	}
	seen := 0
	for p := sdk.NewQueryPaginator(b.c, &sdk.QueryInput{TableName: name, IndexName: aws.String("by-kind"), KeyConditionExpression: aws.String("kind = :k"), Limit: aws.Int32(7),
		ExpressionAttributeValues: av{":k": str("k")}}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		ok(t, err)
		for _, it := range page.Items {
			if _, projected := it["extra"]; projected {
				t.Fatal("a KEYS_ONLY index shows other attributes")
			}
		}
		seen += len(page.Items)
	}
	if seen != 30 {
		t.Fatalf("30 items with one index key, paged by 7: %d", seen)
	}
	scanned := map[string]bool{}
	for seg := range 2 {
		out, err := b.c.Scan(ctx, &sdk.ScanInput{TableName: name, Segment: aws.Int32(int32(seg)), TotalSegments: aws.Int32(2), FilterExpression: aws.String("#a < :n"),
			ExpressionAttributeNames: map[string]string{"#a": "at"}, ExpressionAttributeValues: av{":n": num(10)}})
		ok(t, err)
		for _, it := range out.Items {
			scanned[it["at"].(*types.AttributeValueMemberN).Value] = true
		}
	}
	if len(scanned) != 10 {
		t.Fatalf("two segments hold %d of 10", len(scanned))
	}
	again := &sdk.PutItemInput{TableName: name, Item: av{"user": str("u0"), "at": num(0)}, ConditionExpression: aws.String("attribute_not_exists(at)")}
	_, err := b.c.PutItem(ctx, again)
	wantCode(t, "a reserved word in an expression", err, "ValidationException")
	again.ConditionExpression, again.ExpressionAttributeNames = aws.String("attribute_not_exists(#a)"), map[string]string{"#a": "at"}
	_, err = b.c.PutItem(ctx, again)
	wantCode(t, "a condition that does not hold", err, "ConditionalCheckFailedException")
	upd, err := b.c.UpdateItem(ctx, &sdk.UpdateItemInput{TableName: name, Key: av{"user": str("u0"), "at": num(0)}, UpdateExpression: aws.String("SET extra = :x ADD hits :one"),
		ExpressionAttributeValues: av{":x": str("new"), ":one": num(1)}, ReturnValues: types.ReturnValueUpdatedNew})
	ok(t, err)
	if len(upd.Attributes) != 2 {
		t.Fatalf("UPDATED_NEW = %v", upd.Attributes)
	}
	_, err = b.c.DeleteItem(ctx, &sdk.DeleteItemInput{TableName: name, Key: av{"user": str("u0"), "at": num(0)}, Expected: map[string]types.ExpectedAttributeValue{"x": {Exists: aws.Bool(false)}}})
	wantCode(t, "a legacy parameter", err, "ValidationException")
}

func TestTransactionsAreWhole(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	name := aws.String("scores")
	b.create(t, *name)
	b.wait()
	item := func(n int) *types.Put { return &types.Put{TableName: name, Item: av{"user": str("u"), "at": num(n)}} }
	second := item(2)
	second.ConditionExpression, second.ExpressionAttributeNames = aws.String("attribute_exists(#u)"), map[string]string{"#u": "user"}
	_, err := b.c.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: item(1)}, {Put: second}}})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 2 || *cancelled.CancellationReasons[1].Code != "ConditionalCheckFailed" {
		t.Fatalf("transaction = %v", err)
	}
	got, err := b.c.BatchGetItem(ctx, &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*name: {Keys: []map[string]types.AttributeValue{{"user": str("u"), "at": num(1)}}}}})
	ok(t, err)
	if len(got.Responses[*name]) != 0 {
		t.Fatal("half of a cancelled transaction was written")
	}
	_, err = b.c.BatchWriteItem(ctx, &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*name: {
		{PutRequest: &types.PutRequest{Item: item(1).Item}}, {PutRequest: &types.PutRequest{Item: item(2).Item}}}}})
	ok(t, err)
	_, err = b.c.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: second}}})
	ok(t, err)
}

func TestBackupsOutliveTables(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	name := aws.String("scores")
	b.create(t, *name)
	b.wait()
	_, err := b.c.PutItem(ctx, &sdk.PutItemInput{TableName: name, Item: av{"user": str("u"), "at": num(1)}})
	ok(t, err)
	bk, err := b.c.CreateBackup(ctx, &sdk.CreateBackupInput{TableName: name, BackupName: aws.String("nightly")})
	ok(t, err)
	_, err = b.c.DeleteBackup(ctx, &sdk.DeleteBackupInput{BackupArn: bk.BackupDetails.BackupArn})
	wantCode(t, "delete of a backup being made", err, "BackupInUseException")
	b.wait()
	_, err = b.c.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: name})
	ok(t, err)
	b.wait()
	list, err := b.c.ListBackups(ctx, &sdk.ListBackupsInput{TableName: name})
	ok(t, err)
	if len(list.BackupSummaries) != 1 || b.Kinds()["backup"] != 1 {
		t.Fatalf("backups = %v", list.BackupSummaries)
	}
	_, err = b.c.RestoreTableFromBackup(ctx, &sdk.RestoreTableFromBackupInput{BackupArn: bk.BackupDetails.BackupArn, TargetTableName: aws.String("again")})
	ok(t, err)
	b.wait()
	b.wait()
	out, err := b.c.Scan(ctx, &sdk.ScanInput{TableName: aws.String("again")})
	ok(t, err)
	if len(out.Items) != 1 {
		t.Fatalf("restored items = %v", out.Items)
	}
	_, err = b.c.DeleteBackup(ctx, &sdk.DeleteBackupInput{BackupArn: bk.BackupDetails.BackupArn})
	ok(t, err)
	_, err = b.c.DeleteBackup(ctx, &sdk.DeleteBackupInput{BackupArn: bk.BackupDetails.BackupArn})
	wantCode(t, "second delete", err, "BackupNotFoundException")
}

func TestTimeToLiveAndPaging(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	for i := range 120 {
		b.create(t, fmt.Sprintf("table-%03d", i))
	}
	b.wait()
	pages, seen := 0, 0
	for p := sdk.NewListTablesPaginator(b.c, &sdk.ListTablesInput{}); p.HasMorePages(); pages++ {
		page, err := p.NextPage(ctx)
		ok(t, err)
		seen += len(page.TableNames)
	}
	if pages != 2 || seen != 120 {
		t.Fatalf("%d tables on %d pages", seen, pages)
	}
	name := aws.String("table-000")
	spec := &types.TimeToLiveSpecification{AttributeName: aws.String("ends"), Enabled: aws.Bool(true)}
	_, err := b.c.UpdateTimeToLive(ctx, &sdk.UpdateTimeToLiveInput{TableName: name, TimeToLiveSpecification: spec})
	ok(t, err)
	spec.Enabled = aws.Bool(false)
	_, err = b.c.UpdateTimeToLive(ctx, &sdk.UpdateTimeToLiveInput{TableName: name, TimeToLiveSpecification: spec})
	wantCode(t, "a second change within the hour", err, "ValidationException")
	ends := int(b.World.Clock.Now().Add(30 * time.Second).Unix())
	_, err = b.c.PutItem(ctx, &sdk.PutItemInput{TableName: name, Item: av{"user": str("u"), "at": num(1), "ends": num(ends)}})
	ok(t, err)
	b.World.Clock.Advance(2 * time.Minute)
	out, err := b.c.Scan(ctx, &sdk.ScanInput{TableName: name})
	ok(t, err)
	if len(out.Items) != 0 {
		t.Fatal("an item whose time is over is still there")
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create(t, "cli-table")
	b.wait()
	b.CLI(t, "dynamodb", "put-item", "--table-name", "cli-table", "--item", `{"user":{"S":"a"},"at":{"N":"1"},"l":{"L":[]}}`)
	if out := b.CLI(t, "dynamodb", "scan", "--table-name", "cli-table"); !strings.Contains(out, `"L": []`) {
		t.Fatalf("scan printed %s", out)
	}
	if out := b.CLI(t, "dynamodb", "describe-continuous-backups", "--table-name", "cli-table"); !strings.Contains(out, `"PointInTimeRecoveryStatus": "DISABLED"`) {
		t.Fatal(out)
	}
}
