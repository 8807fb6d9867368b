package ec2_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/core/coretest"
	"github.com/kodekloud/kml/internal/awssim/services/ec2"
)

const ami = "ami-0c55b159cbfafe1f0"

// delay is the scale of asynchronous changes on the benches.
const delay = 10 * time.Second

// bundle is a simulated EC2 with its user's client.
type bundle struct {
	*coretest.Bench
	*sdk.Client
	service *ec2.Service
	t       *testing.T
}

func setup(t *testing.T, policy ...string) *bundle {
	t.Helper()
	t.Parallel()
	p := coretest.Everything
	if len(policy) > 0 {
		p = policy[0]
	}
	b := &bundle{t: t}
	b.Bench = coretest.New(t, core.Options{Seed: 1, StateDelay: delay}, p, func(w *core.World) *core.Service {
		b.service = ec2.New(w, fakeProfiles{})
		return b.service.Core()
	})
	b.Client = sdk.NewFromConfig(b.Config, func(o *sdk.Options) { o.RetryMaxAttempts = 2 }) // a moved clock costs one attempt
	return b
}

// fakeProfiles knows the one profile "lab", whose role is "lab".
type fakeProfiles struct{}

func (fakeProfiles) InstanceProfile(account, name string) (arn, id, role string, ok bool) {
	return "arn:aws:iam::" + account + ":instance-profile/lab", "AIPALAB", "arn:aws:iam::" + account + ":role/lab", name == "lab"
}

// must stops the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused checks the AWS error code.
func (b *bundle) refused(code string, err error) {
	b.t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		b.t.Fatalf("got %v, want the refusal %s", err, code)
	}
	if e.ErrorCode() != code {
		b.t.Fatalf("got %s (%s), want %s", e.ErrorCode(), e.ErrorMessage(), code)
	}
}

func (b *bundle) pass(n int) { b.World.Clock.Advance(time.Duration(n) * delay) }

// vpc makes a VPC with one subnet.
func (b *bundle) vpc() (vpc, subnet string) {
	b.t.Helper()
	ctx := b.t.Context()
	v := must[*sdk.CreateVpcOutput](b.t)(b.CreateVpc(ctx, &sdk.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")}))
	s := must[*sdk.CreateSubnetOutput](b.t)(b.CreateSubnet(ctx, &sdk.CreateSubnetInput{VpcId: v.Vpc.VpcId, CidrBlock: aws.String("10.0.1.0/24")}))
	return *v.Vpc.VpcId, *s.Subnet.SubnetId
}

func (b *bundle) run(n int32, more ...func(*sdk.RunInstancesInput)) []string {
	b.t.Helper()
	in := &sdk.RunInstancesInput{ImageId: aws.String(ami), InstanceType: types.InstanceTypeT3Micro, MinCount: &n, MaxCount: &n}
	for _, f := range more {
		f(in)
	}
	out := must[*sdk.RunInstancesOutput](b.t)(b.RunInstances(b.t.Context(), in))
	var ids []string
	for _, i := range out.Instances {
		ids = append(ids, *i.InstanceId)
	}
	return ids
}

func (b *bundle) instance(id string) types.Instance {
	b.t.Helper()
	out := must[*sdk.DescribeInstancesOutput](b.t)(b.DescribeInstances(b.t.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}}))
	return out.Reservations[0].Instances[0]
}

func TestNewRegionHasItsDefaults(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	vpcs := must[*sdk.DescribeVpcsOutput](t)(b.DescribeVpcs(ctx, &sdk.DescribeVpcsInput{Filters: []types.Filter{{Name: aws.String("is-default"), Values: []string{"true"}}}}))
	if len(vpcs.Vpcs) != 1 || *vpcs.Vpcs[0].CidrBlock != "172.31.0.0/16" || vpcs.Vpcs[0].State != types.VpcStateAvailable {
		t.Fatalf("default VPC: %+v", vpcs.Vpcs)
	}
	subnets := must[*sdk.DescribeSubnetsOutput](t)(b.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{}))
	if len(subnets.Subnets) != 3 || *subnets.Subnets[0].AvailableIpAddressCount != 4091 {
		t.Fatalf("eu-west-1 has three default subnets of 4091 addresses, got %+v", subnets.Subnets)
	}
	for _, r := range b.World.Inventory(coretest.Account)[coretest.Account] {
		if !r.Default || r.State == "modified" {
			t.Errorf("a new account has %+v", r)
		}
	}
}

