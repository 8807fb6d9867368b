package lambda_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/core/coretest"
	"github.com/kodekloud/kml/internal/awssim/services/lambda"
	"github.com/kodekloud/kml/internal/awssim/services/logs"
)

const goodRole = "arn:aws:iam::111111111111:role/fn"

// roles knows one role, which may do all but what is in denied.
type roles struct{ denied string }

func (r *roles) Assumable(role, _ string, _ time.Time) bool { return role == goodRole }
func (r *roles) Allows(_, action, _ string, _ time.Time) bool {
	return r.denied == "" || !strings.HasPrefix(action, r.denied)
}

type bench struct {
	*coretest.Bench
	c     *sdk.Client
	l     *lambda.Service
	roles *roles
	zip   []byte
}

func setup(t *testing.T, policy string) *bench {
	t.Helper()
	b := &bench{roles: &roles{}}
	var lg *logs.Service
	b.Bench = coretest.New(t, core.Options{Seed: 1, StateDelay: 2 * time.Second}, policy,
		func(w *core.World) *core.Service { lg = logs.New(w, nil); return lg.Core() },
		func(w *core.World) *core.Service {
			b.l = lambda.New(w, lambda.Deps{Roles: b.roles, Logs: lg})
			return b.l.Core()
		})
	b.c = sdk.NewFromConfig(b.Config)
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	f, err := z.Create("index.py")
	if err == nil {
		_, err = io.WriteString(f, "def handler(e, c): return e")
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	b.zip = buf.Bytes()
	return b
}

func (b *bench) create(t *testing.T, name string) *sdk.CreateFunctionOutput {
	t.Helper()
	out, err := b.c.CreateFunction(t.Context(), &sdk.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(goodRole), Runtime: types.RuntimePython312, Handler: aws.String("index.handler"),
		Code: &types.FunctionCode{ZipFile: b.zip}, Tags: map[string]string{"lab": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

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

func TestFunctionLifeIsAsynchronous(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, coretest.Everything), t.Context()
	fn := aws.String("f")
	if out := b.create(t, "f"); out.State != types.StatePending {
		t.Fatalf("a new function is %s", out.State)
	}
	_, err := b.c.Invoke(ctx, &sdk.InvokeInput{FunctionName: fn})
	wantCode(t, "invoke while pending", err, "ResourceConflictException")
	b.World.Clock.Advance(2 * time.Second)
	got, err := b.c.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("arn:aws:lambda:eu-west-1:111111111111:function:f")})
	ok(t, err)
	if got.Configuration.State != types.StateActive || got.Code.Location == nil || got.Tags["lab"] != "a" {
		t.Fatalf("GetFunction by ARN = %+v", got)
	}
	_, err = b.c.UpdateFunctionConfiguration(ctx, &sdk.UpdateFunctionConfigurationInput{FunctionName: fn, MemorySize: aws.Int32(256), Environment: &types.Environment{Variables: map[string]string{"A": "1"}}})
	ok(t, err)
	_, err = b.c.UpdateFunctionCode(ctx, &sdk.UpdateFunctionCodeInput{FunctionName: fn, ZipFile: b.zip})
	wantCode(t, "an update during an update", err, "ResourceConflictException")
	b.World.Clock.Advance(2 * time.Second)
	v, err := b.c.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: fn})
	ok(t, err)
	again, err := b.c.PublishVersion(ctx, &sdk.PublishVersionInput{FunctionName: fn})
	ok(t, err)
	if *v.Version != "1" || *again.Version != "1" || *v.MemorySize != 256 {
		t.Fatalf("publishing without a change gives the last version: %s, %s", *v.Version, *again.Version)
	}
	_, err = b.c.CreateAlias(ctx, &sdk.CreateAliasInput{FunctionName: fn, Name: aws.String("live"), FunctionVersion: aws.String("1")})
	ok(t, err)
	_, err = b.c.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: fn, Qualifier: aws.String("1")})
	wantCode(t, "delete of a version with an alias", err, "ResourceConflictException")
	_, err = b.c.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: fn})
	ok(t, err)
	_, err = b.c.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: fn})
	wantCode(t, "second delete", err, "ResourceNotFoundException")
}

