# What KML needs in an AWS organization. Apply it with an administrator of the
# management account (or a delegated administrator of Organizations' policies).

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

data "aws_organizations_organization" "this" {
  lifecycle {
    postcondition {
      condition     = contains(self.enabled_policy_types, "SERVICE_CONTROL_POLICY")
      error_message = "Service control policies are off: aws organizations enable-policy-type --policy-type SERVICE_CONTROL_POLICY --root-id r-..."
    }
  }
}

resource "aws_organizations_organizational_unit" "fleet" {
  name      = "kml"
  parent_id = var.parent_id
}

resource "aws_organizations_organizational_unit" "pool" {
  for_each  = var.units
  name      = each.key
  parent_id = aws_organizations_organizational_unit.fleet.id
}

# For accounts under investigation: nobody but the fleet's role can do anything.
resource "aws_organizations_organizational_unit" "quarantine" {
  name      = "quarantine"
  parent_id = aws_organizations_organizational_unit.fleet.id
}

locals {
  # The files name the usual member role, so that they can be read and tested as
  # they are.
  guardrails = {
    for name in ["fleet", "never", "quarantine"] :
    name => replace(file("${path.module}/scp-${name}.json"), "OrganizationAccountAccessRole", var.member_role)
  }
}

resource "aws_organizations_policy" "guardrail" {
  for_each    = local.guardrails
  name        = "kml-${each.key}"
  description = "KML: see docs/operators.md"
  type        = "SERVICE_CONTROL_POLICY"
  content     = jsonencode(jsondecode(each.value)) # white space counts towards the limit
}

resource "aws_organizations_policy_attachment" "fleet" {
  for_each  = toset(["fleet", "never"])
  policy_id = aws_organizations_policy.guardrail[each.key].id
  target_id = aws_organizations_organizational_unit.fleet.id
}

resource "aws_organizations_policy_attachment" "quarantine" {
  policy_id = aws_organizations_policy.guardrail["quarantine"].id
  target_id = aws_organizations_organizational_unit.quarantine.id
}
