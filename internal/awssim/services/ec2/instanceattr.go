package ec2

import (
	"github.com/kodekloud/kml/internal/awssim/core"
)

type instanceIn struct {
	Base
	InstanceId string
	Attribute  string
}

type instanceAttributeOut struct {
	InstanceId                        string            `xml:"instanceId"`
	DisableApiStop                    *Flag             `xml:"disableApiStop"`
	DisableApiTermination             *Flag             `xml:"disableApiTermination"`
	EbsOptimized                      *Flag             `xml:"ebsOptimized"`
	EnaSupport                        *Flag             `xml:"enaSupport"`
	SourceDestCheck                   *Flag             `xml:"sourceDestCheck"`
	InstanceInitiatedShutdownBehavior *Text             `xml:"instanceInitiatedShutdownBehavior"`
	InstanceType                      *Text             `xml:"instanceType"`
	RootDeviceName                    *Text             `xml:"rootDeviceName"`
	UserData                          *OptionalText     `xml:"userData"`
	Kernel                            *OptionalText     `xml:"kernel"`
	Ramdisk                           *OptionalText     `xml:"ramdisk"`
	SriovNetSupport                   *OptionalText     `xml:"sriovNetSupport"`
	Groups                            []GroupIdentifier `xml:"groupSet>item"`
	BlockDeviceMappings               []InstanceDevice  `xml:"blockDeviceMapping>item"`
}

// OptionalText is an attribute that may have no value.
type OptionalText struct {
	Value string `xml:"value,omitempty"`
}

func describeInstanceAttribute(c *call, in *instanceIn) (*instanceAttributeOut, error) {
	i, err := get[Instance](c.state, in.InstanceId)
	if err != nil {
		return nil, err
	}
	i.show(c.interfaces(i), c.volumes(i))
	out := &instanceAttributeOut{InstanceId: i.InstanceId}
	switch in.Attribute {
	case "disableApiStop":
		out.DisableApiStop = &Flag{i.stopProtected}
	case "disableApiTermination":
		out.DisableApiTermination = &Flag{i.protected}
	case "ebsOptimized":
		out.EbsOptimized = &Flag{i.EbsOptimized}
	case "enaSupport":
		out.EnaSupport = &Flag{i.EnaSupport}
	case "sourceDestCheck":
		out.SourceDestCheck = &Flag{i.SourceDestCheck}
	case "instanceInitiatedShutdownBehavior":
		out.InstanceInitiatedShutdownBehavior = &Text{i.shutdownBehavior}
	case "instanceType":
		out.InstanceType = &Text{i.InstanceType}
	case "rootDeviceName":
		out.RootDeviceName = &Text{i.RootDeviceName}
	case "userData":
		out.UserData = &OptionalText{i.userData}
	case "kernel":
		out.Kernel = &OptionalText{}
	case "ramdisk":
		out.Ramdisk = &OptionalText{}
	case "sriovNetSupport":
		out.SriovNetSupport = &OptionalText{}
	case "groupSet":
		out.Groups = i.SecurityGroups
	case "blockDeviceMapping":
		out.BlockDeviceMappings = i.BlockDeviceMappings
	case "productCodes":
	default:
		return nil, invalidValue("attribute", in.Attribute, "Unknown attribute.")
	}
	return out, nil
}

type modifyInstanceIn struct {
	Base
	InstanceId                        string
	Attribute                         string // the older form: Attribute and Value
	Value                             string
	BlockDeviceMappings               []deviceChange `q:"BlockDeviceMapping"`
	DisableApiStop                    *Flag
	DisableApiTermination             *Flag
	EbsOptimized                      *Flag
	EnaSupport                        *Flag
	SourceDestCheck                   *Flag
	Groups                            []string `q:"GroupId"`
	InstanceInitiatedShutdownBehavior *Text
	InstanceType                      *Text
	UserData                          *Text `trail:"-"`
}

type deviceChange struct {
	DeviceName string
	Ebs        struct{ DeleteOnTermination *bool }
}

// older turns Attribute and Value into the field of that name.
func (in *modifyInstanceIn) older() {
	flag := &Flag{in.Value == "true"}
	switch in.Attribute {
	case "disableApiTermination":
		in.DisableApiTermination = flag
	case "disableApiStop":
		in.DisableApiStop = flag
	case "ebsOptimized":
		in.EbsOptimized = flag
	case "sourceDestCheck":
		in.SourceDestCheck = flag
	case "instanceInitiatedShutdownBehavior":
		in.InstanceInitiatedShutdownBehavior = &Text{in.Value}
	case "instanceType":
		in.InstanceType = &Text{in.Value}
	case "userData":
		in.UserData = &Text{in.Value}
	}
}

