package ec2

import (
	"github.com/kodekloud/kml/internal/awssim/core"
)

// Instance is a virtual machine. Its interfaces, groups, addresses and devices
// are views: show fills them in from the interfaces and volumes.
type Instance struct {
	InstanceId          string              `xml:"instanceId"`
	ImageId             string              `xml:"imageId"`
	InstanceState       InstanceState       `xml:"instanceState"`
	PrivateDnsName      string              `xml:"privateDnsName"`
	PublicDnsName       string              `xml:"dnsName"`
	Reason              string              `xml:"reason"`
	StateReason         *StateReason        `xml:"stateReason"`
	KeyName             string              `xml:"keyName,omitempty"`
	AmiLaunchIndex      int                 `xml:"amiLaunchIndex"`
	InstanceType        string              `xml:"instanceType"`
	LaunchTime          *core.Time          `xml:"launchTime"`
	Placement           Placement           `xml:"placement"`
	Monitoring          MonitoringState     `xml:"monitoring"`
	SubnetId            string              `xml:"subnetId,omitempty"`
	VpcId               string              `xml:"vpcId,omitempty"`
	PrivateIpAddress    string              `xml:"privateIpAddress,omitempty"`
	PublicIpAddress     string              `xml:"ipAddress,omitempty"`
	SourceDestCheck     bool                `xml:"sourceDestCheck"`
	SecurityGroups      []GroupIdentifier   `xml:"groupSet>item"`
	Architecture        string              `xml:"architecture"`
	Platform            string              `xml:"platform,omitempty"`
	PlatformDetails     string              `xml:"platformDetails"`
	UsageOperation      string              `xml:"usageOperation"`
	RootDeviceType      string              `xml:"rootDeviceType"`
	RootDeviceName      string              `xml:"rootDeviceName"`
	BlockDeviceMappings []InstanceDevice    `xml:"blockDeviceMapping>item"`
	VirtualizationType  string              `xml:"virtualizationType"`
	Hypervisor          string              `xml:"hypervisor"`
	InstanceLifecycle   string              `xml:"instanceLifecycle,omitempty"`
	SpotRequestId       string              `xml:"spotInstanceRequestId,omitempty"`
	ClientToken         string              `xml:"clientToken"`
	NetworkInterfaces   []*NetworkInterface `xml:"networkInterfaceSet>item"`
	IamInstanceProfile  *Profile            `xml:"iamInstanceProfile"`
	EbsOptimized        bool                `xml:"ebsOptimized"`
	EnaSupport          bool                `xml:"enaSupport"`
	CpuOptions          CpuOptions          `xml:"cpuOptions"`
	MetadataOptions     MetadataOptions     `xml:"metadataOptions"`
	EnclaveEnabled      bool                `xml:"enclaveOptions>enabled"`
	Hibernation         bool                `xml:"hibernationOptions>configured"`
	CapacityPreference  string              `xml:"capacityReservationSpecification>capacityReservationPreference"`
	AutoRecovery        string              `xml:"maintenanceOptions>autoRecovery"`
	PrivateDnsOptions   PrivateDnsName      `xml:"privateDnsNameOptions"`
	BootMode            string              `xml:"currentInstanceBootMode"`
	Meta

	reservation, requester     string
	protected, stopProtected   bool // disableApiTermination, disableApiStop
	shutdownBehavior, userData string
	credits                    string
}

// InstanceState is a state's code and name.
type InstanceState struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

