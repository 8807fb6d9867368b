package kinds_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	s3ctypes "github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/cleaner/settings"
	"github.com/kodekloud/kml/internal/fleet"
)

// changes are what a student may do to the account itself, by setting.
var changes = []struct {
	setting, what string
	make          func(*bench)
}{
	{"ec2.default_vpc", "group rule", func(b *bench) {
		vpc, _ := b.ownVPC()
		gs := ok[*ec2.DescribeSecurityGroupsOutput](b)(b.ec2().DescribeSecurityGroups(b.Context(), &ec2.DescribeSecurityGroupsInput{Filters: inVPC(vpc)}))
		b.must(b.ec2().AuthorizeSecurityGroupIngress(b.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: gs.SecurityGroups[0].GroupId, IpPermissions: []types.IpPermission{
			{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}},
		}}))
	}},
	{"ec2.default_vpc", "access list", func(b *bench) {
		vpc, _ := b.ownVPC()
		as := ok[*ec2.DescribeNetworkAclsOutput](b)(b.ec2().DescribeNetworkAcls(b.Context(), &ec2.DescribeNetworkAclsInput{Filters: inVPC(vpc)}))
		b.must(b.ec2().DeleteNetworkAclEntry(b.Context(), &ec2.DeleteNetworkAclEntryInput{NetworkAclId: as.NetworkAcls[0].NetworkAclId, RuleNumber: aws.Int32(100), Egress: aws.Bool(false)}))
	}},
	{"ec2.default_vpc", "route", func(b *bench) {
		vpc, _ := b.ownVPC()
		rt := ok[*ec2.DescribeRouteTablesOutput](b)(b.ec2().DescribeRouteTables(b.Context(), &ec2.DescribeRouteTablesInput{Filters: inVPC(vpc)}))
		b.must(b.ec2().DeleteRoute(b.Context(), &ec2.DeleteRouteInput{RouteTableId: rt.RouteTables[0].RouteTableId, DestinationCidrBlock: aws.String("0.0.0.0/0")}))
	}},
	{"ec2.default_vpc", "gateway", func(b *bench) {
		vpc, _ := b.ownVPC()
		gs := ok[*ec2.DescribeInternetGatewaysOutput](b)(b.ec2().DescribeInternetGateways(b.Context(), &ec2.DescribeInternetGatewaysInput{}))
		b.must(b.ec2().DetachInternetGateway(b.Context(), &ec2.DetachInternetGatewayInput{InternetGatewayId: gs.InternetGateways[0].InternetGatewayId, VpcId: vpc}))
	}},
	{"ec2.default_vpc", "subnet deleted", func(b *bench) {
		_, subnet := b.ownVPC()
		b.must(b.ec2().DeleteSubnet(b.Context(), &ec2.DeleteSubnetInput{SubnetId: subnet}))
	}},
	{"ec2.default_vpc", "subnet private", func(b *bench) {
		_, subnet := b.ownVPC()
		b.must(b.ec2().ModifySubnetAttribute(b.Context(), &ec2.ModifySubnetAttributeInput{SubnetId: subnet, MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(false)}}))
	}},
	{"ec2.default_vpc", "names", func(b *bench) {
		vpc, _ := b.ownVPC()
		b.must(b.ec2().ModifyVpcAttribute(b.Context(), &ec2.ModifyVpcAttributeInput{VpcId: vpc, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(false)}}))
	}},
	{"ec2.default_vpc", "tags", func(b *bench) {
		vpc, _ := b.ownVPC()
		b.must(b.ec2().CreateTags(b.Context(), &ec2.CreateTagsInput{Resources: []string{*vpc}, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("mine")}}}))
	}},
	{"ec2.default_vpc", "no DHCP options", func(b *bench) {
		vpc, _ := b.ownVPC()
		b.must(b.ec2().AssociateDhcpOptions(b.Context(), &ec2.AssociateDhcpOptionsInput{VpcId: vpc, DhcpOptionsId: aws.String("default")}))
	}},
	{"ec2.ebs_encryption", "on", func(b *bench) {
		b.must(b.ec2().EnableEbsEncryptionByDefault(b.Context(), &ec2.EnableEbsEncryptionByDefaultInput{}))
	}},
	{"ec2.ebs_default_key", "own", func(b *bench) {
		b.must(b.ec2().ModifyEbsDefaultKmsKeyId(b.Context(), &ec2.ModifyEbsDefaultKmsKeyIdInput{KmsKeyId: aws.String("alias/mine")}))
	}},
	{"ec2.metadata_defaults", "tokens", func(b *bench) {
		b.must(b.ec2().ModifyInstanceMetadataDefaults(b.Context(), &ec2.ModifyInstanceMetadataDefaultsInput{HttpTokens: types.MetadataDefaultHttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(1)}))
	}},
	{"ec2.snapshot_public_access", "blocked", func(b *bench) {
		b.must(b.ec2().EnableSnapshotBlockPublicAccess(b.Context(), &ec2.EnableSnapshotBlockPublicAccessInput{State: types.SnapshotBlockPublicAccessStateBlockAllSharing}))
	}},
	{"ec2.image_public_access", "open", func(b *bench) {
		b.must(b.ec2().DisableImageBlockPublicAccess(b.Context(), &ec2.DisableImageBlockPublicAccessInput{}))
	}},
	{"ec2.serial_console", "on", func(b *bench) {
		b.must(b.ec2().EnableSerialConsoleAccess(b.Context(), &ec2.EnableSerialConsoleAccessInput{}))
	}},
	{"s3.account_public_access", "blocked", func(b *bench) {
		b.must(s3control.NewFromConfig(b.place().Config).PutPublicAccessBlock(b.Context(), &s3control.PutPublicAccessBlockInput{AccountId: &b.account,
			PublicAccessBlockConfiguration: &s3ctypes.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)}}))
	}},
	{"iam.password_policy", "long", func(b *bench) {
		b.must(b.iam().UpdateAccountPasswordPolicy(b.Context(), &iam.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: aws.Int32(20)}))
	}},
	{"iam.account_alias", "mine", func(b *bench) {
		b.must(b.iam().CreateAccountAlias(b.Context(), &iam.CreateAccountAliasInput{AccountAlias: aws.String("my-own-lab")}))
	}},
	{"events.default_bus_policy", "open", func(b *bench) {
		b.must(b.events().PutPermission(b.Context(), &eventbridge.PutPermissionInput{StatementId: aws.String("friend"), Action: aws.String("events:PutEvents"), Principal: aws.String("222222222222")}))
	}},
}

