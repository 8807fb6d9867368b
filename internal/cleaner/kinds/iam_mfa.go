package kinds

import (
	"context"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kodekloud/kml/internal/cleaner"
)

func init() {
	register(cleaner.Define(iam.NewFromConfig, cleaner.Spec[iam.Client]{
		Kind: "iam.mfa_device", Source: iamSource, Global: true,
		After: []string{"iam.user"},
		List:  listMFADevices, Delete: deleteMFADevice,
	}))
}

// listMFADevices gives the virtual devices; State is the user that has one.
func listMFADevices(ctx context.Context, c *iam.Client) iter.Seq2[cleaner.Resource, error] {
	return cleaner.Pages(ctx, iam.NewListVirtualMFADevicesPaginator(c, &iam.ListVirtualMFADevicesInput{}), func(out *iam.ListVirtualMFADevicesOutput) ([]cleaner.Resource, error) {
		var rs []cleaner.Resource
		for _, d := range out.VirtualMFADevices {
			r := cleaner.Resource{ID: aws.ToString(d.SerialNumber), ARN: aws.ToString(d.SerialNumber)}
			if d.User != nil {
				r.State = aws.ToString(d.User.UserName)
			}
			if strings.HasSuffix(r.ID, ":mfa/root-account-mfa-device") {
				r.Keep = "the root user's"
			}
			rs = append(rs, r)
		}
		return rs, nil
	})
}

func deleteMFADevice(ctx context.Context, c *iam.Client, r cleaner.Resource) error {
	if r.State != "" {
		_, err := c.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{SerialNumber: &r.ID, UserName: &r.State})
		if err := cleaner.IgnoreGone(err); err != nil {
			return err
		}
	}
	_, err := c.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: &r.ID})
	return err
}
