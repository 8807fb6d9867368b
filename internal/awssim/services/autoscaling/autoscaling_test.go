package autoscaling_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/core/coretest"
	"github.com/kodekloud/kml/internal/awssim/services/autoscaling"
	"github.com/kodekloud/kml/internal/awssim/services/ec2"
)

const delay = 10 * time.Second

type bundle struct {
	*coretest.Bench
	*sdk.Client
	ec2      *awsec2.Client
	template string
	t        *testing.T
}

func setup(t *testing.T, policy ...string) *bundle {
	t.Helper()
	t.Parallel()
	p := coretest.Everything
	if len(policy) > 0 {
		p = policy[0]
	}
	var machines *ec2.Service
	b := &bundle{t: t}
	b.Bench = coretest.New(t, core.Options{Seed: 1, StateDelay: delay}, p,
		func(w *core.World) *core.Service { machines = ec2.New(w, nil); return machines.Core() },
		func(w *core.World) *core.Service { return autoscaling.New(w, machines, nil).Core() })
	b.Client = sdk.NewFromConfig(b.Config, func(o *sdk.Options) { o.RetryMaxAttempts = 2 })
	b.ec2 = awsec2.NewFromConfig(b.Config, func(o *awsec2.Options) { o.RetryMaxAttempts = 2 })
	lt := must[*awsec2.CreateLaunchTemplateOutput](t)(b.ec2.CreateLaunchTemplate(t.Context(), &awsec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("web"), LaunchTemplateData: &ec2types.RequestLaunchTemplateData{
			ImageId: aws.String("ami-0c55b159cbfafe1f0"), InstanceType: "t3.micro"}}))
	b.template = *lt.LaunchTemplate.LaunchTemplateId
	return b
}

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

func (b *bundle) refused(code string, err error) {
	b.t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code {
		b.t.Fatalf("got %v, want %s", err, code)
	}
}

func (b *bundle) pass(n int) { b.World.Clock.Advance(time.Duration(n) * delay) }

// make makes the group "web" of the bench's template.
func (b *bundle) make(desired int32, more ...func(*sdk.CreateAutoScalingGroupInput)) error {
	in := &sdk.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("web"), MinSize: aws.Int32(0), MaxSize: aws.Int32(5), DesiredCapacity: &desired,
		AvailabilityZones: []string{"eu-west-1a", "eu-west-1b"},
		LaunchTemplate:    &types.LaunchTemplateSpecification{LaunchTemplateId: &b.template, Version: aws.String("1")},
		Tags:              []types.Tag{{Key: aws.String("lab"), Value: aws.String("one"), PropagateAtLaunch: aws.Bool(true)}},
	}
	for _, f := range more {
		f(in)
	}
	_, err := b.CreateAutoScalingGroup(b.t.Context(), in)
	return err
}

func (b *bundle) group() *types.AutoScalingGroup {
	b.t.Helper()
	out := must[*sdk.DescribeAutoScalingGroupsOutput](b.t)(b.DescribeAutoScalingGroups(b.t.Context(), &sdk.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{"web"}}))
	if len(out.AutoScalingGroups) == 0 {
		return nil
	}
	return &out.AutoScalingGroups[0]
}

// running counts instances that are pending or running.
func (b *bundle) running() map[string]string {
	b.t.Helper()
	out := must[*awsec2.DescribeInstancesOutput](b.t)(b.ec2.DescribeInstances(b.t.Context(), &awsec2.DescribeInstancesInput{
		Filters: []ec2types.Filter{{Name: aws.String("instance-state-name"), Values: []string{"pending", "running"}}, {Name: aws.String("tag:lab"), Values: []string{"one"}}}}))
	ids := map[string]string{}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			ids[*i.InstanceId] = *i.Placement.AvailabilityZone
		}
	}
	return ids
}

