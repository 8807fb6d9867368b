package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Image is a machine image.
type Image struct {
	ImageId             string               `xml:"imageId"`
	Name                string               `xml:"name"`
	Description         string               `xml:"description"`
	ImageLocation       string               `xml:"imageLocation"`
	State               string               `xml:"imageState"`
	OwnerId             string               `xml:"imageOwnerId"`
	OwnerAlias          string               `xml:"imageOwnerAlias,omitempty"`
	Public              bool                 `xml:"isPublic"`
	Architecture        string               `xml:"architecture"`
	ImageType           string               `xml:"imageType"`
	Platform            string               `xml:"platform,omitempty"`
	PlatformDetails     string               `xml:"platformDetails"`
	UsageOperation      string               `xml:"usageOperation"`
	CreationDate        string               `xml:"creationDate"`
	RootDeviceName      string               `xml:"rootDeviceName"`
	RootDeviceType      string               `xml:"rootDeviceType"`
	VirtualizationType  string               `xml:"virtualizationType"`
	Hypervisor          string               `xml:"hypervisor"`
	EnaSupport          bool                 `xml:"enaSupport"`
	BootMode            string               `xml:"bootMode,omitempty"`
	SourceInstanceId    string               `xml:"sourceInstanceId,omitempty"`
	BlockDeviceMappings []BlockDeviceMapping `xml:"blockDeviceMapping>item"`
	Meta

	sharedWith []string
}

// BlockDeviceMapping is a device of an image, or of a request for an instance.
type BlockDeviceMapping struct {
	DeviceName  string   `xml:"deviceName"`
	VirtualName string   `xml:"virtualName,omitempty"`
	NoDevice    *string  `xml:"noDevice"`
	Ebs         *EbsSpec `xml:"ebs"`
}

var imageKind = &kind{
	name: "image", prefix: "ami", noun: "image", notFound: "InvalidAMIID.NotFound", malformed: "InvalidAMIID.Malformed", minPage: 1,
	trail: "AWS::EC2::Ami",
	filters: filters{
		"image-id": "ImageId", "name": "Name", "description": "Description", "state": "State", "owner-id": "OwnerId",
		"owner-alias": "OwnerAlias", "is-public": "Public", "architecture": "Architecture", "image-type": "ImageType",
		"platform": "Platform", "platform-details": "PlatformDetails", "root-device-name": "RootDeviceName",
		"root-device-type": "RootDeviceType", "virtualization-type": "VirtualizationType", "hypervisor": "Hypervisor",
		"ena-support": "EnaSupport", "creation-date": "CreationDate", "boot-mode": "BootMode", "source-instance-id": "SourceInstanceId",
		"manifest-location": "ImageLocation", "block-device-mapping.snapshot-id": "BlockDeviceMappings.Ebs.SnapshotId",
		"block-device-mapping.volume-type": "BlockDeviceMappings.Ebs.VolumeType", "block-device-mapping.device-name": "BlockDeviceMappings.DeviceName",
		"block-device-mapping.volume-size": "BlockDeviceMappings.Ebs.VolumeSize",
	},
}

func (*Image) kind() *kind { return imageKind }

func (x *Image) keys() map[string]string {
	owner := x.OwnerId
	if x.OwnerAlias != "" {
		owner = x.OwnerAlias
	}
	public := "false"
	if x.Public {
		public = "true"
	}
	return map[string]string{"ec2:Owner": owner, "ec2:Public": public, "ec2:ImageType": x.ImageType, "ec2:RootDeviceType": x.RootDeviceType, "ec2:ImageID": x.ImageId}
}

// published is one of the images that are there for everybody.
type published struct {
	id, name, description, owner, alias, arch, platform, device string
	size                                                        int
}

