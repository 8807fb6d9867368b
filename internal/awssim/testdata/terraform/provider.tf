# Nothing but the endpoint (AWS_ENDPOINT_URL) tells the provider that it does
# not talk to AWS.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region            = "eu-west-1"
  s3_use_path_style = true
  default_tags { tags = { course = "cloud" } }
}
data "aws_caller_identity" "me" {}
