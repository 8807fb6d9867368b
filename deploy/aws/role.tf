# The management role: what KML's processes assume first. It lists accounts, steps
# into member accounts, and asks IAM what a policy would allow, nothing else.

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = var.fleet_principals
    }
  }
}

data "aws_iam_policy_document" "management" {
  statement {
    sid       = "ListAccounts"
    actions   = ["organizations:ListAccountsForParent"]
    resources = concat([for u in aws_organizations_organizational_unit.pool : u.arn], [aws_organizations_organizational_unit.quarantine.arn])
  }
  statement {
    sid       = "EnterAccounts"
    actions   = ["sts:AssumeRole"]
    resources = ["arn:${data.aws_partition.this.partition}:iam::*:role/${var.member_role}"]
    # Only in the fleet's own units, wherever an account is moved.
    condition {
      test     = "ForAnyValue:StringLike"
      variable = "aws:ResourceOrgPaths"
      values   = ["${data.aws_organizations_organization.this.id}/*/${aws_organizations_organizational_unit.fleet.id}/*"]
    }
  }
  statement {
    # For previews of what a lab type allows. The documents come with the call:
    # nothing of the account is read, and the action knows no resource.
    sid       = "AskIAM"
    actions   = ["iam:SimulateCustomPolicy"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "management" {
  name                 = var.management_role
  description          = "Assumed by KML to list accounts and to enter those of its units"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "management" {
  name   = "fleet"
  role   = aws_iam_role.management.id
  policy = data.aws_iam_policy_document.management.json
}