func TestBadFunctionsAreRefused(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, coretest.Everything), t.Context()
	in := sdk.CreateFunctionInput{FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::111111111111:role/gone"),
		Runtime: types.RuntimePython312, Handler: aws.String("h"), Code: &types.FunctionCode{ZipFile: b.zip}}
	_, err := b.c.CreateFunction(ctx, &in)
	if code(err) != "InvalidParameterValueException" || !strings.Contains(err.Error(), "cannot be assumed by Lambda") {
		t.Fatalf("a role that is not there = %v", err)
	}
	in.Role, in.Code = aws.String(goodRole), &types.FunctionCode{ZipFile: []byte("no zip")}
	_, err = b.c.CreateFunction(ctx, &in)
	if code(err) != "InvalidParameterValueException" || !strings.Contains(err.Error(), "unzip") {
		t.Fatalf("no zip = %v", err)
	}
	b.create(t, "f")
	in.Code.ZipFile = b.zip
	_, err = b.c.CreateFunction(ctx, &in)
	wantCode(t, "second create", err, "ResourceConflictException")
	nopass := setup(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*"},
		{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}]}`)
	_, err = nopass.c.CreateFunction(ctx, &in)
	if code(err) != "AccessDeniedException" || !strings.Contains(err.Error(), "iam:PassRole") {
		t.Fatalf("create without iam:PassRole for lambda = %v", err)
	}
}

func TestInvocationMakesTheLogGroupComeBack(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, coretest.Everything), t.Context()
	b.create(t, "f")
	b.World.Clock.Advance(2 * time.Second)
	invoke := func(kind types.InvocationType) (*sdk.InvokeOutput, error) {
		return b.c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"FunctionName":7}`), InvocationType: kind, LogType: types.LogTypeTail})
	}
	if b.Kinds()["log-group"] != 0 {
		t.Fatal("there is a log group before the first invocation")
	}
	out, err := invoke("")
	ok(t, err)
	if out.StatusCode != 200 || string(out.Payload) != `{"FunctionName":7}` || out.LogResult == nil || *out.ExecutedVersion != "$LATEST" {
		t.Fatalf("Invoke = %+v %s", out, out.Payload)
	}
	if b.Kinds()["log-group"] != 1 {
		t.Fatal("no log group after an invocation")
	}
	dry, err := invoke(types.InvocationTypeDryRun)
	ok(t, err)
	event, err := invoke(types.InvocationTypeEvent)
	ok(t, err)
	if dry.StatusCode != 204 || event.StatusCode != 202 {
		t.Fatalf("DryRun %d, Event %d", dry.StatusCode, event.StatusCode)
	}
	var asRole int
	b.World.Do(func() {
		for _, e := range b.World.Trail.All(coretest.Account) {
			if e.EventName == "CreateLogGroup" && e.UserIdentity.SessionContext.SessionIssuer.ARN == goodRole {
				asRole++
			}
		}
	})
	if asRole != 1 {
		t.Fatalf("CreateLogGroup by the function's role is in the trail %d times", asRole)
	}
	_, err = b.c.PutFunctionConcurrency(ctx, &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(0)})
	ok(t, err)
	_, err = invoke("")
	wantCode(t, "invoke with nothing reserved", err, "TooManyRequestsException")

	b.roles.denied = "logs:"
	b.create(t, "mute")
	b.World.Clock.Advance(2 * time.Second)
	_, err = b.c.Invoke(ctx, &sdk.InvokeInput{FunctionName: aws.String("mute")})
	ok(t, err)
	if b.Kinds()["log-group"] != 1 {
		t.Fatal("a function whose role may not log has logged")
	}
}