func inVPC(id *string) []types.Filter {
	return []types.Filter{{Name: aws.String("vpc-id"), Values: []string{*id}}}
}

func verdicts(fs []settings.Finding) map[string]fleet.Verdict {
	m := map[string]fleet.Verdict{}
	for _, f := range fs {
		m[f.Name] = f.Verdict
	}
	return m
}

func notClean(fs []settings.Finding) []string {
	var out []string
	for _, f := range fs {
		if f.Verdict != fleet.Clean {
			out = append(out, f.Name+": "+string(f.Verdict)+" "+f.Current)
		}
	}
	return out
}

// TestReset: whatever a student changes in the account is seen, put back and
// seen to be put back, by the settings' own word and by the oracle's.
func TestReset(t *testing.T) {
	t.Parallel()
	table := settings.New()
	for _, c := range changes {
		t.Run(c.setting+"/"+c.what, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			b.admin.Region = fleet.GlobalRegion
			p := b.placeIn(fleet.GlobalRegion)
			if dirty := notClean(table.Verify(t.Context(), p)); len(dirty) > 0 {
				t.Fatalf("a new account is not as it should be: %v", dirty)
			}
			c.make(b)
			if got := verdicts(table.Verify(t.Context(), p))[c.setting]; got != fleet.Remaining {
				t.Fatalf("after the change %s is %s", c.setting, got)
			}
			if left := b.clean(p); len(left) > 0 {
				t.Fatal(told(left))
			}
			var events []string
			err := table.Restore(t.Context(), p, func(e cleaner.Event) {
				if e.Action == "restored" {
					events = append(events, e.Kind)
				}
			})
			if err != nil || !slices.Equal(events, []string{c.setting}) {
				t.Fatalf("Restore = %v, restored %v", err, events)
			}
			if dirty := notClean(table.Verify(t.Context(), p)); len(dirty) > 0 {
				t.Fatalf("after the reset: %v", dirty)
			}
			if left := b.oracle(); len(left) > 0 {
				t.Fatalf("the oracle knows of:\n%s", strings.Join(left, "\n"))
			}
		})
	}
}

func TestADeletedDefaultVPCIsMadeAnew(t *testing.T) {
	t.Parallel()
	b := open(t)
	p := b.place()
	vpc, _ := b.ownVPC()
	ss := ok[*ec2.DescribeSubnetsOutput](b)(b.ec2().DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: inVPC(vpc)}))
	for _, s := range ss.Subnets {
		b.must(b.ec2().DeleteSubnet(t.Context(), &ec2.DeleteSubnetInput{SubnetId: s.SubnetId}))
	}
	gs := ok[*ec2.DescribeInternetGatewaysOutput](b)(b.ec2().DescribeInternetGateways(t.Context(), &ec2.DescribeInternetGatewaysInput{}))
	b.must(b.ec2().DetachInternetGateway(t.Context(), &ec2.DetachInternetGatewayInput{InternetGatewayId: gs.InternetGateways[0].InternetGatewayId, VpcId: vpc}))
	b.must(b.ec2().DeleteVpc(t.Context(), &ec2.DeleteVpcInput{VpcId: vpc}))
	if left := b.clean(p); len(left) > 0 {
		t.Fatal(told(left))
	}
	if err := settings.New().Restore(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	if left := b.oracle(); len(left) > 0 {
		t.Fatalf("the oracle knows of:\n%s", strings.Join(left, "\n"))
	}
}

// TestADeniedReadIsUnknown: with any one of a setting's reads denied, the
// setting is Unknown and nothing is written.
func TestADeniedReadIsUnknown(t *testing.T) {
	t.Parallel()
	b := open(t)
	p := b.placeIn(fleet.GlobalRegion)
	for _, s := range settings.New().Settings {
		one := &settings.Table{Settings: []settings.Setting{s}}
		b.calls()
		one.Verify(t.Context(), p)
		ops := b.calls()
		if len(ops) == 0 {
			t.Errorf("%s asked nothing", s.Name)
		}
		for op := range ops {
			_, name, _ := strings.Cut(op, ":")
			b.srv.World.SetFaults([]core.FaultRule{{ID: op, Op: strings.Replace(name, "PublicAccessBlock", "AccountPublicAccessBlock", 1), Account: b.account, Kind: core.FaultError, Code: "AccessDenied", Status: 403}})
			for _, f := range one.Reset(t.Context(), p) {
				if f.Verdict != fleet.Unknown || f.Err == nil || f.Restored {
					t.Errorf("%s with %s denied: %+v", s.Name, name, f)
				}
			}
			b.srv.World.SetFaults(nil)
		}
	}
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	b := open(t)
	q, err := settings.New().Quotas(t.Context(), b.place().Config)
	if err != nil || len(q) < 3 || q["lambda/ConcurrentExecutions"] == 0 {
		t.Fatalf("Quotas = %v, %v", q, err)
	}
}
