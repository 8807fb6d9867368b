package awssim_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const trustLambda = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// TestFunctionInVPC: a function's package comes from S3, its interfaces from
// EC2; two functions with the same subnet and groups share one interface, which
// keeps the subnet until some minutes after the last function is gone.
func TestFunctionInVPC(t *testing.T) {
	t.Parallel()
	ctx, b := t.Context(), newMember(t, core.Options{Seed: 7, StateDelay: time.Minute})
	buckets, people, machines, functions := s3.NewFromConfig(b.cfg, func(o *s3.Options) { o.UsePathStyle = true }), iam.NewFromConfig(b.cfg), ec2.NewFromConfig(b.cfg), lambda.NewFromConfig(b.cfg)
	_, err := buckets.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("packages-of-the-test"),
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraintEuWest1}})
	ok(t, err)
	_, err = buckets.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("packages-of-the-test"), Key: aws.String("f.zip"), Body: bytes.NewReader(functionZip(t))})
	ok(t, err)
	role, err := people.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("fn"), AssumeRolePolicyDocument: aws.String(trustLambda)})
	ok(t, err)
	network, err := machines.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	ok(t, err)
	subnet, err := machines.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: network.Vpc.VpcId, CidrBlock: aws.String("10.0.1.0/24")})
	ok(t, err)
	group, err := machines.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{VpcId: network.Vpc.VpcId, GroupName: aws.String("fn"), Description: aws.String("fn")})
	ok(t, err)

	create := func(name, key, subnetID string) error {
		_, err := functions.CreateFunction(ctx, &lambda.CreateFunctionInput{
			FunctionName: &name, Role: role.Role.Arn, Runtime: lambdatypes.RuntimePython312, Handler: aws.String("index.handler"),
			Code:      &lambdatypes.FunctionCode{S3Bucket: aws.String("packages-of-the-test"), S3Key: &key},
			VpcConfig: &lambdatypes.VpcConfig{SubnetIds: []string{subnetID}, SecurityGroupIds: []string{*group.GroupId}}})
		return err
	}
	wantMessage(t, create("a", "f.zip", *subnet.Subnet.SubnetId), "The provided execution role does not have permissions to call CreateNetworkInterface on EC2")
	_, err = people.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("fn"), PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole")})
	ok(t, err)
	wantMessage(t, create("a", "none.zip", *subnet.Subnet.SubnetId), "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
	wantMessage(t, create("a", "f.zip", "subnet-00000000000000000"), "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID 'subnet-00000000000000000' does not exist")
	ok(t, create("a", "f.zip", *subnet.Subnet.SubnetId))
	ok(t, create("b", "f.zip", *subnet.Subnet.SubnetId))

	interfaces := func() []ec2types.NetworkInterface {
		t.Helper()
		out, err := machines.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{{Name: aws.String("subnet-id"), Values: []string{*subnet.Subnet.SubnetId}}}})
		ok(t, err)
		return out.NetworkInterfaces
	}
	if all := interfaces(); len(all) != 1 || all[0].InterfaceType != "lambda" || !*all[0].RequesterManaged || all[0].Status != "in-use" {
		t.Fatalf("interfaces = %+v", all)
	}
	for _, name := range []string{"a", "b"} {
		_, err = functions.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
		ok(t, err)
	}
	_, err = machines.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: subnet.Subnet.SubnetId})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "DependencyViolation" {
		t.Fatalf("the subnet of a function just deleted: %v", err)
	}
	b.World.Clock.Advance(10 * time.Minute) // the signature may be 15 minutes off
	if n := len(interfaces()); n != 1 {
		t.Fatalf("after ten minutes there are %d interfaces", n)
	}
	b.World.Clock.Advance(11 * time.Minute)
	for _, id := range b.inventory() {
		if strings.Contains(id, "network-interface") {
			t.Errorf("left: %s", id)
		}
	}
}

func wantMessage(t *testing.T, err error, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorMessage() != message {
		t.Fatalf("got %v; want %q", err, message)
	}
}
