package ec2

import (
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

func (s *Service) interfaceOps() []core.Op {
	return []core.Op{
		op(s, "CreateNetworkInterface", createNetworkInterface, creates((*NetworkInterface)(nil))),
		op(s, "DescribeNetworkInterfaces", describeNetworkInterfaces, read),
		op(s, "DescribeNetworkInterfaceAttribute", describeInterfaceAttribute, read),
		op(s, "DeleteNetworkInterface", deleteNetworkInterface),
		op(s, "AttachNetworkInterface", attachNetworkInterface),
		op(s, "DetachNetworkInterface", detachNetworkInterface),
		op(s, "ModifyNetworkInterfaceAttribute", modifyNetworkInterfaceAttribute),
	}
}

type createInterfaceIn struct {
	Base
	Tagged
	ClientToken      string
	Description      string
	Groups           []string `q:"SecurityGroupId"`
	InterfaceType    string
	PrivateIpAddress string
	PrivateIps       []PrivateIpAddress `q:"PrivateIpAddresses"`
	SecondaryCount   int                `q:"SecondaryPrivateIpAddressCount"`
	SubnetId         string
}

type interfaceOut struct {
	ClientToken      string            `xml:"clientToken,omitempty"`
	NetworkInterface *NetworkInterface `xml:"networkInterface"`
}

func createNetworkInterface(c *call, in *createInterfaceIn) (*interfaceOut, error) {
	return once(c, in.ClientToken, in, func() (*interfaceOut, error) {
		sn, err := get[Subnet](c.state, in.SubnetId)
		if err != nil {
			return nil, err
		}
		spec := eniSpec{address: in.PrivateIpAddress, groups: in.Groups, description: in.Description, tags: in.tags(networkInterfaceKind)}
		var more []string
		for _, p := range in.PrivateIps {
			if p.Primary {
				spec.address = p.PrivateIpAddress
			} else {
				more = append(more, p.PrivateIpAddress)
			}
		}
		more = append(more, make([]string, in.SecondaryCount)...)
		e, err := c.newInterface(sn, spec)
		if err != nil {
			return nil, err
		}
		for _, want := range more {
			ip, err := sn.take(want)
			if err != nil {
				c.removeInterface(e)
				return nil, err
			}
			e.PrivateIps = append(e.PrivateIps, PrivateIpAddress{PrivateIpAddress: ip, PrivateDnsName: c.privateName(ip)})
		}
		return &interfaceOut{in.ClientToken, e}, nil
	})
}

type describeInterfacesIn struct {
	Search
	NetworkInterfaceIds []string `q:"NetworkInterfaceId"`
}

type describeInterfacesOut struct {
	NetworkInterfaces List[*NetworkInterface] `xml:"networkInterfaceSet"`
	NextToken         string                  `xml:"nextToken,omitempty"`
}

func describeNetworkInterfaces(c *call, in *describeInterfacesIn) (*describeInterfacesOut, error) {
	list, next, err := describe[NetworkInterface](c, &in.Search, in.NetworkInterfaceIds)
	return &describeInterfacesOut{listOf(list), next}, err
}

type interfaceIn struct {
	Base
	NetworkInterfaceId string
	Attribute          string
}

// Text is an attribute with a string value.
type Text struct {
	Value string `xml:"value"`
}

type interfaceAttributeOut struct {
	NetworkInterfaceId string            `xml:"networkInterfaceId"`
	Description        *Text             `xml:"description"`
	SourceDestCheck    *Flag             `xml:"sourceDestCheck"`
	Groups             []GroupIdentifier `xml:"groupSet>item"`
	Attachment         *EniAttachment    `xml:"attachment"`
}

func describeInterfaceAttribute(c *call, in *interfaceIn) (*interfaceAttributeOut, error) {
	e, err := get[NetworkInterface](c.state, in.NetworkInterfaceId)
	if err != nil {
		return nil, err
	}
	out := &interfaceAttributeOut{NetworkInterfaceId: e.NetworkInterfaceId}
	switch in.Attribute {
	case "description":
		out.Description = &Text{e.Description}
	case "sourceDestCheck":
		out.SourceDestCheck = &Flag{e.SourceDestCheck}
	case "groupSet":
		out.Groups = e.Groups
	case "attachment":
		out.Attachment = e.Attachment
	default:
		return nil, invalidValue("attribute", in.Attribute, "Unknown attribute.")
	}
	return out, nil
}

func deleteNetworkInterface(c *call, in *interfaceIn) (*returned, error) {
	e, err := get[NetworkInterface](c.state, in.NetworkInterfaceId)
	if err != nil {
		return nil, err
	}
	if e.Status != "available" {
		return nil, core.Errorf(400, "InvalidNetworkInterface.InUse", "Network interface '%s' is currently in use.", e.NetworkInterfaceId)
	}
	c.removeInterface(e)
	return done()
}

type attachInterfaceIn struct {
	Base
	DeviceIndex        int
	InstanceId         string
	NetworkInterfaceId string
}

type attachInterfaceOut struct {
	AttachmentId string `xml:"attachmentId"`
}

func attachNetworkInterface(c *call, in *attachInterfaceIn) (*attachInterfaceOut, error) {
	e, err := get[NetworkInterface](c.state, in.NetworkInterfaceId)
	if err != nil {
		return nil, err
	}
	i, err := get[Instance](c.state, in.InstanceId)
	if err != nil {
		return nil, err
	}
	if e.Status != "available" {
		return nil, core.Errorf(400, "InvalidNetworkInterface.InUse", "Interface: [%s] in use.", e.NetworkInterfaceId)
	}
	if i.InstanceState.Name != "running" && i.InstanceState.Name != "stopped" {
		return nil, incorrectState(i, "attached to")
	}
	if e.AvailabilityZone != i.Placement.AvailabilityZone {
		return nil, core.Errorf(400, "InvalidParameterCombination", "You may not attach a network interface to an instance if they are not in the same availability zone")
	}
	for _, o := range c.interfaces(i) {
		if o.Attachment.DeviceIndex == in.DeviceIndex {
			return nil, core.Errorf(400, "InvalidParameterValue", "Instance '%s' already has an interface attached at device index '%d'.", i.InstanceId, in.DeviceIndex)
		}
	}
	e.attach(c.state, i.InstanceId, in.DeviceIndex, false)
	return &attachInterfaceOut{e.Attachment.AttachmentId}, nil
}

type detachInterfaceIn struct {
	Base
	AttachmentId string
	Force        bool
}

func detachNetworkInterface(c *call, in *detachInterfaceIn) (*returned, error) {
	e := first(c.state, func(e *NetworkInterface) bool {
		return e.Attachment != nil && e.Attachment.AttachmentId == in.AttachmentId
	})
	if e == nil {
		return nil, core.Errorf(400, "InvalidAttachmentID.NotFound", "The attachment '%s' does not exist", in.AttachmentId)
	}
	if e.RequesterManaged || e.Attachment.DeviceIndex == 0 {
		return nil, core.Errorf(400, "OperationNotPermitted", "The network interface at device index 0 or managed by a service cannot be detached.")
	}
	e.Attachment.Status, e.Status = "detaching", "detaching"
	c.after(0.5, func() { e.Attachment, e.Status = nil, "available" })
	return done()
}

type modifyInterfaceIn struct {
	Base
	NetworkInterfaceId string
	Description        *Text
	SourceDestCheck    *Flag
	Groups             []string `q:"SecurityGroupId"`
	Attachment         *struct {
		AttachmentId        string
		DeleteOnTermination *bool
	}
}

func modifyNetworkInterfaceAttribute(c *call, in *modifyInterfaceIn) (*returned, error) {
	e, err := get[NetworkInterface](c.state, in.NetworkInterfaceId)
	if err != nil {
		return nil, err
	}
	if len(in.Groups) > 0 {
		groups, err := c.groupsFor(e.VpcId, in.Groups, e.InterfaceType)
		if err != nil {
			return nil, err
		}
		e.Groups = slices.Clone(groups)
	}
	if in.Description != nil {
		e.Description = in.Description.Value
	}
	setFlag(&e.SourceDestCheck, in.SourceDestCheck)
	if in.Attachment != nil && in.Attachment.DeleteOnTermination != nil && e.Attachment != nil {
		e.Attachment.DeleteOnTermination = *in.Attachment.DeleteOnTermination
	}
	return done()
}
