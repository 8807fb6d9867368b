package ec2

import (
	"encoding/base64"
	"reflect"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// LaunchSpec is what instances are made from: the common part of RunInstances,
// launch templates and spot requests.
type LaunchSpec struct {
	BlockDeviceMappings               []BlockDeviceMapping `q:"BlockDeviceMapping" xml:"blockDeviceMappingSet>item"`
	CreditSpecification               *CreditSpec          `xml:"creditSpecification"`
	DisableApiStop                    *bool                `xml:"disableApiStop"`
	DisableApiTermination             *bool                `xml:"disableApiTermination"`
	EbsOptimized                      *bool                `xml:"ebsOptimized"`
	IamInstanceProfile                *ProfileSpec         `xml:"iamInstanceProfile"`
	ImageId                           string               `xml:"imageId,omitempty"`
	InstanceInitiatedShutdownBehavior string               `xml:"instanceInitiatedShutdownBehavior,omitempty"`
	InstanceMarketOptions             *MarketOptions       `xml:"instanceMarketOptions"`
	InstanceType                      string               `xml:"instanceType,omitempty"`
	KeyName                           string               `xml:"keyName,omitempty"`
	MetadataOptions                   *MetadataOptions     `xml:"metadataOptions"`
	Monitoring                        *MonitoringSpec      `xml:"monitoring"`
	NetworkInterfaces                 []NicSpec            `q:"NetworkInterface" xml:"networkInterfaceSet>item"`
	Placement                         *Placement           `xml:"placement"`
	SecurityGroupIds                  []string             `q:"SecurityGroupId" xml:"securityGroupIdSet>item"`
	SecurityGroups                    []string             `q:"SecurityGroup" xml:"securityGroupSet>item"`
	UserData                          string               `xml:"userData,omitempty" trail:"-"`
	Tagged
}

// CreditSpec is the credit option of burstable types.
type CreditSpec struct {
	CpuCredits string `xml:"cpuCredits"`
}

// ProfileSpec names an instance profile one way or the other.
type ProfileSpec struct {
	Arn  string `xml:"arn,omitempty"`
	Name string `xml:"name,omitempty"`
}

// MarketOptions ask for spot capacity.
type MarketOptions struct {
	MarketType  string `xml:"marketType"`
	SpotOptions struct {
		MaxPrice                     string `xml:"maxPrice,omitempty"`
		SpotInstanceType             string `xml:"spotInstanceType,omitempty"`
		InstanceInterruptionBehavior string `xml:"instanceInterruptionBehavior,omitempty"`
	} `xml:"spotOptions"`
}

// MonitoringSpec asks for detailed monitoring.
type MonitoringSpec struct {
	Enabled bool `xml:"enabled"`
}

// NicSpec is an interface that an instance is launched with.
type NicSpec struct {
	AssociatePublicIpAddress *bool              `xml:"associatePublicIpAddress"`
	DeleteOnTermination      *bool              `xml:"deleteOnTermination"`
	Description              string             `xml:"description,omitempty"`
	DeviceIndex              int                `xml:"deviceIndex"`
	Groups                   []string           `q:"SecurityGroupId" xml:"groupSet>groupId"`
	NetworkInterfaceId       string             `xml:"networkInterfaceId,omitempty"`
	PrivateIpAddress         string             `xml:"privateIpAddress,omitempty"`
	PrivateIpAddresses       []PrivateIpAddress `xml:"privateIpAddressesSet>item"`
	SubnetId                 string             `xml:"subnetId,omitempty"`
}

// over lays the specification over a template's: what it leaves open comes from there.
func (s LaunchSpec) over(template LaunchSpec) LaunchSpec {
	v, t := reflect.ValueOf(&s).Elem(), reflect.ValueOf(template)
	specs := append(slices.Clone(template.TagSpecifications), s.TagSpecifications...)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			v.Field(i).Set(t.Field(i))
		}
	}
	s.TagSpecifications = specs
	return s
}

// plan is a launch with everything looked up and checked.
type plan struct {
	spec     LaunchSpec
	image    *Image
	machine  machine
	zone     string
	subnet   *Subnet
	nics     []nicPlan
	key      *KeyPair
	profile  *Profile
	role     string // of the profile; needs iam:PassRole
	template *LaunchTemplate
	token    string
	by       string // the service that launches
}

// nicPlan is an interface to attach: an existing one or one to make.
type nicPlan struct {
	existing           *NetworkInterface
	subnet             *Subnet
	spec               eniSpec
	index              int
	public             bool
	deleteWithInstance bool
}

