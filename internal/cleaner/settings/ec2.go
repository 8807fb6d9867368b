package settings

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/cleaner"
)

func onOff(on *bool, err error) (string, error) {
	if aws.ToBool(on) {
		return "on", err
	}
	return "off", err
}

var ebsEncryption = Setting{
	Name: "ec2.ebs_encryption", Want: "off",
	Read: func(ctx context.Context, p cleaner.Place) (string, error) {
		out, err := ec2.NewFromConfig(p.Config).GetEbsEncryptionByDefault(ctx, &ec2.GetEbsEncryptionByDefaultInput{})
		if err != nil {
			return "", err
		}
		return onOff(out.EbsEncryptionByDefault, nil)
	},
	Restore: func(ctx context.Context, p cleaner.Place) error {
		_, err := ec2.NewFromConfig(p.Config).DisableEbsEncryptionByDefault(ctx, &ec2.DisableEbsEncryptionByDefaultInput{})
		return err
	},
}

const awsKey = "alias/aws/ebs"

// ebsDefaultKey is told as an alias or as the alias's ARN.
var ebsDefaultKey = Setting{
	Name: "ec2.ebs_default_key", Want: awsKey,
	Read: func(ctx context.Context, p cleaner.Place) (string, error) {
		out, err := ec2.NewFromConfig(p.Config).GetEbsDefaultKmsKeyId(ctx, &ec2.GetEbsDefaultKmsKeyIdInput{})
		if err != nil {
			return "", err
		}
		if id := aws.ToString(out.KmsKeyId); !strings.HasSuffix(id, ":"+awsKey) {
			return id, nil
		}
		return awsKey, nil
	},
	Restore: func(ctx context.Context, p cleaner.Place) error {
		_, err := ec2.NewFromConfig(p.Config).ResetEbsDefaultKmsKeyId(ctx, &ec2.ResetEbsDefaultKmsKeyIdInput{})
		return err
	},
}

var metadataDefaults = Setting{
	Name: "ec2.metadata_defaults", Want: "endpoint= tokens= tags= hops=0",
	Read: func(ctx context.Context, p cleaner.Place) (string, error) {
		out, err := ec2.NewFromConfig(p.Config).GetInstanceMetadataDefaults(ctx, &ec2.GetInstanceMetadataDefaultsInput{})
		if err != nil {
			return "", err
		}
		m := out.AccountLevel
		if m == nil {
			m = &types.InstanceMetadataDefaultsResponse{}
		}
		return fmt.Sprintf("endpoint=%s tokens=%s tags=%s hops=%d", m.HttpEndpoint, m.HttpTokens, m.InstanceMetadataTags, aws.ToInt32(m.HttpPutResponseHopLimit)), nil
	},
	Restore: func(ctx context.Context, p cleaner.Place) error {
		_, err := ec2.NewFromConfig(p.Config).ModifyInstanceMetadataDefaults(ctx, &ec2.ModifyInstanceMetadataDefaultsInput{
			HttpEndpoint: types.DefaultInstanceMetadataEndpointStateNoPreference, HttpTokens: types.MetadataDefaultHttpTokensStateNoPreference,
			InstanceMetadataTags: types.DefaultInstanceMetadataTagsStateNoPreference, HttpPutResponseHopLimit: aws.Int32(-1),
		})
		return err
	},
}

var snapshotAccess = Setting{
	Name: "ec2.snapshot_public_access", Want: string(types.SnapshotBlockPublicAccessStateUnblocked),
	Read: func(ctx context.Context, p cleaner.Place) (string, error) {
		out, err := ec2.NewFromConfig(p.Config).GetSnapshotBlockPublicAccessState(ctx, &ec2.GetSnapshotBlockPublicAccessStateInput{})
		if err != nil {
			return "", err
		}
		return string(out.State), nil
	},
	Restore: func(ctx context.Context, p cleaner.Place) error {
		_, err := ec2.NewFromConfig(p.Config).DisableSnapshotBlockPublicAccess(ctx, &ec2.DisableSnapshotBlockPublicAccessInput{})
		return err
	},
}

// imageAccess is blocked in accounts made since October 2023.
var imageAccess = Setting{
	Name: "ec2.image_public_access", Want: string(types.ImageBlockPublicAccessEnabledStateBlockNewSharing),
	Read: func(ctx context.Context, p cleaner.Place) (string, error) {
		out, err := ec2.NewFromConfig(p.Config).GetImageBlockPublicAccessState(ctx, &ec2.GetImageBlockPublicAccessStateInput{})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.ImageBlockPublicAccessState), nil
	},
	Restore: func(ctx context.Context, p cleaner.Place) error {
		_, err := ec2.NewFromConfig(p.Config).EnableImageBlockPublicAccess(ctx, &ec2.EnableImageBlockPublicAccessInput{
			ImageBlockPublicAccessState: types.ImageBlockPublicAccessEnabledStateBlockNewSharing,
		})
		return err
	},
}

var serialConsole = Setting{
	Name: "ec2.serial_console", Want: "off",
	Read: func(ctx context.Context, p cleaner.Place) (string, error) {
		out, err := ec2.NewFromConfig(p.Config).GetSerialConsoleAccessStatus(ctx, &ec2.GetSerialConsoleAccessStatusInput{})
		if err != nil {
			return "", err
		}
		return onOff(out.SerialConsoleAccessEnabled, nil)
	},
	Restore: func(ctx context.Context, p cleaner.Place) error {
		_, err := ec2.NewFromConfig(p.Config).DisableSerialConsoleAccess(ctx, &ec2.DisableSerialConsoleAccessInput{})
		return err
	},
}
