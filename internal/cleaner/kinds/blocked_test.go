package kinds_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/cleaner/kinds"
	"github.com/kodekloud/kml/internal/fleet"
)

func kindOf(b *bench, name string) cleaner.Kind {
	r, err := kinds.Registry()
	if err != nil {
		b.Fatal(err)
	}
	k, found := r.Get(name)
	if !found {
		b.Fatalf("no kind %s", name)
	}
	return k
}

// TestWhatBlocks: what something else holds is Blocked, which is no failure, and
// goes when the holder is gone.
func TestWhatBlocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		held, holder string
		make         func(*bench)
	}{
		{"ec2.vpc", "ec2.subnet", seedsOf("ec2.subnet")},
		{"ec2.vpc", "ec2.security_group", func(b *bench) { b.group(b.vpc(1), 1) }},
		{"ec2.vpc", "ec2.internet_gateway", seedsOf("ec2.internet_gateway")},
		{"ec2.subnet", "ec2.network_interface", func(b *bench) {
			s := ok[*ec2.CreateSubnetOutput](b)(b.ec2().CreateSubnet(b.Context(), &ec2.CreateSubnetInput{VpcId: b.vpc(1), CidrBlock: aws.String("10.1.0.0/24")}))
			b.must(b.ec2().CreateNetworkInterface(b.Context(), &ec2.CreateNetworkInterfaceInput{SubnetId: s.Subnet.SubnetId}))
		}},
		{"ec2.security_group", "ec2.network_interface", func(b *bench) {
			vpc, subnet := b.ownVPC()
			b.must(b.ec2().CreateNetworkInterface(b.Context(), &ec2.CreateNetworkInterfaceInput{SubnetId: subnet, Groups: []string{*b.group(vpc, 1)}}))
		}},
		{"ec2.snapshot", "ec2.image", seedsOf("ec2.image")},
		{"ec2.address", "ec2.nat_gateway", func(b *bench) {
			_, subnet := b.ownVPC()
			a := ok[*ec2.AllocateAddressOutput](b)(b.ec2().AllocateAddress(b.Context(), &ec2.AllocateAddressInput{}))
			b.must(b.ec2().CreateNatGateway(b.Context(), &ec2.CreateNatGatewayInput{SubnetId: subnet, AllocationId: a.AllocationId}))
		}},
		{"autoscaling.launch_configuration", "autoscaling.group", func(b *bench) {
			seeds["autoscaling.launch_configuration"].make(b, 1)
			b.must(autoscaling.NewFromConfig(b.admin).CreateAutoScalingGroup(b.Context(), &autoscaling.CreateAutoScalingGroupInput{
				AutoScalingGroupName: aws.String("g"), MinSize: aws.Int32(0), MaxSize: aws.Int32(0), LaunchConfigurationName: b.name("config", 0), AvailabilityZones: []string{*b.zone()},
			}))
		}},
		{"events.bus", "events.rule", func(b *bench) {
			b.must(b.events().CreateEventBus(b.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("own")}))
			b.must(b.events().PutRule(b.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), EventBusName: aws.String("own"), EventPattern: aws.String(`{"source":["lab"]}`)}))
		}},
	} {
		t.Run(c.held+" by "+c.holder, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			c.make(b)
			held, holder := kindOf(b, c.held), kindOf(b, c.holder)
			r := cleaner.Sweep(b.Context(), b.place(), held, nil)
			if r.Blocked == 0 || r.Err != nil {
				t.Fatalf("held by %s: %+v", c.holder, r)
			}
			for range 4 { // deletions take their time
				cleaner.Sweep(b.Context(), b.place(), holder, nil)
				cleaner.Sweep(b.Context(), b.place(), held, nil)
			}
			if f := cleaner.Verify(b.Context(), b.place(), held); f.Verdict != fleet.Clean {
				t.Fatalf("%s is gone, and: %s", c.holder, told([]cleaner.Finding{f}))
			}
		})
	}
}

func seedsOf(kind string) func(*bench) { return func(b *bench) { seeds[kind].make(b, 1) } }

