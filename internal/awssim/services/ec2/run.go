package ec2

import (
	"fmt"
	"strconv"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type runIn struct {
	Base
	LaunchSpec
	ClientToken      string
	LaunchTemplate   *TemplateRef
	MaxCount         int
	MinCount         int
	PrivateIpAddress string
	SubnetId         string
}

// TemplateRef names a launch template and a version: a number, $Latest or
// $Default (which "" means too).
type TemplateRef struct {
	LaunchTemplateId   string
	LaunchTemplateName string
	Version            string
}

// plan resolves the request; template is nil without one.
func (in *runIn) plan(c *call) (*plan, error) {
	spec := in.LaunchSpec
	var t *LaunchTemplate
	if in.LaunchTemplate != nil {
		var v *LaunchTemplateVersion
		var err error
		if t, v, err = c.template(*in.LaunchTemplate); err != nil {
			return nil, err
		}
		spec = spec.over(v.Data)
	}
	p, err := c.prepare(spec, in.SubnetId, in.PrivateIpAddress)
	if err != nil {
		return nil, err
	}
	p.template, p.token = t, in.ClientToken
	return p, nil
}

// permissions are those that the "RunInstances" row of the service
// authorization reference lists; what cannot be resolved is left out, and the
// handler says why.
func (in *runIn) permissions(c *call) []core.Permission {
	p, err := in.plan(c)
	if err != nil {
		out := c.making((*Instance)(nil), in.TagSpecifications, map[string]string{"ec2:InstanceType": in.InstanceType})
		for _, id := range named(in, nil) {
			out = append(out, c.on(id))
		}
		return out
	}
	return p.permissions(c)
}

func (p *plan) permissions(c *call) []core.Permission {
	keys := map[string]string{
		"ec2:InstanceType": p.machine.name, "ec2:AvailabilityZone": p.zone, "ec2:RootDeviceType": "ebs", "ec2:Tenancy": "default",
		"ec2:MetadataHttpTokens": p.metadata(c.state).HttpTokens, "ec2:InstanceMarketType": "on-demand",
	}
	if p.spot() {
		keys["ec2:InstanceMarketType"] = "spot"
	}
	if p.profile != nil {
		keys["ec2:InstanceProfile"] = p.profile.Arn
	}
	fromTemplate := map[string]string{"ec2:IsLaunchTemplateResource": strconv.FormatBool(p.template != nil)}
	if p.template != nil {
		fromTemplate["ec2:LaunchTemplate"] = c.arn(launchTemplateKind, p.template.LaunchTemplateId)
	}
	specs := p.spec.TagSpecifications
	out := c.making((*Instance)(nil), specs, keys)
	out = append(out, c.on(p.image.ImageId), c.on(p.subnet.SubnetId))
	volumes, _ := c.devices(p) // checked when the plan was made
	for _, v := range volumes {
		out = append(out, c.making((*Volume)(nil), specs, v.keys())...)
	}
	for _, n := range p.nics {
		if n.existing != nil {
			out = append(out, c.on(n.existing.NetworkInterfaceId))
			continue
		}
		out = append(out, c.making((*NetworkInterface)(nil), specs, map[string]string{
			"ec2:Subnet": n.subnet.SubnetArn, "ec2:Vpc": c.arn(vpcKind, n.subnet.VpcId), "ec2:AvailabilityZone": p.zone,
		})...)
		groups, _ := c.groupsFor(n.subnet.VpcId, n.spec.groups, "")
		for _, g := range groups {
			out = append(out, c.on(g.GroupId))
		}
	}
	if p.key != nil {
		out = append(out, c.on(p.key.KeyPairId))
	}
	if p.template != nil {
		out = append(out, c.on(p.template.LaunchTemplateId))
	}
	for i := range out {
		for k, v := range fromTemplate {
			out[i].Context[k] = []string{v}
		}
	}
	if p.role != "" {
		out = append(out, passRole(p.role))
	}
	return out
}

// passRole is the permission to give EC2 a role.
func passRole(role string) core.Permission {
	return core.Permission{Action: "iam:PassRole", Resource: role, Context: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}}}
}

func (p *plan) spot() bool {
	return p.spec.InstanceMarketOptions != nil && p.spec.InstanceMarketOptions.MarketType == "spot"
}

func runInstances(c *call, in *runIn) (*Reservation, error) {
	return once(c, in.ClientToken, in, func() (*Reservation, error) {
		if in.MinCount < 1 || in.MaxCount < in.MinCount {
			return nil, invalidValue("minCount", fmt.Sprint(in.MinCount), "MinCount must be at least 1 and at most MaxCount.")
		}
		p, err := in.plan(c)
		if err != nil {
			return nil, err
		}
		if err := checkTags(p.spec.tags(instanceKind)); err != nil {
			return nil, err
		}
		return c.launch(p, in.MinCount, in.MaxCount)
	})
}

// launch starts between least and most instances, as many as quota and subnet allow.
func (st *state) launch(p *plan, least, most int) (*Reservation, error) {
	n, err := st.room(p, least, most)
	if err != nil {
		return nil, err
	}
	r := &Reservation{ReservationId: st.svc.w.ID("r"), OwnerId: st.account, RequesterId: p.by}
	for index := range n {
		i, err := st.start(p, r, index)
		if err != nil {
			return nil, err
		}
		r.Instances = append(r.Instances, i)
	}
	st.showAll()
	return r, nil
}

