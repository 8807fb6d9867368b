package ec2

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// NetworkInterface is a virtual network card. Instances show theirs as they are.
type NetworkInterface struct {
	NetworkInterfaceId string             `xml:"networkInterfaceId"`
	SubnetId           string             `xml:"subnetId"`
	VpcId              string             `xml:"vpcId"`
	AvailabilityZone   string             `xml:"availabilityZone"`
	Description        string             `xml:"description"`
	OwnerId            string             `xml:"ownerId"`
	RequesterId        string             `xml:"requesterId,omitempty"`
	RequesterManaged   bool               `xml:"requesterManaged"`
	Status             string             `xml:"status"`
	InterfaceType      string             `xml:"interfaceType"`
	MacAddress         string             `xml:"macAddress"`
	PrivateIpAddress   string             `xml:"privateIpAddress"`
	PrivateDnsName     string             `xml:"privateDnsName,omitempty"`
	SourceDestCheck    bool               `xml:"sourceDestCheck"`
	Groups             []GroupIdentifier  `xml:"groupSet>item"`
	Attachment         *EniAttachment     `xml:"attachment"`
	Association        *EniAssociation    `xml:"association"`
	PrivateIps         []PrivateIpAddress `xml:"privateIpAddressesSet>item"`
	Meta

	functions map[string]bool // that use it, by name; nil unless it is Lambda's
}

// EniAttachment says which instance an interface is in.
type EniAttachment struct {
	AttachmentId        string     `xml:"attachmentId"`
	InstanceId          string     `xml:"instanceId,omitempty"`
	InstanceOwnerId     string     `xml:"instanceOwnerId"`
	DeviceIndex         int        `xml:"deviceIndex"`
	NetworkCardIndex    int        `xml:"networkCardIndex"`
	Status              string     `xml:"status"`
	AttachTime          *core.Time `xml:"attachTime"`
	DeleteOnTermination bool       `xml:"deleteOnTermination"`
}

// EniAssociation is the public address of an interface.
type EniAssociation struct {
	AllocationId  string `xml:"allocationId,omitempty"`
	AssociationId string `xml:"associationId,omitempty"`
	IpOwnerId     string `xml:"ipOwnerId"`
	PublicDnsName string `xml:"publicDnsName"`
	PublicIp      string `xml:"publicIp"`
}

// PrivateIpAddress is one of an interface's addresses.
type PrivateIpAddress struct {
	PrivateIpAddress string          `xml:"privateIpAddress"`
	PrivateDnsName   string          `xml:"privateDnsName,omitempty" q:"-"`
	Primary          bool            `xml:"primary"`
	Association      *EniAssociation `xml:"association" q:"-"`
}

var networkInterfaceKind = &kind{
	name: "network-interface", prefix: "eni", noun: "networkInterface",
	notFound: "InvalidNetworkInterfaceID.NotFound", malformed: "InvalidNetworkInterfaceId.Malformed",
	trail: "AWS::EC2::NetworkInterface",
	filters: filters{
		"network-interface-id": "NetworkInterfaceId", "subnet-id": "SubnetId", "vpc-id": "VpcId", "status": "Status",
		"availability-zone": "AvailabilityZone", "description": "Description", "owner-id": "OwnerId",
		"requester-id": "RequesterId", "requester-managed": "RequesterManaged", "interface-type": "InterfaceType",
		"mac-address": "MacAddress", "private-ip-address": "PrivateIpAddress", "private-dns-name": "PrivateDnsName",
		"group-id": "Groups.GroupId", "group-name": "Groups.GroupName", "source-dest-check": "SourceDestCheck",
		"addresses.private-ip-address": "PrivateIps.PrivateIpAddress",
		"attachment.instance-id":       "Attachment.InstanceId", "attachment.attachment-id": "Attachment.AttachmentId",
		"attachment.status": "Attachment.Status", "attachment.device-index": "Attachment.DeviceIndex",
		"attachment.instance-owner-id": "Attachment.InstanceOwnerId", "attachment.delete-on-termination": "Attachment.DeleteOnTermination",
		"association.public-ip": "Association.PublicIp", "association.allocation-id": "Association.AllocationId",
		"association.association-id": "Association.AssociationId", "association.ip-owner-id": "Association.IpOwnerId",
	},
}

func (*NetworkInterface) kind() *kind { return networkInterfaceKind }

