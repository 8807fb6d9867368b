package ec2

import (
	"errors"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

func (s *Service) imageOps() []core.Op {
	return []core.Op{
		op(s, "DescribeImages", describeImages, read),
		op(s, "DescribeImageAttribute", describeImageAttribute, read),
		op(s, "ModifyImageAttribute", modifyImageAttribute),
		op(s, "CreateImage", createImage, creates((*Image)(nil), (*Snapshot)(nil))),
		op(s, "RegisterImage", registerImage, creates((*Image)(nil), (*Snapshot)(nil))),
		op(s, "CopyImage", copyImage, only(), creates((*Image)(nil), (*Snapshot)(nil))),
		op(s, "DeregisterImage", deregisterImage),
	}
}

type createImageIn struct {
	Base
	Tagged
	Description string
	InstanceId  string
	Name        string
	NoReboot    bool
}

type imageOut struct {
	ImageId string `xml:"imageId"`
}

func (st *state) imageNameFree(name string) error {
	if name == "" {
		return missingParameter("name")
	}
	if i := first(st, func(i *Image) bool { return i.Name == name && i.OwnerId == st.account }); i != nil {
		return core.Errorf(400, "InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", name, i.ImageId)
	}
	return nil
}

func createImage(c *call, in *createImageIn) (*imageOut, error) {
	i, err := get[Instance](c.state, in.InstanceId)
	if err != nil {
		return nil, err
	}
	if i.InstanceState.Name != "running" && i.InstanceState.Name != "stopped" {
		return nil, incorrectState(i, "imaged")
	}
	if err := c.imageNameFree(in.Name); err != nil {
		return nil, err
	}
	m := &Image{
		Name: in.Name, Description: in.Description, Architecture: i.Architecture, RootDeviceName: i.RootDeviceName,
		PlatformDetails: i.PlatformDetails, Platform: i.Platform, SourceInstanceId: i.InstanceId,
	}
	m.ImageId = c.newID(m)
	for _, v := range c.volumes(i) {
		s := c.newSnapshot(v, createdBy("CreateImage", i.InstanceId, m.ImageId), in.tags(snapshotKind))
		m.BlockDeviceMappings = append(m.BlockDeviceMappings, mappingOf(v.Attachments[0].Device, s, v.VolumeType))
	}
	c.newImage(m, in.tags(imageKind))
	return &imageOut{m.ImageId}, nil
}

func mappingOf(device string, s *Snapshot, volumeType string) BlockDeviceMapping {
	yes, encrypted := true, s.Encrypted
	return BlockDeviceMapping{DeviceName: device, Ebs: &EbsSpec{
		DeleteOnTermination: &yes, Encrypted: &encrypted, SnapshotId: s.SnapshotId, VolumeSize: s.VolumeSize, VolumeType: volumeType,
	}}
}

// newImage stores an image of the account; it is pending for two delays.
func (st *state) newImage(m *Image, tags []Tag) {
	m.State, m.OwnerId, m.ImageType, m.RootDeviceType = "pending", st.account, "machine", "ebs"
	m.VirtualizationType, m.Hypervisor, m.EnaSupport, m.UsageOperation = "hvm", "xen", true, "RunInstances"
	m.ImageLocation, m.CreationDate = st.account+"/"+m.Name, st.now.Format("2006-01-02T15:04:05.000Z")
	if m.PlatformDetails == "" {
		m.PlatformDetails = "Linux/UNIX"
	}
	if m.Architecture == "" {
		m.Architecture = "x86_64"
	}
	st.add(m, m.ImageId, tags)
	st.after(2, func() { m.State = "available" })
}

type registerImageIn struct {
	Base
	Tagged
	Architecture        string
	BlockDeviceMappings []BlockDeviceMapping `q:"BlockDeviceMapping"`
	Description         string
	Name                string
	RootDeviceName      string
	VirtualizationType  string
}

func registerImage(c *call, in *registerImageIn) (*imageOut, error) {
	if err := c.imageNameFree(in.Name); err != nil {
		return nil, err
	}
	if err := need("RootDeviceName", in.RootDeviceName); err != nil {
		return nil, err
	}
	for _, m := range in.BlockDeviceMappings {
		if m.Ebs == nil || m.Ebs.SnapshotId == "" {
			continue
		}
		s, err := get[Snapshot](c.state, m.Ebs.SnapshotId)
		if err != nil {
			return nil, err
		}
		if m.Ebs.VolumeSize == 0 {
			m.Ebs.VolumeSize = s.VolumeSize
		}
	}
	m := &Image{
		Name: in.Name, Description: in.Description, Architecture: in.Architecture,
		RootDeviceName: in.RootDeviceName, BlockDeviceMappings: in.BlockDeviceMappings,
	}
	m.ImageId = c.newID(m)
	c.newImage(m, in.tags(imageKind))
	return &imageOut{m.ImageId}, nil
}

type copyImageIn struct {
	Base
	Tagged
	ClientToken   string
	CopyImageTags bool
	Description   string
	Encrypted     bool
	Name          string
	SourceImageId string
	SourceRegion  string
}

func copyImage(c *call, in *copyImageIn) (*imageOut, error) {
	return once(c, in.ClientToken, in, func() (*imageOut, error) {
		from, err := get[Image](c.svc.shelf.At(c.account, in.SourceRegion), in.SourceImageId)
		if err != nil {
			return nil, err
		}
		if err := c.imageNameFree(in.Name); err != nil {
			return nil, err
		}
		m := &Image{
			Name: in.Name, Description: in.Description, Architecture: from.Architecture,
			RootDeviceName: from.RootDeviceName, PlatformDetails: from.PlatformDetails, Platform: from.Platform,
		}
		m.ImageId = c.newID(m)
		for _, b := range from.BlockDeviceMappings {
			if b.Ebs == nil {
				continue
			}
			v := &Volume{VolumeId: "vol-ffffffff", Size: b.Ebs.VolumeSize, Encrypted: in.Encrypted}
			s := c.newSnapshot(v, "Copied for DestinationAmi "+m.ImageId+" from SourceAmi "+from.ImageId, in.tags(snapshotKind))
			m.BlockDeviceMappings = append(m.BlockDeviceMappings, mappingOf(b.DeviceName, s, b.Ebs.VolumeType))
		}
		tags := in.tags(imageKind)
		if in.CopyImageTags {
			tags = merge(from.Tags, tags)
		}
		c.newImage(m, tags)
		return &imageOut{m.ImageId}, nil
	})
}

type deregisterIn struct {
	Base
	ImageId                   string
	DeleteAssociatedSnapshots bool
}

// SnapshotDeletion tells what became of an image's snapshot.
type SnapshotDeletion struct {
	SnapshotId string `xml:"snapshotId"`
	ReturnCode string `xml:"returnCode"`
}

type deregisterOut struct {
	Return  bool                   `xml:"return"`
	Results List[SnapshotDeletion] `xml:"deleteSnapshotResultSet"`
}

// ownImage finds an image that the account may change.
func (c *call) ownImage(id string) (*Image, error) {
	m, err := get[Image](c.state, id)
	if err == nil && m.OwnerId != c.account {
		return nil, core.Errorf(403, "AuthFailure", "Not authorized for image:%s", id)
	}
	return m, err
}

// deregisterImage keeps the snapshots unless asked to delete them too.
func deregisterImage(c *call, in *deregisterIn) (*deregisterOut, error) {
	m, err := c.ownImage(in.ImageId)
	var refused *core.Error
	if errors.As(err, &refused) && refused.Code == "InvalidAMIID.NotFound" {
		return nil, core.Errorf(400, "InvalidAMIID.Unavailable", "The image ID '%s' is no longer available", in.ImageId)
	}
	if err != nil {
		return nil, err
	}
	c.remove(m)
	out := &deregisterOut{Return: true}
	for _, b := range m.BlockDeviceMappings {
		if !in.DeleteAssociatedSnapshots || b.Ebs == nil {
			continue
		}
		if s, ok := c.objects[b.Ebs.SnapshotId].(*Snapshot); ok {
			code := "skipped"
			if c.imageOf(s.SnapshotId) == nil {
				c.remove(s)
				code = "success"
			}
			out.Results.Items = append(out.Results.Items, SnapshotDeletion{s.SnapshotId, code})
		}
	}
	return out, nil
}

type imageAttributeIn struct {
	Base
	Attribute        string
	ImageId          string
	Description      *Text
	LaunchPermission SharingChange
	OperationType    string
	UserIds          []string `q:"UserId"`
	Groups           []string `q:"UserGroup"`
	Value            string
}

type imageAttributeOut struct {
	ImageId           string           `xml:"imageId"`
	Description       *Text            `xml:"description"`
	LaunchPermissions List[Permission] `xml:"launchPermission"`
}

func describeImageAttribute(c *call, in *imageAttributeIn) (*imageAttributeOut, error) {
	m, err := c.ownImage(in.ImageId)
	if err != nil {
		return nil, err
	}
	out := &imageAttributeOut{ImageId: m.ImageId}
	switch in.Attribute {
	case "launchPermission":
		out.LaunchPermissions = listOf(permissionsOf(m.sharedWith))
	case "description":
		out.Description = &Text{m.Description}
	}
	return out, nil
}

func modifyImageAttribute(c *call, in *imageAttributeIn) (*returned, error) {
	m, err := c.ownImage(in.ImageId)
	if err != nil {
		return nil, err
	}
	more := &modifySnapshotIn{CreateVolumePermission: in.LaunchPermission, OperationType: in.OperationType, UserIds: in.UserIds, Groups: in.Groups}
	ch := more.change()
	if ch.public() && c.settings.imageAccess != "unblocked" {
		return nil, core.Errorf(400, "OperationNotPermitted", "You can't publicly share this image because block public access for AMIs is enabled for this account.")
	}
	m.sharedWith = ch.apply(m.sharedWith)
	m.Public = slices.Contains(m.sharedWith, "all")
	if in.Description != nil {
		m.Description = in.Description.Value
	}
	return done()
}