func TestGroupReplacesWhatIsTerminated(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	if err := b.make(2); err != nil {
		t.Fatal(err)
	}
	first := b.running()
	zones := map[string]bool{}
	for _, z := range first {
		zones[z] = true
	}
	if len(first) != 2 || len(zones) != 2 {
		t.Fatalf("two instances over two zones: %v", first)
	}
	b.pass(1)
	if g := b.group(); g.Instances[0].LifecycleState != "InService" || *g.Instances[0].LaunchTemplate.Version != "1" {
		t.Fatalf("after the launch: %+v", g.Instances[0])
	}
	for id := range first {
		must[*awsec2.TerminateInstancesOutput](t)(b.ec2.TerminateInstances(ctx, &awsec2.TerminateInstancesInput{InstanceIds: []string{id}}))
	}
	second := b.running()
	if len(second) != 2 {
		t.Fatalf("a group goes on by itself, got %v", second)
	}
	for id := range second {
		if first[id] != "" {
			t.Fatalf("%s was terminated", id)
		}
	}
	acts := must[*sdk.DescribeScalingActivitiesOutput](t)(b.DescribeScalingActivities(ctx, &sdk.DescribeScalingActivitiesInput{AutoScalingGroupName: aws.String("web")}))
	if len(acts.Activities) != 6 {
		t.Fatalf("four launches and two terminations, got %d", len(acts.Activities))
	}
}

func TestSuspendedLaunchStaysDown(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	if err := b.make(1); err != nil {
		t.Fatal(err)
	}
	must[*sdk.SuspendProcessesOutput](t)(b.SuspendProcesses(ctx, &sdk.SuspendProcessesInput{AutoScalingGroupName: aws.String("web"), ScalingProcesses: []string{"Launch"}}))
	b.pass(1)
	for id := range b.running() {
		must[*awsec2.TerminateInstancesOutput](t)(b.ec2.TerminateInstances(ctx, &awsec2.TerminateInstancesInput{InstanceIds: []string{id}}))
	}
	b.pass(2)
	if n := b.running(); len(n) != 0 {
		t.Fatalf("Launch is suspended, but %v run", n)
	}
	must[*sdk.ResumeProcessesOutput](t)(b.ResumeProcesses(ctx, &sdk.ResumeProcessesInput{AutoScalingGroupName: aws.String("web")}))
	if n := b.running(); len(n) != 1 {
		t.Fatalf("resumed, but %v run", n)
	}
}

func TestDeletion(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	if err := b.make(1, func(in *sdk.CreateAutoScalingGroupInput) {
		in.DeletionProtection = types.DeletionProtectionPreventForceDeletion
	}); err != nil {
		t.Fatal(err)
	}
	b.running()
	_, err := b.DeleteAutoScalingGroup(ctx, &sdk.DeleteAutoScalingGroupInput{AutoScalingGroupName: aws.String("web")})
	b.refused("ResourceInUse", err)
	force := &sdk.DeleteAutoScalingGroupInput{AutoScalingGroupName: aws.String("web"), ForceDelete: aws.Bool(true)}
	_, err = b.DeleteAutoScalingGroup(ctx, force)
	b.refused("ValidationError", err)
	must[*sdk.UpdateAutoScalingGroupOutput](t)(b.UpdateAutoScalingGroup(ctx, &sdk.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("web"), DeletionProtection: types.DeletionProtectionNone}))
	must[*sdk.DeleteAutoScalingGroupOutput](t)(b.DeleteAutoScalingGroup(ctx, force))
	if g := b.group(); g == nil || *g.Status != "Delete in progress" {
		t.Fatalf("deletion takes a while: %+v", g)
	}
	b.pass(1)
	if g := b.group(); g != nil {
		t.Fatalf("the group is still there: %s", *g.Status)
	}
	if left := b.Kinds(); left["instance"] != 0 || left["auto-scaling-group"] != 0 {
		t.Fatalf("left: %v", left)
	}
	_, err = b.DeleteAutoScalingGroup(ctx, force)
	b.refused("ValidationError", err)
}

func TestCapacityFollowsWishes(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	if err := b.make(1); err != nil {
		t.Fatal(err)
	}
	set := func(n int32) error {
		_, err := b.SetDesiredCapacity(ctx, &sdk.SetDesiredCapacityInput{AutoScalingGroupName: aws.String("web"), DesiredCapacity: &n})
		return err
	}
	b.refused("ValidationError", set(6))
	for _, n := range []int32{4, 0, 2} {
		if err := set(n); err != nil {
			t.Fatal(err)
		}
		if got := b.running(); len(got) != int(n) {
			t.Fatalf("wished %d, run %v", n, got)
		}
		b.pass(1)
	}
	at := b.World.Clock.Now().Add(time.Hour)
	must[*sdk.PutScheduledUpdateGroupActionOutput](t)(b.PutScheduledUpdateGroupAction(ctx, &sdk.PutScheduledUpdateGroupActionInput{
		AutoScalingGroupName: aws.String("web"), ScheduledActionName: aws.String("later"), StartTime: &at, DesiredCapacity: aws.Int32(5)}))
	b.World.Clock.Advance(time.Hour)
	if got := b.running(); len(got) != 5 {
		t.Fatalf("the scheduled action is due, run %v", got)
	}
}

