resource "aws_dynamodb_table" "scores" {
  name         = "scores"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "user"
  range_key    = "at"
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
    name            = "by-kind"
    hash_key        = "kind"
    projection_type = "KEYS_ONLY"
  }
  ttl {
    attribute_name = "ends"
    enabled        = true
  }
  point_in_time_recovery { enabled = true }
  tags = { lab = "a" }
}
resource "aws_dynamodb_table" "slow" {
  name             = "slow"
  read_capacity    = 1
  write_capacity   = 1
  hash_key         = "id"
  stream_enabled   = true
  stream_view_type = "NEW_IMAGE"
  attribute {
    name = "id"
    type = "S"
  }
}
resource "aws_dynamodb_table_item" "one" {
  table_name = aws_dynamodb_table.slow.name
  hash_key   = aws_dynamodb_table.slow.hash_key
  item       = jsonencode({ id = { S = "one" }, n = { N = "1.5" } })
}
