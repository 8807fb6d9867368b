package iameval

const (
	pageOperators  = "IAM UG: reference_policies_elements_condition_operators"
	pageCondition  = "IAM UG: reference_policies_elements_condition"
	pageDates      = "IAM UG: reference_policies_examples_aws-dates"
	pageSets       = "IAM UG: reference_policies_condition-single-vs-multi-valued-context-keys"
	pageSetSamples = "IAM UG: reference_policies_condition_examples-multi-valued-context-keys"
)

// op is a case of the operators page: one condition against one context.
func op(name, condition string, ctx map[string][]string, holds bool) docCase {
	return conditional(pageOperators, name, condition, ctx, holds)
}

func conditional(page, name, condition string, ctx map[string][]string, holds bool) docCase {
	c := docCase{page: page, name: name, identity: []string{when(condition)}, ctx: ctx, want: noIdentity}
	if holds {
		c.want = allow
	}
	return c
}

const (
	homes   = `"StringLike":{"s3:prefix":["","home/","home/${aws:username}/"]}`
	network = `"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:DB8:1234:5678::/64"]}`
	micro   = `"StringLikeIfExists":{"ec2:InstanceType":["t1.*","t2.*","m3.*"]}`
	finance = `"ArnLike":{"aws:SourceArn":"arn:aws:someservice:*:111122223333:finance/*"}`
	queue   = `"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:123456789012:topic"}`
	span    = `"DateGreaterThan":{"aws:CurrentTime":"2020-04-01T00:00:00Z"},"DateLessThan":{"aws:CurrentTime":"2020-06-30T23:59:59Z"}`
)