func (e *NetworkInterface) inGroup(id string) bool {
	return slices.ContainsFunc(e.Groups, func(g GroupIdentifier) bool { return g.GroupId == id })
}

// eniSpec is what a new interface is made from.
type eniSpec struct {
	address     string // "" for the next free one
	groups      []string
	description string
	kind        string // interfaceType; "" is "interface"
	manager     string // the service that keeps it
	tags        []Tag
}

func (st *state) newInterface(sn *Subnet, spec eniSpec) (*NetworkInterface, error) {
	e := &NetworkInterface{
		SubnetId: sn.SubnetId, VpcId: sn.VpcId, AvailabilityZone: sn.AvailabilityZone, Description: spec.description,
		OwnerId: st.account, Status: "available", InterfaceType: spec.kind, RequesterId: spec.manager,
		RequesterManaged: spec.manager != "", SourceDestCheck: spec.kind == "",
	}
	if e.InterfaceType == "" {
		e.InterfaceType = "interface"
	}
	groups, err := st.groupsFor(sn.VpcId, spec.groups, spec.kind)
	if err != nil {
		return nil, err
	}
	ip, err := sn.take(spec.address)
	if err != nil {
		return nil, err
	}
	e.Groups, e.PrivateIpAddress, e.PrivateDnsName = groups, ip, st.privateName(ip)
	e.PrivateIps = []PrivateIpAddress{{PrivateIpAddress: ip, PrivateDnsName: e.PrivateDnsName, Primary: true}}
	st.macs++
	e.MacAddress = fmt.Sprintf("0a:%02x:%02x:%02x:%02x:%02x", byte(st.macs>>24), byte(st.macs>>16), byte(st.macs>>8), byte(st.macs), 0x5f)
	e.NetworkInterfaceId = st.newID(e)
	st.add(e, e.NetworkInterfaceId, spec.tags)
	return e, nil
}

func (st *state) privateName(ip string) string {
	domain := st.region + ".compute.internal"
	if st.region == "us-east-1" {
		domain = "ec2.internal"
	}
	return "ip-" + strings.ReplaceAll(ip, ".", "-") + "." + domain
}

func (st *state) publicName(ip string) string {
	domain := st.region + ".compute.amazonaws.com"
	if st.region == "us-east-1" {
		domain = "compute-1.amazonaws.com"
	}
	return "ec2-" + strings.ReplaceAll(ip, ".", "-") + "." + domain
}

// groupsFor checks groups, or gives the VPC's default one. NAT gateways have none.
func (st *state) groupsFor(vpc string, ids []string, interfaceType string) ([]GroupIdentifier, error) {
	if interfaceType == "nat_gateway" {
		return nil, nil
	}
	if len(ids) == 0 {
		ids = []string{st.groupNamed(vpc, "default").GroupId}
	}
	var out []GroupIdentifier
	for _, id := range ids {
		g, err := get[SecurityGroup](st, id)
		if err != nil {
			return nil, err
		}
		if g.VpcId != vpc {
			return nil, core.Errorf(400, "InvalidParameter", "Security group %s and subnet belong to different networks.", id)
		}
		out = append(out, GroupIdentifier{g.GroupId, g.GroupName})
	}
	return out, nil
}

// removeInterface forgets an interface and frees its addresses.
func (st *state) removeInterface(e *NetworkInterface) {
	if a := first(st, func(a *Address) bool { return a.NetworkInterfaceId == e.NetworkInterfaceId }); a != nil {
		st.disassociate(a)
	}
	if sn, ok := st.objects[e.SubnetId].(*Subnet); ok {
		for _, p := range e.PrivateIps {
			sn.give(p.PrivateIpAddress)
		}
	}
	st.remove(e)
}

func (e *NetworkInterface) attach(st *state, instance string, index int, deleteWithInstance bool) {
	e.Status = "in-use"
	e.Attachment = &EniAttachment{
		AttachmentId: st.svc.w.ID("eni-attach"), InstanceId: instance, InstanceOwnerId: st.account, DeviceIndex: index,
		Status: "attached", AttachTime: core.Ptr(st.now), DeleteOnTermination: deleteWithInstance,
	}
}

// publish gives the interface a public address (nil takes it away).
func (e *NetworkInterface) publish(a *EniAssociation) {
	e.Association = a
	e.PrivateIps[0].Association = a
}