func TestDefaultVpcIsRebuilt(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	_, err := b.CreateDefaultVpc(ctx, &sdk.CreateDefaultVpcInput{})
	b.refused("DefaultVpcAlreadyExists", err)

	v := must[*sdk.DescribeVpcsOutput](t)(b.DescribeVpcs(ctx, &sdk.DescribeVpcsInput{})).Vpcs[0]
	_, err = b.DeleteVpc(ctx, &sdk.DeleteVpcInput{VpcId: v.VpcId})
	b.refused("DependencyViolation", err)
	for _, s := range must[*sdk.DescribeSubnetsOutput](t)(b.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{})).Subnets {
		must[*sdk.DeleteSubnetOutput](t)(b.DeleteSubnet(ctx, &sdk.DeleteSubnetInput{SubnetId: s.SubnetId}))
	}
	g := must[*sdk.DescribeInternetGatewaysOutput](t)(b.DescribeInternetGateways(ctx, &sdk.DescribeInternetGatewaysInput{})).InternetGateways[0]
	_, err = b.DeleteInternetGateway(ctx, &sdk.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId})
	b.refused("DependencyViolation", err)
	must[*sdk.DetachInternetGatewayOutput](t)(b.DetachInternetGateway(ctx, &sdk.DetachInternetGatewayInput{InternetGatewayId: g.InternetGatewayId, VpcId: v.VpcId}))
	must[*sdk.DeleteInternetGatewayOutput](t)(b.DeleteInternetGateway(ctx, &sdk.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId}))
	must[*sdk.DeleteVpcOutput](t)(b.DeleteVpc(ctx, &sdk.DeleteVpcInput{VpcId: v.VpcId}))

	_, err = b.RunInstances(ctx, &sdk.RunInstancesInput{ImageId: aws.String(ami), InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})
	b.refused("VPCIdNotSpecified", err)
	must[*sdk.CreateDefaultVpcOutput](t)(b.CreateDefaultVpc(ctx, &sdk.CreateDefaultVpcInput{}))
	b.run(1)
}

func TestOracleTellsAChangedDefault(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	g := must[*sdk.DescribeSecurityGroupsOutput](t)(b.DescribeSecurityGroups(ctx, &sdk.DescribeSecurityGroupsInput{})).SecurityGroups[0]
	_, err := b.DeleteSecurityGroup(ctx, &sdk.DeleteSecurityGroupInput{GroupId: g.GroupId})
	b.refused("CannotDelete", err)
	must[*sdk.AuthorizeSecurityGroupIngressOutput](t)(b.AuthorizeSecurityGroupIngress(ctx, &sdk.AuthorizeSecurityGroupIngressInput{
		GroupId: g.GroupId, CidrIp: aws.String("0.0.0.0/0"), IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22)}))
	must[*sdk.EnableEbsEncryptionByDefaultOutput](t)(b.EnableEbsEncryptionByDefault(ctx, &sdk.EnableEbsEncryptionByDefaultInput{}))
	found := map[string]string{}
	for _, r := range b.World.Inventory(coretest.Account)[coretest.Account] {
		if !r.Default || r.State == "modified" {
			found[r.Kind] = r.State
		}
	}
	if found["security-group"] != "modified" || found["account-setting"] != "true" || found["security-group-rule"] != "" || len(found) != 3 {
		t.Fatalf("the oracle tells %v", found)
	}
}

