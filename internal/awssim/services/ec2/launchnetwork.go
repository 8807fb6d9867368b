package ec2

import (
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// prepareNetwork finds the subnet and the interfaces of a launch.
func (st *state) prepareNetwork(p *plan, subnet, address string) error {
	nics := p.spec.NetworkInterfaces
	if len(nics) == 0 {
		sn, err := st.launchSubnet(p, subnet)
		if err != nil {
			return err
		}
		ids, err := st.groupIDs(p, sn)
		if err != nil {
			return err
		}
		nics = []NicSpec{{SubnetId: sn.SubnetId, Groups: ids, PrivateIpAddress: address}}
	} else if subnet != "" || len(p.spec.SecurityGroupIds) > 0 && nics[0].SubnetId+nics[0].NetworkInterfaceId != "" {
		return invalidCombination("Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request")
	}
	for _, n := range nics {
		np, err := st.prepareNic(p, n)
		if err != nil {
			return err
		}
		p.nics = append(p.nics, np)
	}
	i := slices.IndexFunc(p.nics, func(n nicPlan) bool { return n.index == 0 })
	if i < 0 {
		return invalidCombination("When specifying network interfaces, you must include a device at index 0.")
	}
	p.subnet = p.nics[i].subnet
	p.zone = p.subnet.AvailabilityZone
	return nil
}

func (st *state) prepareNic(p *plan, n NicSpec) (nicPlan, error) {
	np := nicPlan{index: n.DeviceIndex, deleteWithInstance: n.DeleteOnTermination == nil || *n.DeleteOnTermination}
	if n.NetworkInterfaceId != "" {
		e, err := get[NetworkInterface](st, n.NetworkInterfaceId)
		if err != nil {
			return np, err
		}
		if e.Status != "available" {
			return np, core.Errorf(400, "InvalidNetworkInterface.InUse", "Interface: [%s] in use.", e.NetworkInterfaceId)
		}
		np.existing, np.deleteWithInstance = e, false
		np.subnet, err = get[Subnet](st, e.SubnetId)
		return np, err
	}
	sn, err := st.launchSubnet(p, n.SubnetId)
	if err != nil {
		return np, err
	}
	np.subnet, np.public = sn, sn.MapPublicIpOnLaunch
	if n.AssociatePublicIpAddress != nil {
		np.public = *n.AssociatePublicIpAddress
	}
	np.spec = eniSpec{address: n.PrivateIpAddress, groups: n.Groups, description: n.Description, tags: p.spec.tags(networkInterfaceKind)}
	for _, a := range n.PrivateIpAddresses {
		if a.Primary {
			np.spec.address = a.PrivateIpAddress
		}
	}
	_, err = st.groupsFor(sn.VpcId, n.Groups, "")
	return np, err
}

// launchSubnet finds the subnet, or a default one in the wanted zone.
func (st *state) launchSubnet(p *plan, id string) (*Subnet, error) {
	if id != "" {
		return get[Subnet](st, id)
	}
	v := st.defaultVpc()
	if v == nil {
		return nil, core.Errorf(400, "VPCIdNotSpecified", "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.")
	}
	zone := ""
	if p.spec.Placement != nil {
		zone = p.spec.Placement.AvailabilityZone
	}
	if zone != "" {
		if _, err := st.zone(zone, ""); err != nil {
			return nil, err
		}
	}
	sn := first(st, func(x *Subnet) bool { return x.DefaultForAz && (zone == "" || x.AvailabilityZone == zone) })
	if sn == nil {
		return nil, core.Errorf(400, "MissingInput", "No subnets found for the default VPC '%s'. Please specify a subnet.", v.VpcId)
	}
	return sn, nil
}

// groupIDs resolves the groups of a request, also those given by name.
func (st *state) groupIDs(p *plan, sn *Subnet) ([]string, error) {
	ids := slices.Clone(p.spec.SecurityGroupIds)
	for _, n := range p.spec.SecurityGroups {
		g := st.groupNamed(sn.VpcId, n)
		if g == nil {
			return nil, core.Errorf(400, "InvalidGroup.NotFound", "The security group '%s' does not exist in VPC '%s'", n, sn.VpcId)
		}
		ids = append(ids, g.GroupId)
	}
	return ids, nil
}
