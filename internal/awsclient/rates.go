package awsclient

// rate is a budget that all processes of the fleet share.
type rate struct{ perSecond, burst float64 }

// budgets are the request rates that AWS documents and does not raise, by
// operation: those of Organizations are per management account, LookupEvents is
// per account and Region. Source: "Quotas for AWS Organizations", "Quotas in
// AWS CloudTrail".
var budgets = map[string]rate{
	"organizations:ListAccounts":          {8, 12},
	"organizations:ListAccountsForParent": {5, 8},
	"organizations:ListParents":           {5, 8},
	"organizations:DescribeAccount":       {20, 30},
	"organizations:MoveAccount":           {2, 3},
	"organizations:AttachPolicy":          {2, 3},
	"organizations:DetachPolicy":          {2, 3},
	"organizations:CreatePolicy":          {2, 3},
	"organizations:UpdatePolicy":          {2, 3},
	"organizations:CreateAccount":         {0.1, 3},
	"organizations:CloseAccount":          {0.05, 1},
	"cloudtrail:LookupEvents":             {2, 2},
}
