output "organizations_yaml" {
  description = "For the file that KML_ORGANIZATIONS_FILE names."
  value = yamlencode([{
    name               = var.organization_name
    management_account = data.aws_caller_identity.this.account_id
    management_role    = aws_iam_role.management.arn
    member_role        = var.member_role
    ous = concat(
      [for name, u in aws_organizations_organizational_unit.pool : { id = u.id, purpose = var.units[name], warm = var.warm }],
      [{ id = aws_organizations_organizational_unit.quarantine.id, purpose = "quarantine" }],
    )
  }])
}