var conditionCases = []docCase{
	op("StringEquals is case-sensitive", `"StringEquals":{"aws:PrincipalOrgID":"o-a"}`, is("aws:PrincipalOrgID", "O-A"), false),
	op("StringEquals has no wildcards", `"StringEquals":{"s3:prefix":"home/*"}`, is("s3:prefix", "home/x"), false),
	op("StringEquals with a missing key", `"StringEquals":{"s3:prefix":"x"}`, nil, false),
	op("StringNotEquals", `"StringNotEquals":{"s3:prefix":"x"}`, is("s3:prefix", "y"), true),
	op("StringNotEquals of one of several values", `"StringNotEquals":{"s3:prefix":["x","y"]}`, is("s3:prefix", "y"), false),
	op("StringNotEquals with a missing key", `"StringNotEquals":{"s3:prefix":"x"}`, nil, true),
	op("StringEqualsIgnoreCase", `"StringEqualsIgnoreCase":{"s3:prefix":"Home"}`, is("s3:prefix", "hOME"), true),
	op("StringNotEqualsIgnoreCase", `"StringNotEqualsIgnoreCase":{"s3:prefix":"Home"}`, is("s3:prefix", "hOME"), false),
	op("StringLike with a variable", homes, is("s3:prefix", "home/JohnDoe/"), true),
	op("StringLike with the empty string", homes, is("s3:prefix", ""), true),
	op("StringLike of another's home", homes, is("s3:prefix", "home/David/"), false),
	op("StringLike is case-sensitive", `"StringLike":{"s3:prefix":"Home*"}`, is("s3:prefix", "home/x"), false),
	op("StringNotLike", `"StringNotLike":{"s3:prefix":"home/*"}`, is("s3:prefix", "home/x"), false),
	op("StringNotLike with a missing key", `"StringNotLike":{"s3:prefix":"home/*"}`, nil, true),

	op("NumericLessThanEquals at the limit", `"NumericLessThanEquals":{"s3:max-keys":"10"}`, is("s3:max-keys", "10"), true),
	op("NumericLessThanEquals above it", `"NumericLessThanEquals":{"s3:max-keys":"10"}`, is("s3:max-keys", "11"), false),
	op("NumericLessThan", `"NumericLessThan":{"s3:max-keys":"10"}`, is("s3:max-keys", "10"), false),
	op("NumericGreaterThan compares numbers and not text", `"NumericGreaterThan":{"s3:max-keys":"9"}`, is("s3:max-keys", "10"), true),
	op("NumericGreaterThanEquals", `"NumericGreaterThanEquals":{"s3:max-keys":"10"}`, is("s3:max-keys", "10"), true),
	op("NumericEquals of a decimal", `"NumericEquals":{"s3:max-keys":"10"}`, is("s3:max-keys", "10.0"), true),
	op("NumericNotEquals", `"NumericNotEquals":{"s3:max-keys":10}`, is("s3:max-keys", "10"), false),
	op("NumericEquals of what is no number", `"NumericEquals":{"s3:max-keys":"10"}`, is("s3:max-keys", "ten"), false),
	op("Numeric with a missing key", `"NumericLessThan":{"s3:max-keys":"10"}`, nil, false),

	op("DateGreaterThan TokenIssueTime", `"DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:01Z"}`, is("aws:TokenIssueTime", "2020-05-01T00:00:00Z"), true),
	op("DateGreaterThan without temporary credentials", `"DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:01Z"}`, nil, false),
	op("DateLessThan at the very time", `"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`, is("aws:CurrentTime", "2020-01-01T00:00:00Z"), false),
	op("DateLessThanEquals at the very time", `"DateLessThanEquals":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`, is("aws:CurrentTime", "2020-01-01T00:00:00Z"), true),
	op("DateGreaterThanEquals", `"DateGreaterThanEquals":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`, is("aws:CurrentTime", "2019-12-31T23:59:59Z"), false),
	op("Date in epoch time", `"DateGreaterThan":{"aws:EpochTime":"1577836800"}`, is("aws:EpochTime", "1577836801"), true),
	op("ISO date against epoch time", `"DateEquals":{"aws:EpochTime":"2020-01-01T00:00:00Z"}`, is("aws:EpochTime", "1577836800"), true),
	op("Date with another zone", `"DateEquals":{"aws:CurrentTime":"2020-01-01T05:30:00+05:30"}`, is("aws:CurrentTime", "2020-01-01T00:00:00Z"), true),
	op("Date without time", `"DateGreaterThan":{"aws:CurrentTime":"2020-01-01"}`, is("aws:CurrentTime", "2020-01-01T00:00:01Z"), true),
	op("DateNotEquals", `"DateNotEquals":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`, is("aws:CurrentTime", "2020-01-01T00:00:00.5Z"), true),
	conditional(pageDates, "between the dates", span, is("aws:CurrentTime", "2020-05-01T00:00:00Z"), true),
	conditional(pageDates, "before the dates", span, is("aws:CurrentTime", "2020-03-31T23:59:59Z"), false),
	conditional(pageDates, "after the dates", span, is("aws:CurrentTime", "2020-07-01T00:00:00Z"), false),

	op("Bool", `"Bool":{"aws:SecureTransport":"false"}`, is("aws:SecureTransport", "false"), true),
	op("Bool of the other value", `"Bool":{"aws:SecureTransport":"false"}`, is("aws:SecureTransport", "true"), false),
	op("Bool without quotes", `"Bool":{"aws:SecureTransport":true}`, is("aws:SecureTransport", "true"), true),
	op("Bool with a missing key", `"Bool":{"aws:MultiFactorAuthPresent":"false"}`, nil, false),
	op("BoolIfExists with a missing key", `"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`, nil, true),
	op("BinaryEquals", `"BinaryEquals":{"aws:key":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}`, is("aws:key", "BinaryValueInBase64"), true),
	op("BinaryEquals of other bytes", `"BinaryEquals":{"aws:key":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}`, is("aws:key", "x"), false),

	op("IpAddress inside IPv4", network, is("aws:SourceIp", "203.0.113.255"), true),
	op("IpAddress outside IPv4", network, is("aws:SourceIp", "203.0.114.1"), false),
	op("IpAddress inside IPv6", network, is("aws:SourceIp", "2001:db8:1234:5678::9"), true),
	op("IpAddress through a VPC endpoint", network, nil, false),
	op("IpAddress without prefix length is one address", `"IpAddress":{"aws:SourceIp":"203.0.113.7"}`, is("aws:SourceIp", "203.0.113.8"), false),
	op("NotIpAddress inside", `"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}`, is("aws:SourceIp", "203.0.113.1"), false),
	op("NotIpAddress with a missing key", `"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}`, nil, true),

	op("ArnLike does not reach over colons", finance,
		is("aws:SourceArn", "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"), false),
	op("ArnLike within components", finance, is("aws:SourceArn", "arn:aws:someservice:us-east-2:111122223333:finance/document.txt"), true),
	op("StringLike reaches over colons", `"StringLike":{"aws:SourceArn":"arn:aws:someservice:*:111122223333:finance/*"}`,
		is("aws:SourceArn", "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"), true),
	op("ArnEquals", queue, is("aws:SourceArn", "arn:aws:sns:us-east-1:123456789012:topic"), true),
	op("ArnEquals when a user calls directly", queue, nil, false),
	op("ArnEquals takes wildcards like ArnLike", `"ArnEquals":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}`, is("aws:SourceArn", "arn:aws:sns:us-east-1:123456789012:topic"), true),
	op("ArnNotEquals", `"ArnNotEquals":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}`, is("aws:SourceArn", "arn:aws:sns:us-east-1:123456789012:topic"), false),
	op("ArnNotLike with a missing key", `"ArnNotLike":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}`, nil, true),
	op("ArnLike with a variable", `"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:${aws:username}"}`, is("aws:SourceArn", "arn:aws:sns:us-east-1:123456789012:JohnDoe"), true),
	op("ArnLike of what is no ARN", finance, is("aws:SourceArn", "finance"), false),

	op("StringLike misses the other resources of a launch", `"StringLike":{"ec2:InstanceType":["t1.*","t2.*","m3.*"]}`, nil, false),
	op("StringLikeIfExists passes the other resources of a launch", micro, nil, true),
	op("StringLikeIfExists with a permitted type", micro, is("ec2:InstanceType", "t2.micro"), true),
	op("StringLikeIfExists with another type", micro, is("ec2:InstanceType", "p4d.24xlarge"), false),
	op("StringNotEqualsIfExists with a missing key", `"StringNotEqualsIfExists":{"s3:prefix":"x"}`, nil, true),
	op("Null true without temporary credentials", `"Null":{"aws:TokenIssueTime":"true"}`, nil, true),
	op("Null true with temporary credentials", `"Null":{"aws:TokenIssueTime":"true"}`, is("aws:TokenIssueTime", "2020-01-01T00:00:00Z"), false),
	op("Null false with temporary credentials", `"Null":{"aws:TokenIssueTime":"false"}`, is("aws:TokenIssueTime", "2020-01-01T00:00:00Z"), true),

	conditional(pageCondition, "operators are a logical and", `"StringEquals":{"s3:prefix":"x"},"Bool":{"aws:SecureTransport":"true"}`,
		map[string][]string{"s3:prefix": {"x"}, "aws:SecureTransport": {"false"}}, false),
	conditional(pageCondition, "keys are a logical and", `"StringEquals":{"s3:prefix":"x","s3:delimiter":"/"}`,
		map[string][]string{"s3:prefix": {"x"}, "s3:delimiter": {"-"}}, false),
	conditional(pageCondition, "values are a logical or", `"StringEquals":{"s3:prefix":["x","y"]}`, is("s3:prefix", "y"), true),
}

