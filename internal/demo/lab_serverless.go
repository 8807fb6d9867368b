package demo

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// How long, and how often, the SDK's waiters look.
const (
	waitMin = 200 * time.Millisecond
	waitMax = 20 * time.Second
)

// serverless: a function with a role, logs, a public URL and a schedule that
// goes on by itself, and a table with items.
func serverless(ctx context.Context, s *student) {
	region := s.creds.Regions[0]
	functions := lambda.NewFromConfig(s.own(region))
	s.backDoor("own key", func(ctx context.Context) error {
		_, err := functions.ListFunctions(ctx, &lambda.ListFunctionsInput{})
		return err
	})
	s.table(ctx, region)
	_, err := iam.NewFromConfig(s.own(region)).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(s.id("fn")), Path: aws.String(labPath),
		AssumeRolePolicyDocument: trusting(`{"Service":"lambda.amazonaws.com"}`)})
	s.forbidden("make a role without the boundary", err)
	role, err := iam.NewFromConfig(s.own(region)).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(s.id("fn")), Path: aws.String(labPath),
		PermissionsBoundary: &s.boundary, AssumeRolePolicyDocument: trusting(`{"Service":"lambda.amazonaws.com"}`)})
	if !s.makes(1, "make a role for the function", err) {
		return
	}
	_, err = iam.NewFromConfig(s.own(region)).AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role.Role.RoleName, PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")})
	s.must("let the function log", err)
	code, err := pack()
	if !s.must("pack the function", err) {
		return
	}
	name := aws.String(s.id("fn"))
	var arn string
	err = eventually(ctx, func() error {
		out, err := functions.CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: name, Role: role.Role.Arn, Runtime: lambdatypes.RuntimePython312,
			Handler: aws.String("index.handler"), Code: &lambdatypes.FunctionCode{ZipFile: code}})
		if err == nil {
			arn = aws.ToString(out.FunctionArn)
		}
		return err
	})
	if !s.makes(1, "create a function", err) {
		return
	}
	s.must("wait for the function", lambda.NewFunctionActiveV2Waiter(functions, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = waitMin }).Wait(ctx, &lambda.GetFunctionInput{FunctionName: name}, waitMax))
	_, err = functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, Payload: []byte(`{"hello":"world"}`)})
	s.makes(1, "invoke the function", err) // its log group
	s.functionURL(ctx, functions, name)
	s.schedule(ctx, region, functions, name, arn)
	_, err = cloudwatchlogs.NewFromConfig(s.own(region)).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/lab/" + s.id("log"))})
	s.makes(1, "create a log group", err)
	s.forbidFleet(ctx)
}

func (s *student) table(ctx context.Context, region string) {
	c := dynamodb.NewFromConfig(s.own(region))
	name := aws.String(s.id("table"))
	_, err := c.CreateTable(ctx, &dynamodb.CreateTableInput{TableName: name, BillingMode: ddbtypes.BillingModePayPerRequest, DeletionProtectionEnabled: aws.Bool(s.rng.IntN(2) == 0),
		AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
		KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: ddbtypes.KeyTypeHash}}})
	if !s.makes(1, "create a table", err) {
		return
	}
	s.must("wait for the table", dynamodb.NewTableExistsWaiter(c, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = waitMin }).Wait(ctx, &dynamodb.DescribeTableInput{TableName: name}, waitMax))
	for i := range 5 {
		_, err = c.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: map[string]ddbtypes.AttributeValue{"pk": &ddbtypes.AttributeValueMemberS{Value: fmt.Sprint(i)}}})
		s.must("put an item", err)
	}
}

// functionURL opens a function to the world, without any credential.
func (s *student) functionURL(ctx context.Context, c *lambda.Client, name *string) {
	out, err := c.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: name, AuthType: lambdatypes.FunctionUrlAuthTypeNone})
	if !s.makes(1, "create a function URL", err) {
		return
	}
	_, err = c.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: name, StatementId: aws.String("public"), Action: aws.String("lambda:InvokeFunctionUrl"),
		Principal: aws.String("*"), FunctionUrlAuthType: lambdatypes.FunctionUrlAuthTypeNone})
	s.must("make the URL public", err)
	_, err = c.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: name, StatementId: aws.String("public-invoke"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("*"), InvokedViaFunctionUrl: aws.Bool(true)})
	s.must("let the URL invoke the function", err)
	address := aws.ToString(out.FunctionUrl)
	s.openDoor("public function URL", func(ctx context.Context) error { return s.callURL(ctx, address) })
}

var errRefused = errors.New("refused")

// callURL calls a function URL: the simulated AWS answers it by its Host.
func (s *student) callURL(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.endpoint+"/", nil)
	if err != nil {
		return err
	}
	req.Host = u.Host
	resp, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%w: %s", errRefused, resp.Status)
	}
	return nil
}

// schedule makes a rule that calls the function for ever.
func (s *student) schedule(ctx context.Context, region string, functions *lambda.Client, name *string, arn string) {
	c := eventbridge.NewFromConfig(s.own(region))
	rule := aws.String(s.id("rule"))
	out, err := c.PutRule(ctx, &eventbridge.PutRuleInput{Name: rule, ScheduleExpression: aws.String("rate(1 minute)")})
	if !s.makes(1, "make a schedule", err) {
		return
	}
	_, err = functions.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: name, StatementId: aws.String("events"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("events.amazonaws.com"), SourceArn: out.RuleArn})
	s.must("let the schedule call the function", err)
	_, err = c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: rule, Targets: []ebtypes.Target{{Id: aws.String("1"), Arn: &arn}}})
	s.must("aim the schedule at the function", err)
}

// pack makes the smallest deployment package.
func pack() ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("index.py")
	if err != nil {
		return nil, err
	}
	if _, err := w.Write([]byte("def handler(event, context):\n    return event\n")); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil { // writes the directory
		return nil, err
	}
	return b.Bytes(), nil
}
