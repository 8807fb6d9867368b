package kinds

import "strings"

// qualifier gives the alias or version at the end of a function's ARN
// (arn:aws:lambda:region:account:function:name:alias), "" if there is none.
func qualifier(arn string) string {
	if parts := strings.SplitN(arn, ":", 8); len(parts) == 8 {
		return parts[7]
	}
	return ""
}