func modifyInstanceAttribute(c *call, in *modifyInstanceIn) (*returned, error) {
	i, err := get[Instance](c.state, in.InstanceId)
	if err != nil {
		return nil, err
	}
	in.older()
	if i.gone() {
		return nil, incorrectState(i, "modified")
	}
	if err := in.stoppedOnly(i); err != nil {
		return nil, err
	}
	if len(in.Groups) > 0 {
		e := c.primaryOf(i)
		groups, err := c.groupsFor(e.VpcId, in.Groups, "")
		if err != nil {
			return nil, err
		}
		e.Groups = groups
	}
	for _, d := range in.BlockDeviceMappings {
		for _, v := range c.volumes(i) {
			if v.Attachments[0].Device == d.DeviceName && d.Ebs.DeleteOnTermination != nil {
				v.Attachments[0].DeleteOnTermination = *d.Ebs.DeleteOnTermination
			}
		}
	}
	setFlag(&i.stopProtected, in.DisableApiStop)
	setFlag(&i.protected, in.DisableApiTermination)
	setFlag(&i.EbsOptimized, in.EbsOptimized)
	setFlag(&i.EnaSupport, in.EnaSupport)
	setFlag(&c.primaryOf(i).SourceDestCheck, in.SourceDestCheck)
	if b := in.InstanceInitiatedShutdownBehavior; b != nil {
		i.shutdownBehavior = b.Value
	}
	return done()
}

// stoppedOnly makes the changes that a running instance refuses.
func (in *modifyInstanceIn) stoppedOnly(i *Instance) error {
	if in.InstanceType == nil && in.UserData == nil {
		return nil
	}
	if i.InstanceState.Name != "stopped" {
		return core.Errorf(400, "IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", i.InstanceId)
	}
	if in.InstanceType != nil {
		m, err := machineNamed(in.InstanceType.Value)
		if err != nil {
			return err
		}
		i.InstanceType, i.credits = m.name, m.credit
	}
	if in.UserData != nil {
		i.userData = in.UserData.Value
	}
	return nil
}

type modifyMetadataIn struct {
	Base
	InstanceId string
	MetadataOptions
}

type modifyMetadataOut struct {
	InstanceId string          `xml:"instanceId"`
	Options    MetadataOptions `xml:"instanceMetadataOptions"`
}

func modifyMetadataOptions(c *call, in *modifyMetadataIn) (*modifyMetadataOut, error) {
	i, err := get[Instance](c.state, in.InstanceId)
	if err != nil {
		return nil, err
	}
	p := plan{spec: LaunchSpec{MetadataOptions: &in.MetadataOptions}}
	n := p.metadata(c.state)
	if in.HttpTokens != "" {
		i.MetadataOptions.HttpTokens = n.HttpTokens
	}
	if in.HttpEndpoint != "" {
		i.MetadataOptions.HttpEndpoint = n.HttpEndpoint
	}
	if in.InstanceMetadataTags != "" {
		i.MetadataOptions.InstanceMetadataTags = n.InstanceMetadataTags
	}
	if in.HttpProtocolIpv6 != "" {
		i.MetadataOptions.HttpProtocolIpv6 = n.HttpProtocolIpv6
	}
	if in.HttpPutResponseHopLimit != 0 {
		i.MetadataOptions.HttpPutResponseHopLimit = n.HttpPutResponseHopLimit
	}
	return &modifyMetadataOut{i.InstanceId, i.MetadataOptions}, nil
}

// Credits is the credit option of a burstable instance.
type Credits struct {
	InstanceId string `xml:"instanceId"`
	CpuCredits string `xml:"cpuCredits"`
}

type creditsOut struct {
	Specifications List[Credits] `xml:"instanceCreditSpecificationSet"`
	NextToken      string        `xml:"nextToken,omitempty"`
}

func describeCredits(c *call, in *describeInstancesIn) (*creditsOut, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	list, next, err := describe[Instance](c, &in.Search, in.InstanceIds)
	out := &creditsOut{NextToken: next}
	for _, i := range list {
		if machines[i.InstanceType].burst && !i.gone() {
			out.Specifications.Items = append(out.Specifications.Items, Credits{i.InstanceId, i.credits})
		}
	}
	return out, err
}

type modifyCreditsIn struct {
	Base
	Specifications []struct {
		InstanceId string
		CpuCredits string
	} `q:"InstanceCreditSpecification"`
}

type modifyCreditsOut struct {
	Successful List[struct {
		InstanceId string `xml:"instanceId"`
	}] `xml:"successfulInstanceCreditSpecificationSet"`
}

func modifyCredits(c *call, in *modifyCreditsIn) (*modifyCreditsOut, error) {
	out := &modifyCreditsOut{}
	for _, s := range in.Specifications {
		i, err := get[Instance](c.state, s.InstanceId)
		if err != nil {
			return nil, err
		}
		i.credits = s.CpuCredits
		out.Successful.Items = append(out.Successful.Items, struct {
			InstanceId string `xml:"instanceId"`
		}{i.InstanceId})
	}
	return out, nil
}