// catalog is what can be launched in every Region. AWS gives each Region ids of
// its own; an empty id is derived from Region and name.
var catalog = []published{
	{"", "al2023-ami-2023.9.20261110.0-kernel-6.1-x86_64", "Amazon Linux 2023 AMI 2023.9.20261110.0 x86_64 HVM kernel-6.1", "137112412989", "amazon", "x86_64", "", "/dev/xvda", 8},
	{"", "al2023-ami-2023.9.20261110.0-kernel-6.1-arm64", "Amazon Linux 2023 AMI 2023.9.20261110.0 arm64 HVM kernel-6.1", "137112412989", "amazon", "arm64", "", "/dev/xvda", 8},
	{"ami-0c55b159cbfafe1f0", "amzn2-ami-hvm-2.0.20261105.0-x86_64-gp2", "Amazon Linux 2 AMI 2.0.20261105.0 x86_64 HVM gp2", "137112412989", "amazon", "x86_64", "", "/dev/xvda", 8},
	{"", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20261101", "Canonical, Ubuntu, 22.04 LTS, amd64 jammy image", "099720109477", "", "x86_64", "", "/dev/sda1", 8},
	{"", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20261101", "Canonical, Ubuntu, 24.04 LTS, amd64 noble image", "099720109477", "", "x86_64", "", "/dev/sda1", 8},
	{"", "Windows_Server-2022-English-Full-Base-2026.11.11", "Microsoft Windows Server 2022 Full Locale English AMI provided by Amazon", "801119661308", "amazon", "x86_64", "windows", "/dev/sda1", 30},
}

// PublicImages gives the ids of the published images of a Region by name.
func PublicImages(region string) map[string]string {
	out := map[string]string{}
	for _, p := range catalog {
		out[p.name] = p.in(region)
	}
	return out
}

func (p published) in(region string) string {
	if p.id != "" {
		return p.id
	}
	return "ami-" + hash17(region+p.name)
}

func hash17(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "0" + hex.EncodeToString(sum[:])[:16]
}

// publish puts the published images into a new state.
func (st *state) publish() {
	yes := true
	for _, p := range catalog {
		i := &Image{
			ImageId: p.in(st.region), Name: p.name, Description: p.description, ImageLocation: "amazon/" + p.name, State: "available",
			OwnerId: p.owner, OwnerAlias: p.alias, Public: true, Architecture: p.arch, ImageType: "machine", Platform: p.platform,
			PlatformDetails: "Linux/UNIX", UsageOperation: "RunInstances", CreationDate: "2026-11-12T00:00:00.000Z",
			RootDeviceName: p.device, RootDeviceType: "ebs", VirtualizationType: "hvm", Hypervisor: "xen", EnaSupport: true,
			BlockDeviceMappings: []BlockDeviceMapping{{DeviceName: p.device, Ebs: &EbsSpec{
				DeleteOnTermination: &yes, SnapshotId: "snap-" + hash17("root of "+st.region+p.name), VolumeSize: p.size, VolumeType: "gp3",
			}}},
		}
		if p.platform == "windows" {
			i.PlatformDetails, i.UsageOperation = "Windows", "RunInstances:0002"
		}
		st.add(i, i.ImageId, nil)
	}
}

type describeImagesIn struct {
	Search
	ExecutableUsers []string `q:"ExecutableBy"`
	ImageIds        []string `q:"ImageId"`
	Owners          []string `q:"Owner"`
}

type describeImagesOut struct {
	Images    List[*Image] `xml:"imagesSet"`
	NextToken string       `xml:"nextToken,omitempty"`
}

func describeImages(c *call, in *describeImagesIn) (*describeImagesOut, error) {
	for _, id := range in.ImageIds {
		if _, err := get[Image](c.state, id); err != nil {
			return nil, core.Errorf(400, err.(*core.Error).Code, "The image id '[%s]' does not exist", id)
		}
	}
	found := some(c.state, func(i *Image) bool {
		return (len(in.ImageIds) == 0 || slices.Contains(in.ImageIds, i.ImageId)) && i.ownedBy(in.Owners, c.account) && i.runnableBy(in.ExecutableUsers, c.account)
	})
	list, next, err := choose(&in.Search, found)
	return &describeImagesOut{listOf(list), next}, err
}

func (x *Image) ownedBy(owners []string, self string) bool {
	return len(owners) == 0 || slices.ContainsFunc(owners, func(o string) bool {
		return o == x.OwnerId || o == "self" && x.OwnerId == self || o == x.OwnerAlias && o != ""
	})
}

func (x *Image) runnableBy(users []string, self string) bool {
	return len(users) == 0 || slices.ContainsFunc(users, func(u string) bool {
		return u == "all" && x.Public || u == "self" && slices.Contains(x.sharedWith, self) || slices.Contains(x.sharedWith, u)
	})
}
