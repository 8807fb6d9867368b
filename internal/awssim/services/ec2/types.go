package ec2

import (
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// machine is a row of the instance types table.
type machine struct {
	name   string
	vcpus  int
	mem    int // MiB
	arch   string
	nics   int
	ips    int // per interface
	clock  float64
	nitro  bool
	burst  bool
	free   bool
	credit string // default of burstable types
}

// machines are the types that can be launched, by name.
var machines = func() map[string]machine {
	m := map[string]machine{}
	sizes := []struct {
		name                 string
		vcpus, mem, nics, ip int
	}{
		{"nano", 2, 512, 2, 4}, {"micro", 2, 1024, 2, 4}, {"small", 2, 2048, 3, 4}, {"medium", 2, 4096, 3, 6},
		{"large", 2, 8192, 3, 12}, {"xlarge", 4, 16384, 4, 15}, {"2xlarge", 8, 32768, 4, 15},
	}
	for _, s := range sizes {
		for _, f := range []struct {
			family, arch, credit string
			clock                float64
		}{{"t3", "x86_64", "unlimited", 2.5}, {"t3a", "x86_64", "unlimited", 2.2}, {"t4g", "arm64", "unlimited", 2.5}} {
			m[f.family+"."+s.name] = machine{f.family + "." + s.name, s.vcpus, s.mem, f.arch, s.nics, s.ip, f.clock, true, true, s.name == "micro" || s.name == "small", f.credit}
		}
		old := machine{"t2." + s.name, s.vcpus, s.mem, "x86_64", s.nics, s.ip, 2.5, false, true, s.name == "micro", "standard"}
		if s.mem <= 2048 {
			old.vcpus = 1
		}
		m[old.name] = old
	}
	for i, size := range []string{"large", "xlarge", "2xlarge", "4xlarge"} {
		n := 2 << i
		for _, f := range []struct {
			family string
			perCPU int
			clock  float64
		}{{"m5", 4096, 3.1}, {"c5", 2048, 3.4}, {"r5", 8192, 3.1}} {
			m[f.family+"."+size] = machine{f.family + "." + size, n, n * f.perCPU, "x86_64", 3 + min(i, 1)*(1+min(i/3, 1)*4), 10 + 5*min(i, 1), f.clock, true, false, false, ""}
		}
	}
	m["m1.small"] = machine{"m1.small", 1, 1740, "x86_64", 2, 4, 2, false, false, false, ""} // the default of RunInstances
	return m
}()

func machineNamed(name string) (machine, error) {
	m, ok := machines[name]
	if !ok {
		return m, invalidValue("instanceType", name, "Invalid instance type.")
	}
	return m, nil
}

// InstanceTypeInfo describes an instance type.
type InstanceTypeInfo struct {
	InstanceType                  string       `xml:"instanceType"`
	AutoRecoverySupported         bool         `xml:"autoRecoverySupported"`
	BareMetal                     bool         `xml:"bareMetal"`
	BurstablePerformanceSupported bool         `xml:"burstablePerformanceSupported"`
	CurrentGeneration             bool         `xml:"currentGeneration"`
	DedicatedHostsSupported       bool         `xml:"dedicatedHostsSupported"`
	FreeTierEligible              bool         `xml:"freeTierEligible"`
	HibernationSupported          bool         `xml:"hibernationSupported"`
	Hypervisor                    string       `xml:"hypervisor"`
	InstanceStorageSupported      bool         `xml:"instanceStorageSupported"`
	EbsInfo                       EbsInfo      `xml:"ebsInfo"`
	MemoryMiB                     int          `xml:"memoryInfo>sizeInMiB"`
	Network                       NetworkInfo  `xml:"networkInfo"`
	Architectures                 List[string] `xml:"processorInfo>supportedArchitectures"`
	ClockSpeed                    float64      `xml:"processorInfo>sustainedClockSpeedInGhz"`
	BootModes                     List[string] `xml:"supportedBootModes"`
	RootDeviceTypes               List[string] `xml:"supportedRootDeviceTypes"`
	UsageClasses                  List[string] `xml:"supportedUsageClasses"`
	VirtualizationTypes           List[string] `xml:"supportedVirtualizationTypes"`
	DefaultCores                  int          `xml:"vCpuInfo>defaultCores"`
	DefaultThreadsPerCore         int          `xml:"vCpuInfo>defaultThreadsPerCore"`
	DefaultVCpus                  int          `xml:"vCpuInfo>defaultVCpus"`
	PlacementStrategies           List[string] `xml:"placementGroupInfo>supportedStrategies"`
}

// EbsInfo says what volumes a type can have.
type EbsInfo struct {
	EbsOptimizedSupport string `xml:"ebsOptimizedSupport"`
	EncryptionSupport   string `xml:"encryptionSupport"`
	NvmeSupport         string `xml:"nvmeSupport"`
}

// NetworkInfo says what network a type has.
type NetworkInfo struct {
	EfaSupported              bool   `xml:"efaSupported"`
	EnaSupport                string `xml:"enaSupport"`
	Ipv4AddressesPerInterface int    `xml:"ipv4AddressesPerInterface"`
	Ipv6AddressesPerInterface int    `xml:"ipv6AddressesPerInterface"`
	Ipv6Supported             bool   `xml:"ipv6Supported"`
	MaximumNetworkCards       int    `xml:"maximumNetworkCards"`
	MaximumNetworkInterfaces  int    `xml:"maximumNetworkInterfaces"`
	NetworkPerformance        string `xml:"networkPerformance"`
}

func (m machine) info() InstanceTypeInfo {
	threads := min(2, m.vcpus)
	i := InstanceTypeInfo{
		InstanceType: m.name, AutoRecoverySupported: true, BurstablePerformanceSupported: m.burst, CurrentGeneration: true,
		FreeTierEligible: m.free, HibernationSupported: true, Hypervisor: "nitro",
		EbsInfo:   EbsInfo{"default", "supported", "required"},
		MemoryMiB: m.mem, ClockSpeed: m.clock, DefaultVCpus: m.vcpus, DefaultThreadsPerCore: threads, DefaultCores: max(1, m.vcpus/threads),
		Network: NetworkInfo{
			EnaSupport: "required", Ipv4AddressesPerInterface: m.ips, Ipv6AddressesPerInterface: m.ips, Ipv6Supported: true,
			MaximumNetworkCards: 1, MaximumNetworkInterfaces: m.nics, NetworkPerformance: "Up to 5 Gigabit",
		},
		Architectures: listOf([]string{m.arch}), BootModes: listOf([]string{"legacy-bios", "uefi"}), RootDeviceTypes: listOf([]string{"ebs"}),
		UsageClasses: listOf([]string{"on-demand", "spot"}), VirtualizationTypes: listOf([]string{"hvm"}),
		PlacementStrategies: listOf([]string{"partition", "spread"}),
	}
	if !m.nitro {
		i.Hypervisor, i.EbsInfo, i.Network.EnaSupport = "xen", EbsInfo{"unsupported", "supported", "unsupported"}, "unsupported"
	}
	return i
}

func (s *Service) typeOps() []core.Op {
	return []core.Op{
		op(s, "DescribeInstanceTypes", describeInstanceTypes, read),
		op(s, "DescribeInstanceTypeOfferings", describeOfferings, read),
	}
}

var typeFilters = filters{
	"instance-type": "InstanceType", "bare-metal": "BareMetal", "burstable-performance-supported": "BurstablePerformanceSupported",
	"current-generation": "CurrentGeneration", "free-tier-eligible": "FreeTierEligible", "hypervisor": "Hypervisor",
	"memory-info.size-in-mib": "MemoryMiB", "processor-info.supported-architecture": "Architectures.Items",
	"supported-usage-class": "UsageClasses.Items", "supported-virtualization-type": "VirtualizationTypes.Items",
	"vcpu-info.default-vcpus": "DefaultVCpus", "vcpu-info.default-cores": "DefaultCores", "instance-storage-supported": "InstanceStorageSupported",
}

type typesIn struct {
	Search
	InstanceTypes []string `q:"InstanceType"`
}

type typesOut struct {
	InstanceTypes List[InstanceTypeInfo] `xml:"instanceTypeSet"`
	NextToken     string                 `xml:"nextToken,omitempty"`
}

func describeInstanceTypes(_ *call, in *typesIn) (*typesOut, error) {
	for _, n := range in.InstanceTypes {
		if _, ok := machines[n]; !ok {
			return nil, core.Errorf(400, "InvalidInstanceType", "The following supplied instance types do not exist: [%s]", n)
		}
	}
	var found []InstanceTypeInfo
	for _, m := range machines {
		i := m.info()
		ok, err := typeFilters.matches(i, in.Filters)
		if err != nil {
			return nil, err
		}
		if ok && (len(in.InstanceTypes) == 0 || slices.Contains(in.InstanceTypes, m.name)) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b InstanceTypeInfo) int { return strings.Compare(a.InstanceType, b.InstanceType) })
	list, next, err := page(&in.Search, found, func(i InstanceTypeInfo) string { return i.InstanceType }, 5)
	return &typesOut{listOf(list), next}, err
}

