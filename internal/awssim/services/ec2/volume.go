package ec2

import (
	"fmt"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Volume is a block device in one Availability Zone.
type Volume struct {
	VolumeId           string             `xml:"volumeId"`
	Size               int                `xml:"size"`
	SnapshotId         string             `xml:"snapshotId"`
	AvailabilityZone   string             `xml:"availabilityZone"`
	State              string             `xml:"status"`
	CreateTime         *core.Time         `xml:"createTime"`
	Attachments        []VolumeAttachment `xml:"attachmentSet>item"`
	VolumeType         string             `xml:"volumeType"`
	Iops               int                `xml:"iops,omitempty"`
	Throughput         int                `xml:"throughput,omitempty"`
	Encrypted          bool               `xml:"encrypted"`
	KmsKeyId           string             `xml:"kmsKeyId,omitempty"`
	MultiAttachEnabled bool               `xml:"multiAttachEnabled"`
	Meta
}

// VolumeAttachment says which instance a volume is in.
type VolumeAttachment struct {
	VolumeId            string     `xml:"volumeId"`
	InstanceId          string     `xml:"instanceId"`
	Device              string     `xml:"device"`
	State               string     `xml:"status"`
	AttachTime          *core.Time `xml:"attachTime"`
	DeleteOnTermination bool       `xml:"deleteOnTermination"`
}

var volumeKind = &kind{
	name: "volume", prefix: "vol", noun: "volume", notFound: "InvalidVolume.NotFound", malformed: "InvalidVolumeID.Malformed",
	trail: "AWS::EC2::Volume",
	filters: filters{
		"volume-id": "VolumeId", "size": "Size", "snapshot-id": "SnapshotId", "status": "State", "volume-type": "VolumeType",
		"availability-zone": "AvailabilityZone", "encrypted": "Encrypted", "create-time": "CreateTime", "multi-attach-enabled": "MultiAttachEnabled",
		"attachment.instance-id": "Attachments.InstanceId", "attachment.device": "Attachments.Device", "attachment.status": "Attachments.State",
		"attachment.delete-on-termination": "Attachments.DeleteOnTermination", "attachment.attach-time": "Attachments.AttachTime",
	},
}

func (*Volume) kind() *kind { return volumeKind }

func (x *Volume) keys() map[string]string {
	return map[string]string{
		"ec2:AvailabilityZone": x.AvailabilityZone, "ec2:VolumeType": x.VolumeType, "ec2:VolumeSize": fmt.Sprint(x.Size),
		"ec2:Encrypted": fmt.Sprint(x.Encrypted),
	}
}

func (s *Service) volumeOps() []core.Op {
	return []core.Op{
		op(s, "CreateVolume", createVolume, creates((*Volume)(nil))),
		op(s, "DescribeVolumes", describeVolumes, read),
		op(s, "DescribeVolumeStatus", describeVolumeStatus, read),
		op(s, "DescribeVolumeAttribute", describeVolumeAttribute, read),
		op(s, "DescribeVolumesModifications", describeModifications, read),
		op(s, "ModifyVolume", modifyVolume),
		op(s, "AttachVolume", attachVolume),
		op(s, "DetachVolume", detachVolume),
		op(s, "DeleteVolume", deleteVolume),
	}
}

// EbsSpec is what a volume is made from.
type EbsSpec struct {
	DeleteOnTermination *bool  `xml:"deleteOnTermination"`
	Encrypted           *bool  `xml:"encrypted"`
	Iops                int    `xml:"iops,omitempty"`
	KmsKeyId            string `xml:"kmsKeyId,omitempty"`
	SnapshotId          string `xml:"snapshotId,omitempty"`
	Throughput          int    `xml:"throughput,omitempty"`
	VolumeSize          int    `xml:"volumeSize,omitempty"`
	VolumeType          string `xml:"volumeType,omitempty"`
}

// volume makes the volume that a spec asks for, without storing it.
func (st *state) volume(spec EbsSpec, az string) (*Volume, error) {
	v := &Volume{
		Size: spec.VolumeSize, SnapshotId: spec.SnapshotId, AvailabilityZone: az, State: "creating", CreateTime: core.Ptr(st.now),
		VolumeType: spec.VolumeType, Iops: spec.Iops, Throughput: spec.Throughput, KmsKeyId: spec.KmsKeyId,
		Encrypted: spec.Encrypted != nil && *spec.Encrypted || spec.KmsKeyId != "" || st.settings.encryptByDefault,
	}
	if spec.SnapshotId != "" {
		s, err := st.snapshot(spec.SnapshotId)
		if err != nil {
			return nil, err
		}
		if v.Size == 0 {
			v.Size = s.VolumeSize
		}
		if v.Size < s.VolumeSize {
			return nil, core.Errorf(400, "InvalidBlockDeviceMapping", "Volume of size %dGB is smaller than snapshot '%s', expect size >= %dGB", v.Size, s.SnapshotId, s.VolumeSize)
		}
		v.Encrypted = v.Encrypted || s.Encrypted
	}
	if v.Size <= 0 {
		return nil, core.Errorf(400, "MissingParameter", "The request must contain the parameter size/snapshot")
	}
	if v.Encrypted && v.KmsKeyId == "" {
		v.KmsKeyId = "arn:aws:kms:" + st.region + ":" + st.account + ":" + st.defaultKey()
	}
	return v, v.complete()
}

// complete fills in what the volume's type says.
func (x *Volume) complete() error {
	switch x.VolumeType {
	case "", "gp2":
		x.VolumeType, x.Iops = "gp2", min(16000, max(100, 3*x.Size))
	case "gp3":
		x.Iops, x.Throughput = max(x.Iops, 3000), max(x.Throughput, 125)
	case "io1", "io2":
		if x.Iops == 0 {
			return missingParameter("iops")
		}
	case "st1", "sc1", "standard":
	default:
		return core.Errorf(400, "UnknownVolumeType", "Unsupported volume type '%s' for volume creation.", x.VolumeType)
	}
	if x.Size > 16384 {
		return invalidValue("size", fmt.Sprint(x.Size), "The largest volume is 16384 GiB.")
	}
	return nil
}

type createVolumeIn struct {
	Base
	Tagged
	AvailabilityZone   string
	AvailabilityZoneId string
	ClientToken        string
	Encrypted          *bool
	Iops               int
	KmsKeyId           string
	MultiAttachEnabled bool
	Size               int
	SnapshotId         string
	Throughput         int
	VolumeType         string
}

func createVolume(c *call, in *createVolumeIn) (*Volume, error) {
	return once(c, in.ClientToken, in, func() (*Volume, error) {
		if in.AvailabilityZone == "" && in.AvailabilityZoneId == "" {
			return nil, missingParameter("availabilityZone")
		}
		z, err := c.zone(in.AvailabilityZone, in.AvailabilityZoneId)
		if err != nil {
			return nil, core.Errorf(400, "InvalidZone.NotFound", "The zone '%s' does not exist.", in.AvailabilityZone+in.AvailabilityZoneId)
		}
		v, err := c.volume(EbsSpec{
			Encrypted: in.Encrypted, Iops: in.Iops, KmsKeyId: in.KmsKeyId, SnapshotId: in.SnapshotId,
			Throughput: in.Throughput, VolumeSize: in.Size, VolumeType: in.VolumeType,
		}, z.ZoneName)
		if err != nil {
			return nil, err
		}
		v.MultiAttachEnabled = in.MultiAttachEnabled
		c.store(v, in.tags(volumeKind))
		c.after(0.5, func() { v.State = "available" })
		return v, nil
	})
}

func (st *state) store(v *Volume, tags []Tag) {
	v.VolumeId = st.newID(v)
	st.add(v, v.VolumeId, tags)
}

type describeVolumesIn struct {
	Search
	VolumeIds []string `q:"VolumeId"`
}

type describeVolumesOut struct {
	Volumes   List[*Volume] `xml:"volumeSet"`
	NextToken string        `xml:"nextToken,omitempty"`
}

func describeVolumes(c *call, in *describeVolumesIn) (*describeVolumesOut, error) {
	list, next, err := describe[Volume](c, &in.Search, in.VolumeIds)
	return &describeVolumesOut{listOf(list), next}, err
}

type attachVolumeIn struct {
	Base
	Device     string
	Force      bool
	InstanceId string
	VolumeId   string
}

func attachVolume(c *call, in *attachVolumeIn) (*VolumeAttachment, error) {
	v, err := get[Volume](c.state, in.VolumeId)
	if err != nil {
		return nil, err
	}
	i, err := get[Instance](c.state, in.InstanceId)
	if err != nil {
		return nil, err
	}
	if err := need("device", in.Device); err != nil {
		return nil, err
	}
	switch {
	case len(v.Attachments) > 0:
		return nil, core.Errorf(400, "VolumeInUse", "%s is already attached to an instance", v.VolumeId)
	case v.State != "available":
		return nil, core.Errorf(400, "IncorrectState", "The volume '%s' is not 'available'", v.VolumeId)
	case i.InstanceState.Name != "running" && i.InstanceState.Name != "stopped":
		return nil, core.Errorf(400, "IncorrectState", "Instance '%s' is not 'running'.", i.InstanceId)
	case v.AvailabilityZone != i.Placement.AvailabilityZone:
		return nil, core.Errorf(400, "InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", v.VolumeId, i.InstanceId)
	}
	for _, o := range c.volumes(i) {
		if o.Attachments[0].Device == in.Device {
			return nil, invalidValue("unixDevice", in.Device, "Attachment point "+in.Device+" is already in use")
		}
	}
	v.attach(i.InstanceId, in.Device, false, core.Ptr(c.now))
	v.Attachments[0].State = "attaching"
	c.after(0.5, func() {
		if len(v.Attachments) > 0 && v.Attachments[0].State == "attaching" {
			v.Attachments[0].State = "attached"
		}
	})
	return &v.Attachments[0], nil
}

func (x *Volume) attach(instance, device string, deleteWithInstance bool, now *core.Time) {
	x.State = "in-use"
	x.Attachments = []VolumeAttachment{{x.VolumeId, instance, device, "attached", now, deleteWithInstance}}
}

func detachVolume(c *call, in *attachVolumeIn) (*VolumeAttachment, error) {
	v, err := get[Volume](c.state, in.VolumeId)
	if err != nil {
		return nil, err
	}
	if len(v.Attachments) == 0 || in.InstanceId != "" && v.Attachments[0].InstanceId != in.InstanceId {
		return nil, core.Errorf(400, "IncorrectState", "Volume '%s' is in the '%s' state.", v.VolumeId, v.State)
	}
	a := &v.Attachments[0]
	if i, ok := c.objects[a.InstanceId].(*Instance); ok && a.Device == i.RootDeviceName && i.InstanceState.Name != "stopped" {
		return nil, core.Errorf(400, "OperationNotPermitted", "Unable to detach root volume '%s' from instance '%s'", v.VolumeId, i.InstanceId)
	}
	a.State = "detaching"
	out := *a
	c.after(0.5, func() { v.State, v.Attachments = "available", nil })
	return &out, nil
}

func deleteVolume(c *call, in *attachVolumeIn) (*returned, error) {
	v, err := get[Volume](c.state, in.VolumeId)
	if err != nil {
		return nil, err
	}
	if len(v.Attachments) > 0 {
		return nil, core.Errorf(400, "VolumeInUse", "Volume %s is currently attached to %s", v.VolumeId, v.Attachments[0].InstanceId)
	}
	if v.State == "creating" {
		return nil, core.Errorf(400, "IncorrectState", "The volume '%s' is 'creating'", v.VolumeId)
	}
	v.State = "deleting"
	c.after(0.5, func() { c.remove(v) })
	return done()
}
