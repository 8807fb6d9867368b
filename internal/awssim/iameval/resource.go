package iameval

import (
	"fmt"
	"slices"
	"strings"
)

var partitions = []string{"aws", "aws-cn", "aws-us-gov"}

// badResource says in IAM's words what is wrong with a Resource.
func badResource(resource string) string {
	if resource == "*" {
		return ""
	}
	fields := strings.SplitN(resource, ":", 6)
	if len(fields) == 1 || fields[0] != "arn" {
		return fmt.Sprintf("Resource %s must be in ARN format or \"*\".", resource)
	}
	if !slices.Contains(partitions, fields[1]) && !strings.ContainsAny(fields[1], "*?") {
		rest := append(fields[2:], "*", "*", "*", "*")
		return fmt.Sprintf("Partition %q is not valid for resource \"arn:%s:%s\".",
			fields[1], fields[1], strings.Join(rest[:4], ":"))
	}
	if len(fields) == 2 {
		return "Resource vendor must be fully qualified and cannot contain regexes."
	}
	if len(fields) > 3 && fields[3] != "" && !strings.ContainsAny(fields[3], "*?") {
		switch fields[2] {
		case "iam":
			return fmt.Sprintf("IAM resource %s cannot contain region information.", resource)
		case "s3":
			return fmt.Sprintf("Resource %s can not contain region information.", resource)
		}
	}
	if len(fields) == 6 && fields[2] == "iam" && !iamPath(fields[5]) {
		return fmt.Sprintf("IAM resource path must either be \"*\" or start with %s.", strings.Join(iamPaths, ", "))
	}
	return ""
}

// iamPaths are the beginnings of a resource of IAM, in the order of its message.
var iamPaths = []string{"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/",
	"server-certificate/", "policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/"}

func iamPath(path string) bool {
	return strings.HasPrefix(path, "*") ||
		slices.ContainsFunc(iamPaths, func(start string) bool { return strings.HasPrefix(path, start) })
}

// compileResource compiles a Resource. A variable may stand only after the
// fifth colon; before it, in service or account, it is literal text.
func compileResource(resource string, variables bool) pattern {
	arn := completeARN(resource)
	from := 0
	if pieces := splitARN(arn); len(pieces) == 6 {
		from = len(arn) - len(pieces[5])
	}
	return compilePattern(arn, dialect{wildcards: true, variables: variables, from: from})
}

// completeARN fills up an ARN of fewer than six fields with wildcards, as IAM
// does: arn:aws:sqs means arn:aws:sqs:*:*:*.
func completeARN(resource string) string {
	if resource == "*" || strings.HasSuffix(resource, "*") {
		return resource
	}
	for colons := strings.Count(resource, ":"); colons < 5; colons++ {
		resource += ":*"
	}
	return resource
}