func TestFunctionURLForStrangers(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, coretest.Everything), t.Context()
	b.create(t, "f")
	b.World.Clock.Advance(2 * time.Second)
	u, err := b.c.CreateFunctionUrlConfig(ctx, &sdk.CreateFunctionUrlConfigInput{FunctionName: aws.String("f"), AuthType: types.FunctionUrlAuthTypeNone})
	ok(t, err)
	get := func() (int, string) {
		req, err := http.NewRequestWithContext(ctx, "POST", b.URL+"/hello?x=1", strings.NewReader("{not json"))
		ok(t, err)
		req.Host = strings.TrimSuffix(strings.TrimPrefix(*u.FunctionUrl, "https://"), "/")
		resp, err := http.DefaultClient.Do(req)
		ok(t, err)
		defer func() { ok(t, resp.Body.Close()) }()
		body, err := io.ReadAll(resp.Body)
		ok(t, err)
		return resp.StatusCode, string(body)
	}
	if status, body := get(); status != 403 {
		t.Fatalf("without a public permission: %d %s", status, body)
	}
	add := func(in sdk.AddPermissionInput) {
		in.FunctionName, in.Principal = aws.String("f"), aws.String("*")
		_, err := b.c.AddPermission(ctx, &in)
		ok(t, err)
	}
	add(sdk.AddPermissionInput{StatementId: aws.String("url"), Action: aws.String("lambda:InvokeFunctionUrl"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone})
	if status, _ := get(); status != 403 {
		t.Fatalf("with lambda:InvokeFunctionUrl alone: %d; new URLs need lambda:InvokeFunction too", status)
	}
	add(sdk.AddPermissionInput{StatementId: aws.String("fn"), Action: aws.String("lambda:InvokeFunction"), InvokedViaFunctionUrl: aws.Bool(true)})
	status, body := get()
	var event struct{ RawPath, Body string }
	if err := json.Unmarshal([]byte(body), &event); status != 200 || err != nil || event.RawPath != "/hello" || event.Body != "{not json" {
		t.Fatalf("public function URL: %d %s", status, body)
	}
	_, err = b.c.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: aws.String("f"), StatementId: aws.String("url")})
	ok(t, err)
	if status, _ := get(); status != 403 {
		t.Fatalf("after taking the permission away: %d", status)
	}
	pol, err := b.c.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: aws.String("f")})
	ok(t, err)
	if !strings.Contains(*pol.Policy, `"Sid":"fn"`) || strings.Contains(*pol.Policy, `"Sid":"url"`) {
		t.Fatalf("policy = %s", *pol.Policy)
	}
}

func TestInvokeForAService(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, coretest.Everything), t.Context()
	arn := *b.create(t, "f").FunctionArn
	b.World.Clock.Advance(2 * time.Second)
	rule := "arn:aws:events:eu-west-1:111111111111:rule/tick"
	run := func() (err error) {
		b.World.Do(func() { err = b.l.InvokeFor("events.amazonaws.com", rule, arn, b.World.Clock.Now()) })
		return err
	}
	if err := run(); err == nil {
		t.Fatal("a service without a permission may invoke")
	}
	_, err := b.c.AddPermission(ctx, &sdk.AddPermissionInput{FunctionName: aws.String("f"), StatementId: aws.String("r"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("events.amazonaws.com"), SourceArn: &rule})
	ok(t, err)
	ok(t, run())
	if b.Kinds()["log-group"] != 1 {
		t.Fatal("the invocation left no log group")
	}
}

func TestMappingsOutliveFunctionsAndEndLater(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, coretest.Everything), t.Context()
	b.create(t, "f")
	in := &sdk.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: aws.String("arn:aws:sqs:eu-west-1:111111111111:q")}
	m, err := b.c.CreateEventSourceMapping(ctx, in)
	ok(t, err)
	_, err = b.c.CreateEventSourceMapping(ctx, in)
	wantCode(t, "second mapping", err, "ResourceConflictException")
	_, err = b.c.DeleteEventSourceMapping(ctx, &sdk.DeleteEventSourceMappingInput{UUID: m.UUID})
	wantCode(t, "delete while creating", err, "ResourceInUseException")
	b.World.Clock.Advance(2 * time.Second)
	_, err = b.c.DeleteFunction(ctx, &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
	ok(t, err)
	got, err := b.c.GetEventSourceMapping(ctx, &sdk.GetEventSourceMappingInput{UUID: m.UUID})
	ok(t, err)
	if *got.State != "Enabled" || *got.BatchSize != 10 {
		t.Fatalf("mapping = %s %d", *got.State, *got.BatchSize)
	}
	del, err := b.c.DeleteEventSourceMapping(ctx, &sdk.DeleteEventSourceMappingInput{UUID: m.UUID})
	ok(t, err)
	if *del.State != "Deleting" || b.Kinds()["event-source-mapping"] != 1 {
		t.Fatalf("a deleted mapping is %s, inventory %v", *del.State, b.Kinds())
	}
	b.World.Clock.Advance(2 * time.Second)
	if b.Kinds()["event-source-mapping"] != 0 {
		t.Fatal("the mapping does not end")
	}
}

