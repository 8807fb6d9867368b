package ec2_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kodekloud/kml/internal/awssim/core/coretest"
)

func TestLifeOfAnInstance(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	id := b.run(1, func(in *sdk.RunInstancesInput) {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("lab")}
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("web")}}}}
	})[0]
	i := b.instance(id)
	if i.State.Name != "pending" || *i.Tags[0].Value != "web" || i.PublicIpAddress == nil || len(i.BlockDeviceMappings) != 1 || i.IamInstanceProfile == nil {
		t.Fatalf("a new instance: %+v", i)
	}
	b.pass(1)
	if s := b.instance(id).State.Name; s != "running" {
		t.Fatalf("after a delay it is %s", s)
	}
	must[*sdk.StopInstancesOutput](t)(b.StopInstances(ctx, &sdk.StopInstancesInput{InstanceIds: []string{id}}))
	_, err := b.StartInstances(ctx, &sdk.StartInstancesInput{InstanceIds: []string{id}})
	b.refused("IncorrectInstanceState", err)
	b.pass(1)
	if i = b.instance(id); i.State.Name != "stopped" || i.PublicIpAddress != nil {
		t.Fatalf("a stopped instance: %s with address %v", i.State.Name, i.PublicIpAddress)
	}
	must[*sdk.ModifyInstanceAttributeOutput](t)(b.ModifyInstanceAttribute(ctx, &sdk.ModifyInstanceAttributeInput{InstanceId: &id, InstanceType: &types.AttributeValue{Value: aws.String("t3.small")}}))
	must[*sdk.StartInstancesOutput](t)(b.StartInstances(ctx, &sdk.StartInstancesInput{InstanceIds: []string{id}}))
	b.pass(1)
	must[*sdk.TerminateInstancesOutput](t)(b.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{id}}))
	if n := b.Kinds()["network-interface"]; n != 1 {
		t.Fatalf("a dying instance still holds its interface, got %d", n)
	}
	b.pass(1)
	if i = b.instance(id); i.State.Name != "terminated" || len(i.NetworkInterfaces) != 0 || i.VpcId != nil {
		t.Fatalf("a terminated instance: %+v", i)
	}
	if left := b.Kinds(); len(left) != 0 {
		t.Fatalf("the oracle tells %v", left)
	}
	b.World.Clock.Advance(time.Hour)
	_, err = b.DescribeInstances(ctx, &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
	b.refused("InvalidInstanceID.NotFound", err)
}

func TestProtectedInstanceFailsItsZoneOnly(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	zone := func(z string) func(*sdk.RunInstancesInput) {
		return func(in *sdk.RunInstancesInput) { in.Placement = &types.Placement{AvailabilityZone: aws.String(z)} }
	}
	guarded := b.run(1, zone("eu-west-1a"), func(in *sdk.RunInstancesInput) { in.DisableApiTermination = aws.Bool(true) })[0]
	same, other := b.run(1, zone("eu-west-1a"))[0], b.run(1, zone("eu-west-1b"))[0]
	_, err := b.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{same, other, guarded}})
	b.refused("OperationNotPermitted", err)
	if a, c := b.instance(same).State.Name, b.instance(other).State.Name; a != "pending" || c != "shutting-down" {
		t.Fatalf("same zone %s, other zone %s", a, c)
	}
	must[*sdk.ModifyInstanceAttributeOutput](t)(b.ModifyInstanceAttribute(ctx, &sdk.ModifyInstanceAttributeInput{InstanceId: &guarded, DisableApiTermination: &types.AttributeBooleanValue{Value: aws.Bool(false)}}))
	must[*sdk.TerminateInstancesOutput](t)(b.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{same, guarded}}))
}

func TestClientTokenMakesOneLaunch(t *testing.T) {
	b := setup(t)
	token := func(in *sdk.RunInstancesInput) { in.ClientToken = aws.String("once") }
	first, again := b.run(1, token)[0], b.run(1, token)[0]
	if first != again || b.Kinds()["instance"] != 1 {
		t.Fatalf("one token gave %s and %s", first, again)
	}
	_, err := b.RunInstances(t.Context(), &sdk.RunInstancesInput{ImageId: aws.String(ami), InstanceType: "t3.small", MinCount: aws.Int32(1), MaxCount: aws.Int32(1), ClientToken: aws.String("once")})
	b.refused("IdempotentParameterMismatch", err)
}

func TestVCPUQuota(t *testing.T) {
	b := setup(t)
	b.World.Do(func() { b.service.SetVCPULimit(coretest.Account, 6) })
	b.run(2)
	_, err := b.RunInstances(t.Context(), &sdk.RunInstancesInput{ImageId: aws.String(ami), InstanceType: "t3.micro", MinCount: aws.Int32(2), MaxCount: aws.Int32(2)})
	b.refused("VcpuLimitExceeded", err)
	out := must[*sdk.RunInstancesOutput](t)(b.RunInstances(t.Context(), &sdk.RunInstancesInput{ImageId: aws.String(ami), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(5)}))
	if len(out.Instances) != 1 {
		t.Fatalf("%d instances fit into two vCPUs", len(out.Instances))
	}
}

