package settings

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Quotas reads what an account may have at most, by name: "ec2/max-instances",
// "iam/UsersQuota", "lambda/ConcurrentExecutions". They come from the services
// themselves, in the Region of cfg.
func (t *Table) Quotas(ctx context.Context, cfg aws.Config) (map[string]float64, error) {
	out := map[string]float64{}
	attributes, err := ec2.NewFromConfig(cfg).DescribeAccountAttributes(ctx, &ec2.DescribeAccountAttributesInput{})
	if err != nil {
		return nil, fmt.Errorf("quotas of ec2: %w", err)
	}
	for _, a := range attributes.AccountAttributes {
		for _, v := range a.AttributeValues {
			// Some attributes are words ("VPC", a VPC's id): no quotas.
			if n, err := strconv.ParseFloat(aws.ToString(v.AttributeValue), 64); err == nil {
				out["ec2/"+aws.ToString(a.AttributeName)] = n
			}
		}
	}
	summary, err := iam.NewFromConfig(cfg).GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	if err != nil {
		return nil, fmt.Errorf("quotas of iam: %w", err)
	}
	for name, n := range summary.SummaryMap {
		if strings.HasSuffix(name, "Quota") {
			out["iam/"+name] = float64(n)
		}
	}
	functions, err := lambda.NewFromConfig(cfg).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		return nil, fmt.Errorf("quotas of lambda: %w", err)
	}
	if l := functions.AccountLimit; l != nil {
		out["lambda/ConcurrentExecutions"] = float64(l.ConcurrentExecutions)
	}
	return out, nil
}