// room says how many instances can be launched now.
func (st *state) room(p *plan, least, most int) (int, error) {
	limit := st.svc.vcpuLimit(st.account)
	n := min(most, max(0, limit-st.vcpus())/p.machine.vcpus)
	if n < least {
		return 0, core.Errorf(400, "VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of %d allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.", limit)
	}
	for _, nic := range p.nics {
		if nic.existing != nil || nic.spec.address != "" {
			if least > 1 {
				return 0, invalidCombination("A network interface or private address can be given for one instance only")
			}
			n = 1
			continue
		}
		if n = min(n, nic.subnet.AvailableIpAddressCount); n < least {
			return 0, core.Errorf(400, "InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", nic.subnet.SubnetId)
		}
	}
	return n, nil
}

// vcpus counts the vCPUs that count against the quota: those of instances that
// are pending or running.
func (st *state) vcpus() int {
	n := 0
	for _, i := range all[Instance](st) {
		if s := i.InstanceState.Name; s == "pending" || s == "running" {
			n += machines[i.InstanceType].vcpus
		}
	}
	return n
}

// metadata gives the metadata options of the launch: the request's, then the
// account's defaults, then AWS's (tokens are required by newer images only).
func (p *plan) metadata(st *state) MetadataOptions {
	m, d := MetadataOptions{}, st.settings.metadata
	if p.spec.MetadataOptions != nil {
		m = *p.spec.MetadataOptions
	}
	pick := func(to *string, choices ...string) {
		for _, v := range choices {
			if *to == "" {
				*to = v
			}
		}
	}
	pick(&m.HttpTokens, d.HttpTokens, "optional")
	pick(&m.HttpEndpoint, d.HttpEndpoint, "enabled")
	pick(&m.InstanceMetadataTags, d.InstanceMetadataTags, "disabled")
	pick(&m.HttpProtocolIpv6, "disabled")
	if m.HttpPutResponseHopLimit == 0 {
		m.HttpPutResponseHopLimit = max(d.HttpPutResponseHopLimit, 1)
	}
	m.State = "applied"
	return m
}

// start makes one instance with its interfaces and volumes; it is pending for
// one delay.
func (st *state) start(p *plan, r *Reservation, index int) (*Instance, error) {
	i := p.instance(st)
	i.reservation, i.requester, i.AmiLaunchIndex = r.ReservationId, r.RequesterId, index
	if err := st.plugIn(p, i); err != nil {
		return nil, err
	}
	volumes, err := st.devices(p)
	if err != nil {
		return nil, err
	}
	for _, v := range volumes {
		a := v.Attachments[0]
		st.store(v, p.spec.tags(volumeKind))
		v.attach(i.InstanceId, a.Device, a.DeleteOnTermination, core.Ptr(st.now))
	}
	st.add(i, i.InstanceId, p.spec.tags(instanceKind))
	if p.profile != nil {
		st.associateProfile(i, *p.profile)
	}
	if p.spot() {
		st.spotFor(p, i)
	}
	st.comesUp(i)
	return i, nil
}

func (st *state) comesUp(i *Instance) {
	i.to("pending")
	st.after(1, func() {
		if i.InstanceState.Name == "pending" {
			i.to("running")
		}
	})
}

func (st *state) plugIn(p *plan, i *Instance) error {
	for _, n := range p.nics {
		e := n.existing
		if e == nil {
			var err error
			if e, err = st.newInterface(n.subnet, n.spec); err != nil {
				return err
			}
			if n.public {
				st.publicFor(e)
			}
		}
		e.attach(st, i.InstanceId, n.index, n.deleteWithInstance)
	}
	return nil
}

// publicFor gives an interface a public address of Amazon's pool.
func (st *state) publicFor(e *NetworkInterface) {
	ip := st.publicIP()
	e.publish(&EniAssociation{IpOwnerId: "amazon", PublicIp: ip, PublicDnsName: st.publicName(ip)})
}

func (p *plan) instance(st *state) *Instance {
	s, m := p.spec, p.machine
	threads := min(2, m.vcpus)
	i := &Instance{
		ImageId: p.image.ImageId, KeyName: s.KeyName, InstanceType: m.name, LaunchTime: core.Ptr(st.now),
		Placement: Placement{AvailabilityZone: p.zone, Tenancy: "default"}, Monitoring: MonitoringState{"disabled"},
		Architecture: m.arch, Platform: p.image.Platform, PlatformDetails: p.image.PlatformDetails, UsageOperation: p.image.UsageOperation,
		RootDeviceType: "ebs", RootDeviceName: p.image.RootDeviceName, VirtualizationType: "hvm", Hypervisor: "xen",
		ClientToken: p.token, EnaSupport: true, EbsOptimized: s.EbsOptimized != nil && *s.EbsOptimized,
		CpuOptions: CpuOptions{max(1, m.vcpus/threads), threads}, MetadataOptions: p.metadata(st), CapacityPreference: "open",
		AutoRecovery: "default", PrivateDnsOptions: PrivateDnsName{HostnameType: "ip-name"}, BootMode: "legacy-bios",
		protected:        s.DisableApiTermination != nil && *s.DisableApiTermination,
		stopProtected:    s.DisableApiStop != nil && *s.DisableApiStop,
		shutdownBehavior: s.InstanceInitiatedShutdownBehavior, userData: s.UserData, credits: m.credit,
	}
	if s.Placement != nil {
		i.Placement.GroupName = s.Placement.GroupName
	}
	if i.shutdownBehavior == "" {
		i.shutdownBehavior = "stop"
	}
	if s.Monitoring != nil && s.Monitoring.Enabled {
		i.Monitoring.State = "enabled"
	}
	if s.CreditSpecification != nil && m.burst {
		i.credits = s.CreditSpecification.CpuCredits
	}
	i.InstanceId = st.newID(i)
	return i
}
