resource "aws_s3_bucket" "lab" {
  bucket = "terraformed-${data.aws_caller_identity.me.account_id}"
  tags   = { lab = "one" }
}
resource "aws_s3_bucket_versioning" "lab" {
  bucket = aws_s3_bucket.lab.id
  versioning_configuration { status = "Enabled" }
}
resource "aws_s3_bucket_server_side_encryption_configuration" "lab" {
  bucket = aws_s3_bucket.lab.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
  }
}
resource "aws_s3_bucket_public_access_block" "lab" {
  bucket              = aws_s3_bucket.lab.id
  block_public_policy = true
}
resource "aws_s3_bucket_policy" "lab" {
  bucket = aws_s3_bucket.lab.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Sid       = "TLSOnly", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = "${aws_s3_bucket.lab.arn}/*",
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }] })
}
resource "aws_s3_bucket_lifecycle_configuration" "lab" {
  bucket = aws_s3_bucket.lab.id
  rule {
    id     = "old"
    status = "Enabled"
    filter { prefix = "logs/" }
    expiration { days = 30 }
  }
}
resource "aws_s3_bucket_cors_configuration" "lab" {
  bucket = aws_s3_bucket.lab.id
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["https://example.com"]
  }
}
resource "aws_s3_object" "code" {
  bucket = aws_s3_bucket.lab.id
  key    = "code/f.zip"
  source = "f.zip"
  etag   = filemd5("f.zip")
}