func TestSharedListing(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	var made []string
	for range 7 {
		v := must[*sdk.CreateVolumeOutput](t)(b.CreateVolume(ctx, &sdk.CreateVolumeInput{AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(1)}))
		made = append(made, *v.VolumeId)
	}
	t.Run("pages", func(t *testing.T) {
		var got []string
		p := sdk.NewDescribeVolumesPaginator(b.Client, &sdk.DescribeVolumesInput{MaxResults: aws.Int32(5)})
		for p.HasMorePages() {
			for _, v := range must[*sdk.DescribeVolumesOutput](t)(p.NextPage(ctx)).Volumes {
				got = append(got, *v.VolumeId)
			}
		}
		if len(got) != len(made) || got[6] != made[6] {
			t.Fatalf("pages give %v, want %v", got, made)
		}
	})
	t.Run("too small a page", func(t *testing.T) {
		_, err := b.DescribeVolumes(ctx, &sdk.DescribeVolumesInput{MaxResults: aws.Int32(1)})
		b.refused("InvalidParameterValue", err)
	})
	t.Run("unknown filter", func(t *testing.T) {
		_, err := b.DescribeVolumes(ctx, &sdk.DescribeVolumesInput{Filters: []types.Filter{{Name: aws.String("colour"), Values: []string{"red"}}}})
		b.refused("InvalidParameterValue", err)
	})
	t.Run("unknown and malformed ids", func(t *testing.T) {
		_, err := b.DescribeVolumes(ctx, &sdk.DescribeVolumesInput{VolumeIds: []string{"vol-0123456789abcdef0"}})
		b.refused("InvalidVolume.NotFound", err)
		_, err = b.DescribeVolumes(ctx, &sdk.DescribeVolumesInput{VolumeIds: []string{"i-0123456789abcdef0"}})
		b.refused("InvalidVolumeID.Malformed", err)
	})
	t.Run("tags", func(t *testing.T) {
		must[*sdk.CreateTagsOutput](t)(b.CreateTags(ctx, &sdk.CreateTagsInput{Resources: made[:2], Tags: []types.Tag{{Key: aws.String("lab"), Value: aws.String("one")}}}))
		out := must[*sdk.DescribeVolumesOutput](t)(b.DescribeVolumes(ctx, &sdk.DescribeVolumesInput{Filters: []types.Filter{{Name: aws.String("tag:lab"), Values: []string{"o*"}}}}))
		tags := must[*sdk.DescribeTagsOutput](t)(b.DescribeTags(ctx, &sdk.DescribeTagsInput{Filters: []types.Filter{{Name: aws.String("resource-type"), Values: []string{"volume"}}}}))
		if len(out.Volumes) != 2 || len(tags.Tags) != 2 {
			t.Fatalf("%d volumes and %d tags, want two of each", len(out.Volumes), len(tags.Tags))
		}
		must[*sdk.DeleteTagsOutput](t)(b.DeleteTags(ctx, &sdk.DeleteTagsInput{Resources: made[:1], Tags: []types.Tag{{Key: aws.String("lab"), Value: aws.String("other")}}}))
		must[*sdk.DeleteTagsOutput](t)(b.DeleteTags(ctx, &sdk.DeleteTagsInput{Resources: made[1:2]}))
		tags = must[*sdk.DescribeTagsOutput](t)(b.DescribeTags(ctx, &sdk.DescribeTagsInput{}))
		if len(tags.Tags) != 1 {
			t.Fatalf("a tag of another value was deleted, or one too few: %+v", tags.Tags)
		}
	})
}

func TestDryRunAsksOnlyForPermission(t *testing.T) {
	b := setup(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:CreateVpc","ec2:Describe*"],"Resource":"*"}]}`)
	ctx := t.Context()
	_, err := b.CreateVpc(ctx, &sdk.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), DryRun: aws.Bool(true)})
	b.refused("DryRunOperation", err)
	_, err = b.AllocateAddress(ctx, &sdk.AllocateAddressInput{DryRun: aws.Bool(true)})
	b.refused("UnauthorizedOperation", err)
	if n := b.Kinds()["vpc"]; n != 0 {
		t.Fatalf("DryRun made %d VPCs", n)
	}
}

func TestRegionsAndImages(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	r := must[*sdk.DescribeRegionsOutput](t)(b.DescribeRegions(ctx, &sdk.DescribeRegionsInput{}))
	if len(r.Regions) != 17 {
		t.Fatalf("%d Regions, want the 17 that are on by default", len(r.Regions))
	}
	i := must[*sdk.DescribeImagesOutput](t)(b.DescribeImages(ctx, &sdk.DescribeImagesInput{Owners: []string{"amazon"}, Filters: []types.Filter{
		{Name: aws.String("name"), Values: []string{"al2023-ami-2023.*"}}, {Name: aws.String("architecture"), Values: []string{"x86_64"}}}}))
	if len(i.Images) != 1 || *i.Images[0].BlockDeviceMappings[0].Ebs.VolumeSize != 8 {
		t.Fatalf("Amazon Linux 2023: %+v", i.Images)
	}
	types := must[*sdk.DescribeInstanceTypesOutput](t)(b.DescribeInstanceTypes(ctx, &sdk.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"t3.micro"}}))
	if *types.InstanceTypes[0].VCpuInfo.DefaultVCpus != 2 || *types.InstanceTypes[0].MemoryInfo.SizeInMiB != 1024 {
		t.Fatalf("t3.micro: %+v", types.InstanceTypes[0])
	}
}
