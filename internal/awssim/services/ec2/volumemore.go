package ec2

import "github.com/kodekloud/kml/internal/awssim/core"

// VolumeStatus is a volume's health.
type VolumeStatus struct {
	VolumeId         string `xml:"volumeId"`
	AvailabilityZone string `xml:"availabilityZone"`
	Status           string `xml:"volumeStatus>status"`
}

type volumeStatusOut struct {
	Statuses  List[VolumeStatus] `xml:"volumeStatusSet"`
	NextToken string             `xml:"nextToken,omitempty"`
}

func describeVolumeStatus(c *call, in *describeVolumesIn) (*volumeStatusOut, error) {
	list, next, err := describe[Volume](c, &in.Search, in.VolumeIds)
	out := &volumeStatusOut{NextToken: next}
	for _, v := range list {
		out.Statuses.Items = append(out.Statuses.Items, VolumeStatus{v.VolumeId, v.AvailabilityZone, "ok"})
	}
	return out, err
}

type volumeAttributeIn struct {
	Base
	Attribute string
	VolumeId  string
}

type volumeAttributeOut struct {
	VolumeId     string `xml:"volumeId"`
	AutoEnableIO *Flag  `xml:"autoEnableIO"`
}

func describeVolumeAttribute(c *call, in *volumeAttributeIn) (*volumeAttributeOut, error) {
	v, err := get[Volume](c.state, in.VolumeId)
	if err != nil {
		return nil, err
	}
	out := &volumeAttributeOut{VolumeId: v.VolumeId}
	if in.Attribute == "autoEnableIO" {
		out.AutoEnableIO = &Flag{}
	}
	return out, nil
}

type modifyVolumeIn struct {
	Base
	VolumeId   string
	Iops       int
	Size       int
	Throughput int
	VolumeType string
}

// VolumeModification is a change of a volume under way.
type VolumeModification struct {
	VolumeId           string     `xml:"volumeId"`
	ModificationState  string     `xml:"modificationState"`
	OriginalSize       int        `xml:"originalSize"`
	OriginalVolumeType string     `xml:"originalVolumeType"`
	TargetSize         int        `xml:"targetSize"`
	TargetVolumeType   string     `xml:"targetVolumeType"`
	Progress           int        `xml:"progress"`
	StartTime          *core.Time `xml:"startTime"`
}

type modifyVolumeOut struct {
	Modification *VolumeModification `xml:"volumeModification"`
}

func modifyVolume(c *call, in *modifyVolumeIn) (*modifyVolumeOut, error) {
	v, err := get[Volume](c.state, in.VolumeId)
	if err != nil {
		return nil, err
	}
	n := *v
	if in.Size > 0 {
		n.Size = in.Size
	}
	if n.Size < v.Size {
		return nil, core.Errorf(400, "InvalidParameterValue", "New size cannot be smaller than existing size")
	}
	if in.VolumeType != "" {
		n.VolumeType, n.Iops, n.Throughput = in.VolumeType, 0, 0
	}
	n.Iops, n.Throughput = max(n.Iops, in.Iops), max(n.Throughput, in.Throughput)
	if err := n.complete(); err != nil {
		return nil, err
	}
	m := &VolumeModification{v.VolumeId, "modifying", v.Size, v.VolumeType, n.Size, n.VolumeType, 0, core.Ptr(c.now)}
	v.Size, v.VolumeType, v.Iops, v.Throughput = n.Size, n.VolumeType, n.Iops, n.Throughput
	c.modifications[v.VolumeId] = m
	c.after(1, func() { m.ModificationState, m.Progress = "completed", 100 })
	return &modifyVolumeOut{m}, nil
}

type modificationsOut struct {
	Modifications List[*VolumeModification] `xml:"volumeModificationSet"`
}

func describeModifications(c *call, in *describeVolumesIn) (*modificationsOut, error) {
	out := &modificationsOut{}
	for _, id := range in.VolumeIds {
		m, ok := c.modifications[id]
		if !ok {
			return nil, core.Errorf(400, "InvalidVolumeModification.NotFound", "Modification for volume '%s' does not exist.", id)
		}
		out.Modifications.Items = append(out.Modifications.Items, m)
	}
	if len(in.VolumeIds) == 0 {
		for _, v := range all[Volume](c.state) {
			if m, ok := c.modifications[v.VolumeId]; ok {
				out.Modifications.Items = append(out.Modifications.Items, m)
			}
		}
	}
	return out, nil
}
