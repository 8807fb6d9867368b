package ec2

import (
	"strconv"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// settings are the account's choices for a Region. The zero value is not what
// AWS gives: newSettings is.
type settings struct {
	encryptByDefault bool
	defaultKey       string // "" is AWS's own key, alias/aws/ebs
	metadata         MetadataDefaults
	snapshotAccess   string
	imageAccess      string
	serialConsole    bool
}

// MetadataDefaults are the account's defaults for the instance metadata service.
type MetadataDefaults struct {
	HttpEndpoint            string `xml:"httpEndpoint,omitempty"`
	HttpPutResponseHopLimit int    `xml:"httpPutResponseHopLimit,omitempty"`
	HttpTokens              string `xml:"httpTokens,omitempty"`
	InstanceMetadataTags    string `xml:"instanceMetadataTags,omitempty"`
	ManagedBy               string `xml:"managedBy" q:"-"`
}

func newSettings() settings {
	return settings{
		metadata:       MetadataDefaults{ManagedBy: "account"},
		snapshotAccess: "unblocked",
		imageAccess:    "block-new-sharing", // the default of accounts made since 2023-10
	}
}

func (s *Service) settingsOps() []core.Op {
	return []core.Op{
		op(s, "EnableEbsEncryptionByDefault", setEncryption(true)),
		op(s, "DisableEbsEncryptionByDefault", setEncryption(false)),
		op(s, "GetEbsEncryptionByDefault", getEncryption, read),
		op(s, "GetEbsDefaultKmsKeyId", getDefaultKey, read),
		op(s, "ModifyEbsDefaultKmsKeyId", modifyDefaultKey),
		op(s, "ResetEbsDefaultKmsKeyId", resetDefaultKey),
		op(s, "ModifyInstanceMetadataDefaults", modifyMetadataDefaults),
		op(s, "GetInstanceMetadataDefaults", getMetadataDefaults, read),
		op(s, "EnableSnapshotBlockPublicAccess", enableSnapshotBlock),
		op(s, "DisableSnapshotBlockPublicAccess", disableSnapshotBlock),
		op(s, "GetSnapshotBlockPublicAccessState", getSnapshotBlock, read),
		op(s, "EnableImageBlockPublicAccess", enableImageBlock),
		op(s, "DisableImageBlockPublicAccess", disableImageBlock),
		op(s, "GetImageBlockPublicAccessState", getImageBlock, read),
		op(s, "EnableSerialConsoleAccess", setSerialConsole(true)),
		op(s, "DisableSerialConsoleAccess", setSerialConsole(false)),
		op(s, "GetSerialConsoleAccessStatus", getSerialConsole, read),
	}
}

type baseIn struct{ Base }

type encryptionOut struct {
	EbsEncryptionByDefault bool   `xml:"ebsEncryptionByDefault"`
	SseType                string `xml:"sseType,omitempty"`
}

func setEncryption(on bool) func(*call, *baseIn) (*encryptionOut, error) {
	return func(c *call, _ *baseIn) (*encryptionOut, error) {
		c.settings.encryptByDefault = on
		return &encryptionOut{EbsEncryptionByDefault: on}, nil
	}
}

func getEncryption(c *call, _ *baseIn) (*encryptionOut, error) {
	out := &encryptionOut{EbsEncryptionByDefault: c.settings.encryptByDefault, SseType: "none"}
	if out.EbsEncryptionByDefault {
		out.SseType = "sse-kms"
	}
	return out, nil
}

type keyOut struct {
	KmsKeyId string `xml:"kmsKeyId"`
}

func (st *state) defaultKey() string {
	if st.settings.defaultKey != "" {
		return st.settings.defaultKey
	}
	return "alias/aws/ebs"
}

func getDefaultKey(c *call, _ *baseIn) (*keyOut, error) { return &keyOut{c.defaultKey()}, nil }

type keyIn struct {
	Base
	KmsKeyId string
}

func modifyDefaultKey(c *call, in *keyIn) (*keyOut, error) {
	if err := need("KmsKeyId", in.KmsKeyId); err != nil {
		return nil, err
	}
	c.settings.defaultKey = in.KmsKeyId
	return &keyOut{in.KmsKeyId}, nil
}

func resetDefaultKey(c *call, _ *baseIn) (*keyOut, error) {
	c.settings.defaultKey = ""
	return &keyOut{c.defaultKey()}, nil
}

type metadataIn struct {
	Base
	HttpEndpoint            string
	HttpPutResponseHopLimit int
	HttpTokens              string
	InstanceMetadataTags    string
}

// modifyMetadataDefaults sets what is given; "no-preference" (and -1 for the hop
// limit) takes a default back.
func modifyMetadataDefaults(c *call, in *metadataIn) (*returned, error) {
	m := &c.settings.metadata
	for _, f := range []struct {
		to *string
		v  string
	}{{&m.HttpEndpoint, in.HttpEndpoint}, {&m.HttpTokens, in.HttpTokens}, {&m.InstanceMetadataTags, in.InstanceMetadataTags}} {
		switch f.v {
		case "":
		case "no-preference":
			*f.to = ""
		default:
			*f.to = f.v
		}
	}
	switch n := in.HttpPutResponseHopLimit; {
	case n == -1:
		m.HttpPutResponseHopLimit = 0
	case n > 64 || n < -1:
		return nil, invalidValue("httpPutResponseHopLimit", strconv.Itoa(n), "Give 1 to 64, or -1.")
	case n > 0:
		m.HttpPutResponseHopLimit = n
	}
	return done()
}

type metadataOut struct {
	AccountLevel *MetadataDefaults `xml:"accountLevel"`
}

func getMetadataDefaults(c *call, _ *baseIn) (*metadataOut, error) {
	return &metadataOut{&c.settings.metadata}, nil
}

type snapshotBlockIn struct {
	Base
	State string
}

type snapshotBlockOut struct {
	State     string `xml:"state"`
	ManagedBy string `xml:"managedBy,omitempty"`
}

func enableSnapshotBlock(c *call, in *snapshotBlockIn) (*snapshotBlockOut, error) {
	if in.State != "block-all-sharing" && in.State != "block-new-sharing" {
		return nil, invalidValue("state", in.State, "Give block-all-sharing or block-new-sharing.")
	}
	c.settings.snapshotAccess = in.State
	return &snapshotBlockOut{State: in.State}, nil
}

func disableSnapshotBlock(c *call, _ *baseIn) (*snapshotBlockOut, error) {
	c.settings.snapshotAccess = "unblocked"
	return &snapshotBlockOut{State: "unblocked"}, nil
}

func getSnapshotBlock(c *call, _ *baseIn) (*snapshotBlockOut, error) {
	return &snapshotBlockOut{c.settings.snapshotAccess, "account"}, nil
}

type imageBlockIn struct {
	Base
	ImageBlockPublicAccessState string
}

type imageBlockOut struct {
	State     string `xml:"imageBlockPublicAccessState"`
	ManagedBy string `xml:"managedBy,omitempty"`
}

func enableImageBlock(c *call, in *imageBlockIn) (*imageBlockOut, error) {
	if in.ImageBlockPublicAccessState != "block-new-sharing" {
		return nil, invalidValue("imageBlockPublicAccessState", in.ImageBlockPublicAccessState, "Give block-new-sharing.")
	}
	c.settings.imageAccess = in.ImageBlockPublicAccessState
	return &imageBlockOut{State: c.settings.imageAccess}, nil
}

func disableImageBlock(c *call, _ *baseIn) (*imageBlockOut, error) {
	c.settings.imageAccess = "unblocked"
	return &imageBlockOut{State: c.settings.imageAccess}, nil
}

func getImageBlock(c *call, _ *baseIn) (*imageBlockOut, error) {
	return &imageBlockOut{c.settings.imageAccess, "account"}, nil
}

type serialConsoleOut struct {
	Enabled bool `xml:"serialConsoleAccessEnabled"`
}

func setSerialConsole(on bool) func(*call, *baseIn) (*serialConsoleOut, error) {
	return func(c *call, _ *baseIn) (*serialConsoleOut, error) {
		c.settings.serialConsole = on
		return &serialConsoleOut{on}, nil
	}
}

func getSerialConsole(c *call, _ *baseIn) (*serialConsoleOut, error) {
	return &serialConsoleOut{c.settings.serialConsole}, nil
}

// deviations names the settings that are not as AWS gave them.
func (s settings) deviations() map[string]string {
	d, out := newSettings(), map[string]string{}
	note := func(name string, differs bool, state string) {
		if differs {
			out[name] = state
		}
	}
	note("ebs-encryption-by-default", s.encryptByDefault != d.encryptByDefault, strconv.FormatBool(s.encryptByDefault))
	note("ebs-default-kms-key", s.defaultKey != d.defaultKey, s.defaultKey)
	note("instance-metadata-defaults", s.metadata != d.metadata, s.metadata.HttpTokens+"/"+s.metadata.HttpEndpoint)
	note("snapshot-block-public-access", s.snapshotAccess != d.snapshotAccess, s.snapshotAccess)
	note("image-block-public-access", s.imageAccess != d.imageAccess, s.imageAccess)
	note("serial-console-access", s.serialConsole != d.serialConsole, strconv.FormatBool(s.serialConsole))
	return out
}