// Offering says where a type can be launched.
type Offering struct {
	InstanceType string `xml:"instanceType"`
	Location     string `xml:"location"`
	LocationType string `xml:"locationType"`
}

type offeringsIn struct {
	Search
	LocationType string
}

type offeringsOut struct {
	Offerings List[Offering] `xml:"instanceTypeOfferingSet"`
	NextToken string         `xml:"nextToken,omitempty"`
}

func describeOfferings(c *call, in *offeringsIn) (*offeringsOut, error) {
	locations := []string{c.region}
	switch in.LocationType {
	case "", "region":
		in.LocationType = "region"
	case "availability-zone", "availability-zone-id":
		locations = nil
		for _, z := range zonesOf(c.region) {
			if in.LocationType == "availability-zone" {
				locations = append(locations, z.ZoneName)
			} else {
				locations = append(locations, z.ZoneId)
			}
		}
	}
	fs := filters{"instance-type": "InstanceType", "location": "Location"}
	var found []Offering
	for _, m := range machines {
		for _, l := range locations {
			o := Offering{m.name, l, in.LocationType}
			ok, err := fs.matches(o, in.Filters)
			if err != nil {
				return nil, err
			}
			if ok {
				found = append(found, o)
			}
		}
	}
	key := func(o Offering) string { return o.InstanceType + "/" + o.Location }
	slices.SortFunc(found, func(a, b Offering) int { return strings.Compare(key(a), key(b)) })
	list, next, err := page(&in.Search, found, key, 5)
	return &offeringsOut{listOf(list), next}, err
}
