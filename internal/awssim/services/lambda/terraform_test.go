package lambda_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/core/coretest"
	"github.com/kodekloud/kml/internal/awssim/services/cloudwatch"
	"github.com/kodekloud/kml/internal/awssim/services/dynamodb"
	"github.com/kodekloud/kml/internal/awssim/services/events"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
	"github.com/kodekloud/kml/internal/awssim/services/lambda"
	"github.com/kodekloud/kml/internal/awssim/services/logs"
)

const terraformPlan = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region = "eu-west-1"
  access_key = "@KEY@"
  secret_key = "@SECRET@"
  skip_credentials_validation = true
  skip_requesting_account_id = true
  skip_metadata_api_check = true
  endpoints {
    iam = "@ENDPOINT@"
    lambda = "@ENDPOINT@"
    dynamodb = "@ENDPOINT@"
    events = "@ENDPOINT@"
    logs = "@ENDPOINT@"
    cloudwatch = "@ENDPOINT@"
  }
}
resource "aws_iam_role" "fn" {
  name = "fn"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}
resource "aws_cloudwatch_log_group" "fn" {
  name = "/aws/lambda/${aws_lambda_function.fn.function_name}"
  retention_in_days = 7
  tags = { lab = "a" }
}
resource "aws_cloudwatch_log_metric_filter" "errors" {
  name = "errors"
  pattern = "ERROR"
  log_group_name = aws_cloudwatch_log_group.fn.name
  metric_transformation {
    name = "Errors"
    namespace = "Lab"
    value = "1"
  }
}
resource "aws_lambda_layer_version" "l" {
  filename = "f.zip"
  layer_name = "shared"
  compatible_runtimes = ["python3.12"]
}
resource "aws_lambda_function" "fn" {
  function_name = "fn"
  role = aws_iam_role.fn.arn
  runtime = "python3.12"
  handler = "index.handler"
  filename = "f.zip"
  source_code_hash = filebase64sha256("f.zip")
  publish = true
  layers = [aws_lambda_layer_version.l.arn]
  reserved_concurrent_executions = 5
  environment { variables = { MODE = "lab" } }
  tags = { lab = "a" }
}
resource "aws_lambda_alias" "live" {
  name = "live"
  function_name = aws_lambda_function.fn.function_name
  function_version = aws_lambda_function.fn.version
}
resource "aws_lambda_function_url" "fn" {
  function_name = aws_lambda_function.fn.function_name
  authorization_type = "AWS_IAM"
}
resource "aws_lambda_function_event_invoke_config" "fn" {
  function_name = aws_lambda_function.fn.function_name
  maximum_retry_attempts = 1
}
resource "aws_lambda_event_source_mapping" "q" {
  event_source_arn = "arn:aws:sqs:eu-west-1:111111111111:jobs"
  function_name = aws_lambda_function.fn.arn
}
resource "aws_lambda_permission" "tick" {
  statement_id = "tick"
  action = "lambda:InvokeFunction"
  function_name = aws_lambda_function.fn.function_name
  principal = "events.amazonaws.com"
  source_arn = aws_cloudwatch_event_rule.tick.arn
}
resource "aws_cloudwatch_event_rule" "tick" {
  name = "tick"
  schedule_expression = "rate(5 minutes)"
  tags = { lab = "a" }
}
resource "aws_cloudwatch_event_target" "tick" {
  rule = aws_cloudwatch_event_rule.tick.name
  arn = aws_lambda_function.fn.arn
  input = jsonencode({ from = "tick" })
}
resource "aws_cloudwatch_event_bus" "orders" { name = "orders" }
resource "aws_cloudwatch_event_rule" "placed" {
  name = "placed"
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  event_pattern = jsonencode({ detail-type = ["placed"] })
}
resource "aws_dynamodb_table" "scores" {
  name = "scores"
  billing_mode = "PAY_PER_REQUEST"
  hash_key = "user"
  range_key = "at"
  attribute {
    name = "user"
    type = "S"
  }
  attribute {
    name = "at"
    type = "N"
  }
  attribute {
    name = "kind"
    type = "S"
  }
  global_secondary_index {
    name = "by-kind"
    hash_key = "kind"
    projection_type = "KEYS_ONLY"
  }
  ttl {
    attribute_name = "ends"
    enabled = true
  }
  point_in_time_recovery { enabled = true }
  tags = { lab = "a" }
}
resource "aws_dynamodb_table" "slow" {
  name = "slow"
  read_capacity = 1
  write_capacity = 1
  hash_key = "id"
  stream_enabled = true
  stream_view_type = "NEW_IMAGE"
  attribute {
    name = "id"
    type = "S"
  }
}
resource "aws_dynamodb_table_item" "one" {
  table_name = aws_dynamodb_table.slow.name
  hash_key = aws_dynamodb_table.slow.hash_key
  item = jsonencode({ id = { S = "one" }, n = { N = "1.5" } })
}
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name = "errors"
  namespace = "AWS/Lambda"
  metric_name = "Errors"
  statistic = "Sum"
  period = 60
  evaluation_periods = 1
  threshold = 0
  comparison_operator = "GreaterThanThreshold"
  dimensions = { FunctionName = aws_lambda_function.fn.function_name }
  tags = { lab = "a" }
}
resource "aws_cloudwatch_composite_alarm" "any" {
  alarm_name = "any"
  alarm_rule = "ALARM(${aws_cloudwatch_metric_alarm.errors.alarm_name})"
}
resource "aws_cloudwatch_dashboard" "d" {
  dashboard_name = "d"
  dashboard_body = jsonencode({ widgets = [] })
}
`

// trusting asks IAM whether a role can be assumed, and lets roles do all.
type trusting struct{ iam *iam.IAM }

func (r trusting) Assumable(arn, service string, now time.Time) bool {
	_, err := r.iam.RoleForService(arn, service, now)
	return err == nil
}

func (trusting) Allows(string, string, string, time.Time) bool { return true }

// TestTerraform holds Lambda and its neighbours against a client that nobody
// here wrote: apply, a second plan without changes, destroy. It needs a
// terraform whose CLI configuration (TF_CLI_CONFIG_FILE) says where the AWS
// provider is.
func TestTerraform(t *testing.T) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("no terraform on this machine")
	}
	if cfg, err := os.Stat(os.Getenv("TF_CLI_CONFIG_FILE")); err != nil || cfg.IsDir() {
		t.Skip("no terraform with a configured provider mirror on this machine")
	}
	if testing.Short() {
		t.Skip("terraform takes its time")
	}
	w := core.NewWorld(core.Options{Seed: 1})
	people := iam.New(w)
	metrics := cloudwatch.New(w, nil)
	groups := logs.New(w, metrics)
	functions := lambda.New(w, lambda.Deps{Roles: trusting{people}, Logs: groups, Metrics: metrics})
	for _, s := range []*core.Service{metrics.Core(), groups.Core(), functions.Core(), events.New(w, functions, metrics).Core(), dynamodb.New(w).Core()} {
		w.Add(s)
	}
	const account = "111111111111"
	plan := terraformPlan
	w.Do(func() {
		people.AddAccount(account, "lab")
		key, err := people.AddUser(account, "/", "ada", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
		ok(t, err)
		plan = strings.NewReplacer("@KEY@", key.AccessKeyID, "@SECRET@", key.SecretAccessKey).Replace(plan)
	})
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	plan = strings.ReplaceAll(plan, "@ENDPOINT@", srv.URL)

	dir := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(dir, "main.tf"), []byte(plan), 0o600))
	ok(t, os.WriteFile(filepath.Join(dir, "f.zip"), setup(t, coretest.Everything).zip, 0o600))
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), path, append(args, "-no-color", "-input=false")...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("init")
	run("apply", "-auto-approve")
	run("plan", "-detailed-exitcode") // exit code 2 would mean changes
	run("destroy", "-auto-approve")
	for _, r := range w.Inventory(account)[account] {
		if !r.Default && r.Service != "iam" && r.Kind != "system-backup" {
			t.Errorf("terraform left %+v", r)
		}
	}
}