func TestMakingAGroupNeedsTheRightToRun(t *testing.T) {
	b := setup(t, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["autoscaling:*","ec2:Describe*","ec2:CreateLaunchTemplate*"],"Resource":"*"},
		{"Effect":"Allow","Action":"ec2:RunInstances","NotResource":"arn:aws:ec2:*:*:instance/*"},
		{"Effect":"Allow","Action":["ec2:RunInstances","ec2:CreateTags"],"Resource":"*","Condition":{"StringEquals":{"ec2:InstanceType":"t3.micro"}}},
		{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*"}]}`)
	ctx := t.Context()
	must[*awsec2.CreateLaunchTemplateVersionOutput](t)(b.ec2.CreateLaunchTemplateVersion(ctx, &awsec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: &b.template, SourceVersion: aws.String("1"), LaunchTemplateData: &ec2types.RequestLaunchTemplateData{InstanceType: "m5.large"}}))
	version := func(v string) func(*sdk.CreateAutoScalingGroupInput) {
		return func(in *sdk.CreateAutoScalingGroupInput) { in.LaunchTemplate.Version = &v }
	}
	b.refused("AccessDenied", b.make(1, version("2")))
	if err := b.make(1, version("1")); err != nil {
		t.Fatal(err)
	}
}

// A group of $Latest launches what the template has become, and nobody is asked
// for permission then: that is why labs must pin the version.
func TestLatestFollowsTheTemplate(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	if err := b.make(0, func(in *sdk.CreateAutoScalingGroupInput) { in.LaunchTemplate.Version = aws.String("$Latest") }); err != nil {
		t.Fatal(err)
	}
	must[*awsec2.CreateLaunchTemplateVersionOutput](t)(b.ec2.CreateLaunchTemplateVersion(ctx, &awsec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: &b.template, SourceVersion: aws.String("1"), LaunchTemplateData: &ec2types.RequestLaunchTemplateData{InstanceType: "m5.large"}}))
	must[*sdk.SetDesiredCapacityOutput](t)(b.SetDesiredCapacity(ctx, &sdk.SetDesiredCapacityInput{AutoScalingGroupName: aws.String("web"), DesiredCapacity: aws.Int32(1)}))
	if g := b.group(); *g.Instances[0].InstanceType != "m5.large" {
		t.Fatalf("launched %s", *g.Instances[0].InstanceType)
	}
}

func TestLaunchConfigurationInUse(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	for i := range 3 {
		must[*sdk.CreateLaunchConfigurationOutput](t)(b.CreateLaunchConfiguration(ctx, &sdk.CreateLaunchConfigurationInput{
			LaunchConfigurationName: aws.String(fmt.Sprintf("lc-%d", i)), ImageId: aws.String("ami-0c55b159cbfafe1f0"), InstanceType: aws.String("t3.nano")}))
	}
	if err := b.make(1, func(in *sdk.CreateAutoScalingGroupInput) {
		in.LaunchTemplate, in.LaunchConfigurationName = nil, aws.String("lc-1")
	}); err != nil {
		t.Fatal(err)
	}
	if len(b.running()) != 1 {
		t.Fatal("nothing was launched")
	}
	var pages, found int
	p := sdk.NewDescribeLaunchConfigurationsPaginator(b.Client, &sdk.DescribeLaunchConfigurationsInput{MaxRecords: aws.Int32(2)})
	for p.HasMorePages() {
		pages++
		found += len(must[*sdk.DescribeLaunchConfigurationsOutput](t)(p.NextPage(ctx)).LaunchConfigurations)
	}
	if pages != 2 || found != 3 {
		t.Fatalf("%d configurations on %d pages", found, pages)
	}
	_, err := b.DeleteLaunchConfiguration(ctx, &sdk.DeleteLaunchConfigurationInput{LaunchConfigurationName: aws.String("lc-1")})
	b.refused("ResourceInUse", err)
	must[*sdk.DeleteLaunchConfigurationOutput](t)(b.DeleteLaunchConfiguration(ctx, &sdk.DeleteLaunchConfigurationInput{LaunchConfigurationName: aws.String("lc-0")}))
}