func TestListsArePaged(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, coretest.Everything), t.Context()
	for i := range 60 {
		b.create(t, fmt.Sprintf("f%02d", i))
	}
	pages, seen := 0, 0
	for p := sdk.NewListFunctionsPaginator(b.c, &sdk.ListFunctionsInput{}); p.HasMorePages(); pages++ {
		page, err := p.NextPage(ctx)
		ok(t, err)
		seen += len(page.Functions)
	}
	if pages != 2 || seen != 60 {
		t.Fatalf("%d functions on %d pages", seen, pages)
	}
	for range 2 {
		_, err := b.c.PublishLayerVersion(ctx, &sdk.PublishLayerVersionInput{LayerName: aws.String("l"), Content: &types.LayerVersionContentInput{ZipFile: b.zip}})
		ok(t, err)
	}
	layers, err := b.c.ListLayers(ctx, &sdk.ListLayersInput{})
	ok(t, err)
	if len(layers.Layers) != 1 || layers.Layers[0].LatestMatchingVersion.Version != 2 || b.Kinds()["layer-version"] != 2 {
		t.Fatalf("layers = %+v, %v", layers.Layers, b.Kinds())
	}
	byARN, err := b.c.GetLayerVersionByArn(ctx, &sdk.GetLayerVersionByArnInput{Arn: layers.Layers[0].LatestMatchingVersion.LayerVersionArn})
	ok(t, err)
	if byARN.Version != 2 {
		t.Fatalf("GetLayerVersionByArn = %d", byARN.Version)
	}
	_, err = b.c.DeleteLayerVersion(ctx, &sdk.DeleteLayerVersionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(1)})
	ok(t, err)
	if b.Kinds()["layer-version"] != 1 {
		t.Fatal(b.Kinds())
	}
	prov, err := b.c.ListProvisionedConcurrencyConfigs(ctx, &sdk.ListProvisionedConcurrencyConfigsInput{FunctionName: aws.String("f00")})
	ok(t, err)
	if len(prov.ProvisionedConcurrencyConfigs) != 0 {
		t.Fatal(prov)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	b := setup(t, coretest.Everything)
	dir := t.TempDir()
	zipFile := filepath.Join(dir, "f.zip")
	ok(t, os.WriteFile(zipFile, b.zip, 0o600))
	b.CLI(t, "lambda", "create-function", "--function-name", "cli", "--runtime", "python3.12", "--handler", "h.h", "--role", goodRole, "--zip-file", "fileb://"+zipFile)
	b.World.Clock.Advance(2 * time.Second)
	b.CLI(t, "lambda", "invoke", "--function-name", "cli", "--payload", `{"a":1}`, filepath.Join(dir, "out"))
	out, err := os.ReadFile(filepath.Join(dir, "out"))
	ok(t, err)
	if string(out) != `{"a":1}` {
		t.Fatalf("invoke wrote %s", out)
	}
	b.CLI(t, "lambda", "tag-resource", "--resource", "arn:aws:lambda:eu-west-1:111111111111:function:cli", "--tags", "k=v")
	if got := b.CLI(t, "lambda", "list-tags", "--resource", "arn:aws:lambda:eu-west-1:111111111111:function:cli"); !strings.Contains(got, `"k": "v"`) {
		t.Fatalf("list-tags = %s", got)
	}
	b.CLI(t, "lambda", "delete-function", "--function-name", "cli")
}