const (
	attributes   = `"ForAllValues:StringLike":{"dynamodb:requestedAttributes":["PostDateTime","Message","Tags"]}`
	anyAttribute = `"ForAnyValue:StringLike":{"dynamodb:requestedAttributes":["ID","PostDateTime"]}`
	tagKeys      = `"ForAllValues:StringLike":{"aws:TagKeys":"key1*"}`
	tagKeysThere = tagKeys + `,"Null":{"aws:TagKeys":"false"}`
)

var setCases = []docCase{
	conditional(pageSets, "ForAllValues with listed attributes", attributes, is("dynamodb:requestedAttributes", "PostDateTime", "Message"), true),
	conditional(pageSets, "ForAllValues with one that is not listed", attributes, is("dynamodb:requestedAttributes", "PostDateTime", "UserName"), false),
	conditional(pageSets, "ForAllValues without the key", attributes, nil, true),
	conditional(pageSets, "ForAllValues with an empty value", attributes, is("dynamodb:requestedAttributes", ""), true),
	conditional(pageSets, "ForAnyValue with one that is listed", anyAttribute, is("dynamodb:requestedAttributes", "UserName", "Message", "PostDateTime"), true),
	conditional(pageSets, "ForAnyValue with none that is listed", anyAttribute, is("dynamodb:requestedAttributes", "UserName"), false),
	conditional(pageSets, "ForAnyValue without the key", anyAttribute, nil, false),
	conditional(pageSets, "ForAnyValue with an empty value", anyAttribute, is("dynamodb:requestedAttributes", ""), false),
	conditional(pageSets, "ForAllValues of a negated operator", `"ForAllValues:StringNotEquals":{"aws:TagKeys":["a","b"]}`, is("aws:TagKeys", "c", "d"), true),
	conditional(pageSets, "ForAllValues of a negated operator with one match", `"ForAllValues:StringNotEquals":{"aws:TagKeys":["a","b"]}`, is("aws:TagKeys", "c", "a"), false),
	conditional(pageSets, "ForAnyValue of a negated operator", `"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}`, is("aws:TagKeys", "c", "a"), true),
	conditional(pageSets, "ForAnyValue of a negated operator with an empty value", `"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}`, is("aws:TagKeys", ""), false),
	conditional(pageSetSamples, "ForAllValues and every key matches", tagKeys, is("aws:TagKeys", "key1:legal", "key1:hr"), true),
	conditional(pageSetSamples, "ForAllValues and one key does not", tagKeys, is("aws:TagKeys", "key1:legal", "key2:hr"), false),
	conditional(pageSetSamples, "Null keeps ForAllValues from holding without keys", tagKeysThere, nil, false),
	conditional(pageSetSamples, "Null with keys present", tagKeysThere, is("aws:TagKeys", "key1:legal"), true),
}