var stateCodes = map[string]int{"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

// StateReason says why an instance is in its state.
type StateReason struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

// Placement says where an instance runs.
type Placement struct {
	AvailabilityZone string `xml:"availabilityZone,omitempty"`
	GroupName        string `xml:"groupName"`
	Tenancy          string `xml:"tenancy,omitempty"`
}

// MonitoringState is disabled, enabled or on the way.
type MonitoringState struct {
	State string `xml:"state"`
}

// InstanceDevice is a volume as the instance shows it.
type InstanceDevice struct {
	DeviceName string `xml:"deviceName"`
	Ebs        struct {
		VolumeId            string     `xml:"volumeId"`
		Status              string     `xml:"status"`
		AttachTime          *core.Time `xml:"attachTime"`
		DeleteOnTermination bool       `xml:"deleteOnTermination"`
	} `xml:"ebs"`
}

// Profile is an IAM instance profile in use.
type Profile struct {
	Arn string `xml:"arn"`
	Id  string `xml:"id"`
}

// CpuOptions are an instance's cores.
type CpuOptions struct {
	CoreCount      int `xml:"coreCount"`
	ThreadsPerCore int `xml:"threadsPerCore"`
}

// MetadataOptions are an instance's metadata service settings.
type MetadataOptions struct {
	State                   string `xml:"state,omitempty" q:"-"`
	HttpTokens              string `xml:"httpTokens,omitempty"`
	HttpPutResponseHopLimit int    `xml:"httpPutResponseHopLimit,omitempty"`
	HttpEndpoint            string `xml:"httpEndpoint,omitempty"`
	HttpProtocolIpv6        string `xml:"httpProtocolIpv6,omitempty"`
	InstanceMetadataTags    string `xml:"instanceMetadataTags,omitempty"`
}

var instanceKind = &kind{
	name: "instance", prefix: "i", noun: "instance", notFound: "InvalidInstanceID.NotFound", malformed: "InvalidInstanceID.Malformed",
	trail: "AWS::EC2::Instance",
	filters: filters{
		"instance-id": "InstanceId", "image-id": "ImageId", "instance-type": "InstanceType", "key-name": "KeyName",
		"instance-state-name": "InstanceState.Name", "instance-state-code": "InstanceState.Code", "launch-time": "LaunchTime",
		"availability-zone": "Placement.AvailabilityZone", "placement-group-name": "Placement.GroupName", "tenancy": "Placement.Tenancy",
		"subnet-id": "SubnetId", "vpc-id": "VpcId", "private-ip-address": "PrivateIpAddress", "ip-address": "PublicIpAddress",
		"dns-name": "PublicDnsName", "private-dns-name": "PrivateDnsName", "architecture": "Architecture", "platform": "Platform",
		"root-device-name": "RootDeviceName", "root-device-type": "RootDeviceType", "instance-lifecycle": "InstanceLifecycle",
		"spot-instance-request-id": "SpotRequestId", "client-token": "ClientToken", "monitoring-state": "Monitoring.State",
		"group-id": "SecurityGroups.GroupId", "group-name": "SecurityGroups.GroupName",
		"instance.group-id": "SecurityGroups.GroupId", "instance.group-name": "SecurityGroups.GroupName",
		"iam-instance-profile.arn": "IamInstanceProfile.Arn", "iam-instance-profile.id": "IamInstanceProfile.Id",
		"block-device-mapping.volume-id": "BlockDeviceMappings.Ebs.VolumeId", "block-device-mapping.device-name": "BlockDeviceMappings.DeviceName",
		"network-interface.network-interface-id": "NetworkInterfaces.NetworkInterfaceId",
		"network-interface.subnet-id":            "NetworkInterfaces.SubnetId", "network-interface.vpc-id": "NetworkInterfaces.VpcId",
		"network-interface.group-id":                     "NetworkInterfaces.Groups.GroupId",
		"network-interface.addresses.private-ip-address": "NetworkInterfaces.PrivateIps.PrivateIpAddress",
		"virtualization-type":                            "VirtualizationType", "hypervisor": "Hypervisor", "metadata-options.http-tokens": "MetadataOptions.HttpTokens",
		"owner-id": "Owner", "reservation-id": "Reservation", "requester-id": "Requester", "source-dest-check": "SourceDestCheck",
	},
}

func (*Instance) kind() *kind { return instanceKind }

// Owner, Reservation and Requester belong to the reservation; filters ask the instance.
func (x *Instance) Owner() string {
	if len(x.NetworkInterfaces) == 0 {
		return ""
	}
	return x.NetworkInterfaces[0].OwnerId
}

// Reservation is the id of the launch that made the instance.
func (x *Instance) Reservation() string { return x.reservation }

// Requester is the service that launched the instance, if one did.
func (x *Instance) Requester() string { return x.requester }

func (x *Instance) keys() map[string]string {
	out := map[string]string{
		"ec2:InstanceType": x.InstanceType, "ec2:AvailabilityZone": x.Placement.AvailabilityZone, "ec2:InstanceID": x.InstanceId,
		"ec2:MetadataHttpTokens": x.MetadataOptions.HttpTokens, "ec2:RootDeviceType": x.RootDeviceType,
	}
	if x.IamInstanceProfile != nil {
		out["ec2:InstanceProfile"] = x.IamInstanceProfile.Arn
	}
	return out
}

func (x *Instance) to(state string) { x.InstanceState = InstanceState{stateCodes[state], state} }

func (x *Instance) gone() bool {
	return x.InstanceState.Name == "shutting-down" || x.InstanceState.Name == "terminated"
}

func incorrectState(i *Instance, what string) error {
	return core.Errorf(400, "IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", i.InstanceId, what)
}

func (st *state) interfaces(i *Instance) []*NetworkInterface {
	return some(st, func(e *NetworkInterface) bool { return e.Attachment != nil && e.Attachment.InstanceId == i.InstanceId })
}

// primaryOf gives the interface at index 0; every living instance has one.
func (st *state) primaryOf(i *Instance) *NetworkInterface {
	for _, e := range st.interfaces(i) {
		if e.Attachment.DeviceIndex == 0 {
			return e
		}
	}
	return nil
}

func (st *state) volumes(i *Instance) []*Volume {
	return some(st, func(v *Volume) bool { return len(v.Attachments) > 0 && v.Attachments[0].InstanceId == i.InstanceId })
}

// showAll brings the views of all instances up to date with one look at the
// interfaces and volumes.
func (st *state) showAll() {
	nics, vols := map[string][]*NetworkInterface{}, map[string][]*Volume{}
	for _, e := range all[NetworkInterface](st) {
		if e.Attachment != nil {
			nics[e.Attachment.InstanceId] = append(nics[e.Attachment.InstanceId], e)
		}
	}
	for _, v := range all[Volume](st) {
		if len(v.Attachments) > 0 {
			vols[v.Attachments[0].InstanceId] = append(vols[v.Attachments[0].InstanceId], v)
		}
	}
	for _, i := range all[Instance](st) {
		i.show(nics[i.InstanceId], vols[i.InstanceId])
	}
}

func (x *Instance) show(nics []*NetworkInterface, vols []*Volume) {
	x.NetworkInterfaces, x.BlockDeviceMappings, x.SecurityGroups = nics, nil, nil
	x.PrivateIpAddress, x.PrivateDnsName, x.PublicIpAddress, x.PublicDnsName, x.SubnetId, x.VpcId = "", "", "", "", "", ""
	for _, e := range nics {
		if e.Attachment.DeviceIndex != 0 {
			continue
		}
		x.PrivateIpAddress, x.PrivateDnsName, x.SubnetId, x.VpcId = e.PrivateIpAddress, e.PrivateDnsName, e.SubnetId, e.VpcId
		x.SecurityGroups, x.SourceDestCheck = e.Groups, e.SourceDestCheck
		if e.Association != nil {
			x.PublicIpAddress, x.PublicDnsName = e.Association.PublicIp, e.Association.PublicDnsName
		}
	}
	for _, v := range vols {
		a := v.Attachments[0]
		d := InstanceDevice{DeviceName: a.Device}
		d.Ebs.VolumeId, d.Ebs.Status, d.Ebs.AttachTime, d.Ebs.DeleteOnTermination = v.VolumeId, a.State, a.AttachTime, a.DeleteOnTermination
		x.BlockDeviceMappings = append(x.BlockDeviceMappings, d)
	}
}
