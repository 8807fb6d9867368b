resource "aws_iam_role" "fn" {
  name               = "fn"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}
resource "aws_cloudwatch_log_group" "fn" {
  name              = "/aws/lambda/${aws_lambda_function.fn.function_name}"
  retention_in_days = 7
  tags              = { lab = "a" }
}
resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "errors"
  pattern        = "ERROR"
  log_group_name = aws_cloudwatch_log_group.fn.name
  metric_transformation {
    name      = "Errors"
    namespace = "Lab"
    value     = "1"
  }
}
resource "aws_lambda_layer_version" "l" {
  filename            = "f.zip"
  layer_name          = "shared"
  compatible_runtimes = ["python3.12"]
}
resource "aws_lambda_function" "fn" {
  function_name                  = "fn"
  role                           = aws_iam_role.fn.arn
  runtime                        = "python3.12"
  handler                        = "index.handler"
  filename                       = "f.zip"
  source_code_hash               = filebase64sha256("f.zip")
  publish                        = true
  layers                         = [aws_lambda_layer_version.l.arn]
  reserved_concurrent_executions = 5
  environment { variables = { MODE = "lab" } }
  tags = { lab = "a" }
}
resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.fn.function_name
  function_version = aws_lambda_function.fn.version
}
resource "aws_lambda_function_url" "fn" {
  function_name      = aws_lambda_function.fn.function_name
  authorization_type = "AWS_IAM"
}
resource "aws_lambda_function_event_invoke_config" "fn" {
  function_name          = aws_lambda_function.fn.function_name
  maximum_retry_attempts = 1
}
resource "aws_lambda_event_source_mapping" "q" {
  event_source_arn = aws_sqs_queue.jobs.arn
  function_name    = aws_lambda_function.fn.arn
  depends_on       = [aws_iam_role_policy.fn]
}
resource "aws_lambda_permission" "tick" {
  statement_id  = "tick"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.fn.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.tick.arn
}
resource "aws_cloudwatch_event_rule" "tick" {
  name                = "tick"
  schedule_expression = "rate(5 minutes)"
  tags                = { lab = "a" }
}
resource "aws_cloudwatch_event_target" "tick" {
  rule  = aws_cloudwatch_event_rule.tick.name
  arn   = aws_lambda_function.fn.arn
  input = jsonencode({ from = "tick" })
}
resource "aws_cloudwatch_event_bus" "orders" { name = "orders" }
resource "aws_cloudwatch_event_rule" "placed" {
  name           = "placed"
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  event_pattern  = jsonencode({ detail-type = ["placed"] })
}
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "errors"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  alarm_actions       = [aws_sns_topic.news.arn]
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  dimensions          = { FunctionName = aws_lambda_function.fn.function_name }
  tags                = { lab = "a" }
}
resource "aws_cloudwatch_composite_alarm" "any" {
  alarm_name = "any"
  alarm_rule = "ALARM(${aws_cloudwatch_metric_alarm.errors.alarm_name})"
}
resource "aws_cloudwatch_dashboard" "d" {
  dashboard_name = "d"
  dashboard_body = jsonencode({ widgets = [] })
}
resource "aws_iam_role_policy" "fn" {
  name = "queue"
  role = aws_iam_role.fn.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], Resource = aws_sqs_queue.jobs.arn
  }] })
}
resource "aws_iam_role_policy_attachment" "fn" {
  role       = aws_iam_role.fn.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
}
resource "aws_lambda_function" "inside" {
  function_name = "inside"
  role          = aws_iam_role.fn.arn
  runtime       = "python3.12"
  handler       = "index.handler"
  s3_bucket     = aws_s3_object.code.bucket
  s3_key        = aws_s3_object.code.key
  vpc_config {
    subnet_ids         = aws_subnet.lab[*].id
    security_group_ids = [aws_security_group.other.id]
  }
  depends_on = [aws_iam_role_policy_attachment.fn]
}