// prepare looks up and checks all that a specification names.
func (st *state) prepare(spec LaunchSpec, subnet, address string) (*plan, error) {
	p := &plan{spec: spec}
	var err error
	if spec.ImageId == "" {
		return nil, core.Errorf(400, "MissingParameter", "The request must contain the parameter ImageId")
	}
	if p.image, err = get[Image](st, spec.ImageId); err != nil {
		return nil, err
	}
	if p.image.State != "available" {
		return nil, core.Errorf(400, "InvalidAMIID.Unavailable", "The image ID '%s' is not available", spec.ImageId)
	}
	if spec.InstanceType == "" {
		p.spec.InstanceType = "m1.small"
	}
	if p.machine, err = machineNamed(p.spec.InstanceType); err != nil {
		return nil, err
	}
	if p.machine.arch != p.image.Architecture {
		return nil, core.Errorf(400, "InvalidParameterValue", "The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.", p.machine.arch, p.image.Architecture)
	}
	if spec.KeyName != "" {
		if p.key = st.keyNamed(spec.KeyName); p.key == nil {
			return nil, core.Errorf(400, "InvalidKeyPair.NotFound", "The key pair '%s' does not exist", spec.KeyName)
		}
	}
	if _, err := base64.StdEncoding.DecodeString(spec.UserData); err != nil {
		return nil, core.Errorf(400, "InvalidParameterValue", "Invalid BASE64 encoding of user data.")
	}
	if err := st.prepareProfile(p); err != nil {
		return nil, err
	}
	if err := st.prepareNetwork(p, subnet, address); err != nil {
		return nil, err
	}
	_, err = st.devices(p)
	return p, err
}

func (st *state) prepareProfile(p *plan) error {
	s := p.spec.IamInstanceProfile
	if s == nil || s.Arn == "" && s.Name == "" {
		return nil
	}
	profile, role, err := st.profile(*s)
	p.profile, p.role = profile, role
	return err
}

// profile finds an instance profile through the IAM service.
func (st *state) profile(s ProfileSpec) (*Profile, string, error) {
	name := s.Arn
	if name == "" {
		name = s.Name
	}
	if st.svc.profiles != nil {
		if arn, id, role, ok := st.svc.profiles.InstanceProfile(st.account, name); ok {
			return &Profile{arn, id}, role, nil
		}
	}
	if s.Arn != "" {
		return nil, "", core.Errorf(400, "InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN", s.Arn)
	}
	return nil, "", core.Errorf(400, "InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", s.Name)
}

// devices gives the volumes of one instance, not stored yet: those of the image,
// changed and added to by the request.
func (st *state) devices(p *plan) ([]*Volume, error) {
	mappings := slices.Clone(p.image.BlockDeviceMappings)
	for _, m := range p.spec.BlockDeviceMappings {
		i := slices.IndexFunc(mappings, func(x BlockDeviceMapping) bool { return x.DeviceName == m.DeviceName })
		switch {
		case m.NoDevice != nil:
			if i >= 0 {
				mappings = append(mappings[:i:i], mappings[i+1:]...)
			}
		case m.Ebs == nil:
		case i >= 0:
			e := *m.Ebs
			fill(&e, mappings[i].Ebs)
			mappings[i].Ebs = &e
		default:
			mappings = append(mappings, m)
		}
	}
	var out []*Volume
	for _, m := range mappings {
		if m.Ebs == nil {
			continue
		}
		v, err := st.volume(*m.Ebs, p.zone)
		if err != nil {
			return nil, err
		}
		// AWS's default is true, also for volumes that the request adds.
		keep := m.Ebs.DeleteOnTermination != nil && !*m.Ebs.DeleteOnTermination
		v.Attachments = []VolumeAttachment{{Device: m.DeviceName, DeleteOnTermination: !keep}}
		out = append(out, v)
	}
	return out, nil
}

// fill takes what e leaves open from the image's device.
func fill(e, from *EbsSpec) {
	if from == nil {
		return
	}
	if e.SnapshotId == "" {
		e.SnapshotId = from.SnapshotId
	}
	if e.VolumeSize == 0 {
		e.VolumeSize = from.VolumeSize
	}
	if e.VolumeType == "" {
		e.VolumeType = from.VolumeType
	}
	if e.DeleteOnTermination == nil {
		e.DeleteOnTermination = from.DeleteOnTermination
	}
}
