package ec2_test

import (
	"encoding/json"
	"testing"
)

// TestCommandLine: the aws command line reads XML by exact names, unlike the Go
// SDK, and shows empty lists only where the answer has them.
func TestCommandLine(t *testing.T) {
	b := setup(t)
	b.run(1)
	for name, args := range map[string][]string{
		"Reservations":      {"describe-instances"},
		"Vpcs":              {"describe-vpcs"},
		"Subnets":           {"describe-subnets"},
		"SecurityGroups":    {"describe-security-groups"},
		"RouteTables":       {"describe-route-tables"},
		"NetworkAcls":       {"describe-network-acls"},
		"InternetGateways":  {"describe-internet-gateways"},
		"NetworkInterfaces": {"describe-network-interfaces"},
		"Volumes":           {"describe-volumes"},
		"DhcpOptions":       {"describe-dhcp-options"},
		"Images":            {"describe-images", "--owners", "amazon"},
		"InstanceTypes":     {"describe-instance-types"},
		"Regions":           {"describe-regions"},
		"AvailabilityZones": {"describe-availability-zones"},
	} {
		var out map[string]json.RawMessage
		if err := json.Unmarshal([]byte(b.CLI(t, append([]string{"ec2"}, args...)...)), &out); err != nil {
			t.Fatal(err)
		}
		var list []map[string]any
		if err := json.Unmarshal(out[name], &list); err != nil || len(list) == 0 || len(list[0]) < 3 {
			t.Errorf("%v shows %s", args, out[name])
		}
	}
	for name, args := range map[string][]string{
		"NatGateways": {"describe-nat-gateways"}, "Addresses": {"describe-addresses"}, "LaunchTemplates": {"describe-launch-templates"},
		"Snapshots": {"describe-snapshots", "--owner-ids", "self"}, "KeyPairs": {"describe-key-pairs"}, "VpcEndpoints": {"describe-vpc-endpoints"},
	} {
		var out map[string][]any
		if err := json.Unmarshal([]byte(b.CLI(t, append([]string{"ec2"}, args...)...)), &out); err != nil {
			t.Fatal(err)
		}
		if list, ok := out[name]; !ok || len(list) != 0 {
			t.Errorf("%v: an empty list must be there, got %v", args, out)
		}
	}
}
