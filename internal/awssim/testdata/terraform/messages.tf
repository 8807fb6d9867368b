resource "aws_sqs_queue" "dead" { name = "dead" }
resource "aws_sqs_queue" "jobs" {
  name                       = "jobs"
  visibility_timeout_seconds = 60
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 3 })
  tags                       = { lab = "one" }
}
resource "aws_sqs_queue_policy" "jobs" {
  queue_url = aws_sqs_queue.jobs.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect   = "Allow", Principal = { Service = "sns.amazonaws.com" }, Action = "sqs:SendMessage",
    Resource = aws_sqs_queue.jobs.arn, Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.news.arn } }
  }] })
}
resource "aws_sqs_queue" "ordered" {
  name                        = "ordered.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
}
resource "aws_sns_topic" "news" {
  name         = "news"
  display_name = "News"
}
resource "aws_sns_topic_subscription" "jobs" {
  topic_arn     = aws_sns_topic.news.arn
  protocol      = "sqs"
  endpoint      = aws_sqs_queue.jobs.arn
  filter_policy = jsonencode({ kind = ["job"] })
}
