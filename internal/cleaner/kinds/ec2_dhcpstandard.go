package kinds

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// standardDHCP finds the Region's own DHCP options set, "" if there is none: one
// with AWS's values, the default VPC's before any other.
func standardDHCP(ctx context.Context, c *ec2.Client) (string, error) {
	own, err := defaultVPC(ctx, c)
	if err != nil {
		return "", err
	}
	found := ""
	for pages := ec2.NewDescribeDhcpOptionsPaginator(c, &ec2.DescribeDhcpOptionsInput{}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, d := range out.DhcpOptions {
			id := aws.ToString(d.DhcpOptionsId)
			if !IsStandardDHCP(d, c.Options().Region) {
				continue
			}
			if id == aws.ToString(own.DhcpOptionsId) {
				return id, nil
			}
			if found == "" || id < found {
				found = id
			}
		}
	}
	return found, nil
}

// IsStandardDHCP says whether a set holds exactly what AWS gives a Region.
func IsStandardDHCP(d types.DhcpOptions, region string) bool {
	domain := region + ".compute.internal"
	if region == "us-east-1" {
		domain = "ec2.internal"
	}
	want := map[string]string{"domain-name": domain, "domain-name-servers": "AmazonProvidedDNS"}
	for _, x := range d.DhcpConfigurations {
		if len(x.Values) != 1 || want[aws.ToString(x.Key)] != aws.ToString(x.Values[0].Value) {
			return false
		}
	}
	return len(d.DhcpConfigurations) == len(want) && len(d.Tags) == 0
}

var errNoStandardDHCP = errors.New("the Region has no DHCP options set with AWS's values")

func associateStandardDHCP(ctx context.Context, c *ec2.Client, vpc *string) error {
	id, err := standardDHCP(ctx, c)
	switch {
	case err != nil:
		return err
	case id == "":
		return errNoStandardDHCP
	}
	_, err = c.AssociateDhcpOptions(ctx, &ec2.AssociateDhcpOptionsInput{DhcpOptionsId: &id, VpcId: vpc})
	return err
}