// TestStop: what acts by itself does not any more.
func TestStop(t *testing.T) {
	t.Parallel()
	stop := func(b *bench, name string) {
		seeds[name].make(b, 2)
		if r := cleaner.Stop(b.Context(), b.place(), kindOf(b, name), nil); r.Err != nil || r.Deleted != 2 {
			b.Fatalf("stop %s: %+v", name, r)
		}
	}
	t.Run("function", func(t *testing.T) {
		t.Parallel()
		b := open(t)
		stop(b, "lambda.function")
		name := b.name("function", 0)
		urls := ok[*lambda.ListFunctionUrlConfigsOutput](b)(b.lambda().ListFunctionUrlConfigs(b.Context(), &lambda.ListFunctionUrlConfigsInput{FunctionName: name}))
		limit := ok[*lambda.GetFunctionConcurrencyOutput](b)(b.lambda().GetFunctionConcurrency(b.Context(), &lambda.GetFunctionConcurrencyInput{FunctionName: name}))
		if len(urls.FunctionUrlConfigs) != 0 || limit.ReservedConcurrentExecutions == nil || *limit.ReservedConcurrentExecutions != 0 {
			t.Fatalf("%d URLs are open, concurrency %v", len(urls.FunctionUrlConfigs), limit.ReservedConcurrentExecutions)
		}
	})
	t.Run("rule", func(t *testing.T) {
		t.Parallel()
		b := open(t)
		stop(b, "events.rule")
		if r := ok[*eventbridge.DescribeRuleOutput](b)(b.events().DescribeRule(b.Context(), &eventbridge.DescribeRuleInput{Name: b.name("rule", 0)})); r.State != "DISABLED" {
			t.Fatalf("the rule is %s", r.State)
		}
	})
	t.Run("group", func(t *testing.T) {
		t.Parallel()
		b := open(t)
		stop(b, "autoscaling.group")
		out := ok[*autoscaling.DescribeAutoScalingGroupsOutput](b)(autoscaling.NewFromConfig(b.admin).DescribeAutoScalingGroups(b.Context(), &autoscaling.DescribeAutoScalingGroupsInput{}))
		for _, g := range out.AutoScalingGroups {
			if len(g.SuspendedProcesses) == 0 {
				t.Fatalf("group %s still launches", *g.AutoScalingGroupName)
			}
		}
	})
	t.Run("instance", func(t *testing.T) {
		t.Parallel()
		b := open(t)
		stop(b, "ec2.instance")
		for _, r := range b.list(kindOf(b, "ec2.instance")) {
			if r.State != "shutting-down" {
				t.Fatalf("instance %s is %s", r.ID, r.State)
			}
		}
	})
}

// TestFleetsOwnStays: the fleet's role, its path, service-linked roles and the
// default VPC are kept, with the reason.
func TestFleetsOwnStays(t *testing.T) {
	t.Parallel()
	b := open(t)
	reasons := map[string]string{}
	for _, k := range kinds.All() {
		if k.Service() != "iam" && k.Service() != "ec2" {
			continue
		}
		cleaner.Sweep(b.Context(), b.of(k), k, func(e cleaner.Event) {
			if e.Action != "kept" {
				t.Errorf("%s %s was %s: %s", e.Kind, e.Resource, e.Action, e.Detail)
			}
			reasons[e.Kind] = e.Detail
		})
	}
	for _, kind := range []string{"iam.user", "iam.role", "ec2.vpc", "ec2.subnet", "ec2.internet_gateway", "ec2.route_table", "ec2.network_acl", "ec2.security_group"} {
		if reasons[kind] == "" {
			t.Errorf("nothing of kind %s was kept: %v", kind, reasons)
		}
	}
	if left := b.oracle(); len(left) > 0 {
		t.Errorf("the oracle knows of %v", left)
	}
}

// TestTheDefaultGroupLetsGo: a rule of the default group, which stays, names a
// group of the student's, which goes.
func TestTheDefaultGroupLetsGo(t *testing.T) {
	t.Parallel()
	b := open(t)
	vpc, _ := b.ownVPC()
	groups := ok[*ec2.DescribeSecurityGroupsOutput](b)(b.ec2().DescribeSecurityGroups(b.Context(), &ec2.DescribeSecurityGroupsInput{Filters: inVPC(vpc)}))
	b.allow(groups.SecurityGroups[0].GroupId, b.group(vpc, 1))
	k := kindOf(b, "ec2.security_group")
	if r := cleaner.Sweep(b.Context(), b.place(), k, nil); r.Deleted != 1 || r.Err != nil {
		t.Fatalf("%+v", r)
	}
	if f := cleaner.Verify(b.Context(), b.place(), k); f.Verdict != fleet.Clean {
		t.Fatal(told([]cleaner.Finding{f}))
	}
}
