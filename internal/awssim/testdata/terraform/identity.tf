resource "aws_iam_policy" "p" {
  name   = "p"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }] })
  tags   = { lab = "a" }
}
resource "aws_iam_user" "u" {
  name                 = "ada"
  path                 = "/kml/"
  permissions_boundary = aws_iam_policy.p.arn
  tags                 = { lab = "a" }
}
resource "aws_iam_user_policy" "u" {
  name   = "inline"
  user   = aws_iam_user.u.name
  policy = aws_iam_policy.p.policy
}
resource "aws_iam_user_policy_attachment" "u" {
  user       = aws_iam_user.u.name
  policy_arn = aws_iam_policy.p.arn
}
resource "aws_iam_access_key" "u" { user = aws_iam_user.u.name }
resource "aws_iam_group" "g" { name = "g" }
resource "aws_iam_user_group_membership" "m" {
  user   = aws_iam_user.u.name
  groups = [aws_iam_group.g.name]
}
resource "aws_iam_role" "r" {
  name                 = "r"
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
  max_session_duration = 7200
}
resource "aws_iam_role_policy_attachment" "r" {
  role       = aws_iam_role.r.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}
resource "aws_iam_instance_profile" "i" {
  name = "i"
  role = aws_iam_role.r.name
}
resource "aws_iam_account_alias" "a" { account_alias = "lab-one" }