func TestRunInstancesIsAllowedPerResource(t *testing.T) {
	const policy = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"},
		{"Effect":"Allow","Action":"ec2:RunInstances","NotResource":"arn:aws:ec2:*:*:instance/*"},
		{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"ec2:InstanceType":"t3.micro","aws:RequestTag/owner":"ada"}}},
		{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*","Condition":{"StringEquals":{"ec2:CreateAction":"RunInstances"}}},
		{"Effect":"Allow","Action":"ec2:TerminateInstances","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/owner":"ada"}}}]}`
	b := setup(t, policy)
	ctx := t.Context()
	in := &sdk.RunInstancesInput{
		ImageId: aws.String(ami), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		TagSpecifications: []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("owner"), Value: aws.String("ada")}}}},
	}
	id := *must[*sdk.RunInstancesOutput](t)(b.RunInstances(ctx, in)).Instances[0].InstanceId
	big := *in
	big.InstanceType = "m5.large"
	_, err := b.RunInstances(ctx, &big)
	b.refused("UnauthorizedOperation", err)
	bare := *in
	bare.TagSpecifications = nil
	_, err = b.RunInstances(ctx, &bare)
	b.refused("UnauthorizedOperation", err)
	profile := *in
	profile.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("lab")}
	_, err = b.RunInstances(ctx, &profile) // no iam:PassRole
	b.refused("UnauthorizedOperation", err)
	_, err = b.CreateTags(ctx, &sdk.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("owner"), Value: aws.String("eve")}}})
	b.refused("UnauthorizedOperation", err)
	must[*sdk.TerminateInstancesOutput](t)(b.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{id}}))
}

func TestLaunchTemplateVersions(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	lt := must[*sdk.CreateLaunchTemplateOutput](t)(b.CreateLaunchTemplate(ctx, &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("web"), LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ami), InstanceType: "t3.micro"}})).LaunchTemplate
	v := must[*sdk.CreateLaunchTemplateVersionOutput](t)(b.CreateLaunchTemplateVersion(ctx, &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: lt.LaunchTemplateId, SourceVersion: aws.String("1"), LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: "t3.nano"}})).LaunchTemplateVersion
	if *v.VersionNumber != 2 || *v.LaunchTemplateData.ImageId != ami || v.LaunchTemplateData.InstanceType != "t3.nano" {
		t.Fatalf("version 2: %+v", v)
	}
	for version, want := range map[string]types.InstanceType{"$Latest": "t3.nano", "$Default": "t3.micro", "1": "t3.micro"} {
		out := must[*sdk.RunInstancesOutput](t)(b.RunInstances(ctx, &sdk.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web"), Version: &version}}))
		if got := out.Instances[0].InstanceType; got != want {
			t.Errorf("version %s launches %s, want %s", version, got, want)
		}
	}
	out := must[*sdk.DeleteLaunchTemplateVersionsOutput](t)(b.DeleteLaunchTemplateVersions(ctx, &sdk.DeleteLaunchTemplateVersionsInput{LaunchTemplateId: lt.LaunchTemplateId, Versions: []string{"1", "2"}}))
	if len(out.SuccessfullyDeletedLaunchTemplateVersions) != 1 || len(out.UnsuccessfullyDeletedLaunchTemplateVersions) != 1 {
		t.Fatalf("the default version stays: %+v", out)
	}
}

func TestSpotOutlivesItsRequest(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	r := must[*sdk.RequestSpotInstancesOutput](t)(b.RequestSpotInstances(ctx, &sdk.RequestSpotInstancesInput{
		LaunchSpecification: &types.RequestSpotLaunchSpecification{ImageId: aws.String(ami), InstanceType: "t3.micro"}})).SpotInstanceRequests[0]
	if r.State != "open" {
		t.Fatalf("a new request is %s", r.State)
	}
	b.pass(1)
	ids := []string{*r.SpotInstanceRequestId}
	r = must[*sdk.DescribeSpotInstanceRequestsOutput](t)(b.DescribeSpotInstanceRequests(ctx, &sdk.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: ids})).SpotInstanceRequests[0]
	must[*sdk.CancelSpotInstanceRequestsOutput](t)(b.CancelSpotInstanceRequests(ctx, &sdk.CancelSpotInstanceRequestsInput{SpotInstanceRequestIds: ids}))
	b.pass(2)
	if i := b.instance(*r.InstanceId); i.State.Name != "running" || i.InstanceLifecycle != "spot" {
		t.Fatalf("after the cancel the instance is %s", i.State.Name)
	}
}
