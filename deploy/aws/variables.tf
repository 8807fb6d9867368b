variable "parent_id" {
  description = "Root (r-...) or organizational unit (ou-...) that the fleet's units are made under."
  type        = string
  validation {
    condition     = can(regex("^(r|ou)-[0-9a-z-]+$", var.parent_id))
    error_message = "Give the id of a root, r-..., or of an organizational unit, ou-...."
  }
}

variable "units" {
  description = "Organizational units of the fleet: name to purpose (production, development, testing)."
  type        = map(string)
  default     = { production = "production" }
  validation {
    condition     = alltrue([for p in values(var.units) : contains(["production", "development", "testing"], p)])
    error_message = "A purpose is production, development or testing; quarantine is made anyway."
  }
}

variable "fleet_principals" {
  description = "ARNs of the roles that KML's processes run as; they may assume the management role."
  type        = list(string)
  validation {
    condition     = length(var.fleet_principals) > 0 && alltrue([for p in var.fleet_principals : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/", p))])
    error_message = "Name at least one role by its ARN. A whole account is not accepted."
  }
}

variable "management_role" {
  description = "Name of the management role to make."
  type        = string
  default     = "kml"
}

variable "member_role" {
  description = "Name of the fleet's role in member accounts. AWS makes OrganizationAccountAccessRole in accounts that the organization created."
  type        = string
  default     = "OrganizationAccountAccessRole"
}

variable "organization_name" {
  description = "The fleet's own name for this organization, for the configuration that is put out."
  type        = string
  default     = "training"
}

variable "warm" {
  description = "Accounts kept ready in each unit, for the configuration that is put out."
  type        = number
  default     = 5
}
