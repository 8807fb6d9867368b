package autoscaling

import (
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/ec2"
)

// LaunchConfiguration is the older, unchangeable form of a launch template.
type LaunchConfiguration struct {
	LaunchConfigurationName  string
	LaunchConfigurationARN   string `q:"-"`
	ImageId                  string
	InstanceType             string
	KeyName                  string
	SecurityGroups           []string    `xml:"SecurityGroups>member"`
	UserData                 string      `trail:"-"`
	IamInstanceProfile       string      `xml:",omitempty"`
	BlockDeviceMappings      []Device    `xml:"BlockDeviceMappings>member"`
	InstanceMonitoring       *Monitoring `xml:",omitempty"`
	AssociatePublicIpAddress *bool       `xml:",omitempty"`
	EbsOptimized             bool
	MetadataOptions          *ec2Metadata `xml:",omitempty"`
	CreatedTime              core.Time    `q:"-" trail:"-"`
}

// Device is a block device.
type Device struct {
	DeviceName string
	Ebs        *struct {
		DeleteOnTermination *bool  `xml:",omitempty"`
		Encrypted           *bool  `xml:",omitempty"`
		Iops                int    `xml:",omitempty"`
		SnapshotId          string `xml:",omitempty"`
		Throughput          int    `xml:",omitempty"`
		VolumeSize          int    `xml:",omitempty"`
		VolumeType          string `xml:",omitempty"`
	} `xml:",omitempty"`
}

// Monitoring asks for detailed monitoring.
type Monitoring struct{ Enabled bool }

type ec2Metadata struct {
	HttpEndpoint            string `xml:",omitempty"`
	HttpPutResponseHopLimit int    `xml:",omitempty"`
	HttpTokens              string `xml:",omitempty"`
}

// spec is the configuration in EC2's terms.
func (l *LaunchConfiguration) spec() ec2.LaunchSpec {
	s := ec2.LaunchSpec{ImageId: l.ImageId, InstanceType: l.InstanceType, KeyName: l.KeyName, UserData: l.UserData, SecurityGroupIds: l.SecurityGroups}
	if p := l.IamInstanceProfile; strings.HasPrefix(p, "arn:") {
		s.IamInstanceProfile = &ec2.ProfileSpec{Arn: p}
	} else if p != "" {
		s.IamInstanceProfile = &ec2.ProfileSpec{Name: p}
	}
	if l.InstanceMonitoring != nil {
		s.Monitoring = &ec2.MonitoringSpec{Enabled: l.InstanceMonitoring.Enabled}
	}
	if m := l.MetadataOptions; m != nil {
		s.MetadataOptions = &ec2.MetadataOptions{HttpEndpoint: m.HttpEndpoint, HttpTokens: m.HttpTokens, HttpPutResponseHopLimit: m.HttpPutResponseHopLimit}
	}
	if l.AssociatePublicIpAddress != nil {
		s.NetworkInterfaces = []ec2.NicSpec{{AssociatePublicIpAddress: l.AssociatePublicIpAddress, Groups: l.SecurityGroups}}
		s.SecurityGroupIds = nil
	}
	for _, d := range l.BlockDeviceMappings {
		m := ec2.BlockDeviceMapping{DeviceName: d.DeviceName}
		if e := d.Ebs; e != nil {
			m.Ebs = &ec2.EbsSpec{DeleteOnTermination: e.DeleteOnTermination, Encrypted: e.Encrypted, Iops: e.Iops,
				SnapshotId: e.SnapshotId, Throughput: e.Throughput, VolumeSize: e.VolumeSize, VolumeType: e.VolumeType}
		}
		s.BlockDeviceMappings = append(s.BlockDeviceMappings, m)
	}
	return s
}

func (s *Service) configOps() []core.Op {
	return []core.Op{
		op(s, "CreateLaunchConfiguration", createConfig, func(c *call, in *LaunchConfiguration) core.Permission {
			return core.Permission{Resource: c.configARN(in.LaunchConfigurationName), Context: map[string][]string{"autoscaling:InstanceType": {in.InstanceType}}}
		}),
		op(s, "DescribeLaunchConfigurations", describeConfigs, nil, core.ReadOnly),
		op(s, "DeleteLaunchConfiguration", deleteConfig, func(c *call, in *configIn) core.Permission {
			return core.Permission{Resource: c.configARN(in.LaunchConfigurationName)}
		}),
	}
}

func (st *state) configARN(name string) string {
	if c, ok := st.configs[name]; ok {
		return c.LaunchConfigurationARN
	}
	return "arn:aws:autoscaling:" + st.region + ":" + st.account + ":launchConfiguration:*:launchConfigurationName/" + name
}

func createConfig(c *call, in *LaunchConfiguration) (*core.None, error) {
	if in.LaunchConfigurationName == "" || in.ImageId == "" || in.InstanceType == "" {
		return nil, invalid("LaunchConfigurationName, ImageId and InstanceType are required")
	}
	if _, ok := c.configs[in.LaunchConfigurationName]; ok {
		return nil, core.Errorf(400, "AlreadyExists", "Launch Configuration by this name already exists - A launch configuration already exists with the name %s", in.LaunchConfigurationName)
	}
	// The role of the profile is passed when the configuration is made.
	for _, p := range c.s.ec2.Needed(c.Call, ec2.Launch{Spec: in.spec()}) {
		if p.Action != "iam:PassRole" {
			continue
		}
		if e := c.Authorize(p); e != nil {
			return nil, e
		}
	}
	l := *in
	l.LaunchConfigurationARN = strings.Replace(c.configARN(l.LaunchConfigurationName), ":*:", ":"+c.World.UUID()+":", 1)
	l.CreatedTime = core.At(c.Now)
	c.configs[l.LaunchConfigurationName] = &l
	return nil, nil
}

type describeConfigsIn struct {
	Paged
	LaunchConfigurationNames []string
}

type describeConfigsOut struct {
	LaunchConfigurations List[*LaunchConfiguration]
	NextToken            string `xml:",omitempty"`
}

func describeConfigs(c *call, in *describeConfigsIn) (*describeConfigsOut, error) {
	var found []*LaunchConfiguration
	for _, n := range names(c.configs) {
		if len(in.LaunchConfigurationNames) == 0 || slices.Contains(in.LaunchConfigurationNames, n) {
			found = append(found, c.configs[n])
		}
	}
	list, next, err := page(in.Paged, found, func(l *LaunchConfiguration) string { return l.LaunchConfigurationName })
	return &describeConfigsOut{List[*LaunchConfiguration]{list}, next}, err
}

type configIn struct{ LaunchConfigurationName string }

func deleteConfig(c *call, in *configIn) (*core.None, error) {
	if _, ok := c.configs[in.LaunchConfigurationName]; !ok {
		return nil, invalid("Launch configuration name not found - Launch configuration %s not found", in.LaunchConfigurationName)
	}
	for _, g := range c.groups {
		if g.LaunchConfigurationName == in.LaunchConfigurationName {
			return nil, core.Errorf(400, "ResourceInUse", "Cannot delete launch configuration %s because it is attached to AutoScalingGroup %s", in.LaunchConfigurationName, g.AutoScalingGroupName)
		}
	}
	delete(c.configs, in.LaunchConfigurationName)
	return nil, nil
}
