package ec2_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const terraformPlan = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region = "eu-west-1"
  access_key = "AKIATEST"
  secret_key = "secret"
  skip_credentials_validation = true
  skip_requesting_account_id = true
  skip_metadata_api_check = true
  endpoints { ec2 = "ENDPOINT" }
}
data "aws_availability_zones" "all" { state = "available" }
data "aws_ami" "linux" {
  most_recent = true
  owners = ["amazon"]
  filter {
    name = "name"
    values = ["al2023-ami-2023.*-x86_64"]
  }
}
resource "aws_vpc" "lab" {
  cidr_block = "10.1.0.0/16"
  enable_dns_hostnames = true
  tags = { Name = "lab" }
}
resource "aws_subnet" "lab" {
  count = 2
  vpc_id = aws_vpc.lab.id
  cidr_block = cidrsubnet(aws_vpc.lab.cidr_block, 8, count.index)
  availability_zone = data.aws_availability_zones.all.names[count.index]
  map_public_ip_on_launch = true
}
resource "aws_internet_gateway" "lab" { vpc_id = aws_vpc.lab.id }
resource "aws_route_table" "lab" {
  vpc_id = aws_vpc.lab.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.lab.id
  }
}
resource "aws_route_table_association" "lab" {
  count = 2
  subnet_id = aws_subnet.lab[count.index].id
  route_table_id = aws_route_table.lab.id
}
resource "aws_security_group" "web" {
  name = "web"
  vpc_id = aws_vpc.lab.id
  ingress {
    from_port = 80
    to_port = 80
    protocol = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  egress {
    from_port = 0
    to_port = 0
    protocol = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_vpc_security_group_ingress_rule" "ssh" {
  security_group_id = aws_security_group.other.id
  cidr_ipv4 = "10.0.0.0/8"
  ip_protocol = "tcp"
  from_port = 22
  to_port = 22
}
resource "aws_security_group" "other" {
  name_prefix = "other"
  vpc_id = aws_vpc.lab.id
}
resource "aws_instance" "web" {
  ami = data.aws_ami.linux.id
  instance_type = "t3.micro"
  subnet_id = aws_subnet.lab[0].id
  vpc_security_group_ids = [aws_security_group.web.id]
  user_data = "#!/bin/sh"
  metadata_options { http_tokens = "required" }
  root_block_device { volume_size = 10 }
  tags = { Name = "web" }
}
resource "aws_ebs_volume" "data" {
  availability_zone = aws_instance.web.availability_zone
  size = 5
}
resource "aws_volume_attachment" "data" {
  device_name = "/dev/sdf"
  volume_id = aws_ebs_volume.data.id
  instance_id = aws_instance.web.id
}
resource "aws_eip" "nat" { domain = "vpc" }
resource "aws_nat_gateway" "nat" {
  allocation_id = aws_eip.nat.id
  subnet_id = aws_subnet.lab[1].id
  depends_on = [aws_internet_gateway.lab]
}
resource "aws_launch_template" "web" {
  name = "web"
  image_id = data.aws_ami.linux.id
  instance_type = "t3.nano"
}
resource "aws_network_acl" "lab" {
  vpc_id = aws_vpc.lab.id
  ingress {
    protocol = "tcp"
    rule_no = 100
    action = "allow"
    cidr_block = "0.0.0.0/0"
    from_port = 80
    to_port = 80
  }
}
resource "aws_vpc_endpoint" "s3" {
  vpc_id = aws_vpc.lab.id
  service_name = "com.amazonaws.eu-west-1.s3"
  route_table_ids = [aws_route_table.lab.id]
}
`

// TestTerraform holds the simulation against a client that nobody here wrote:
// apply, a second plan without changes, destroy. It needs a terraform whose CLI
// configuration (TF_CLI_CONFIG_FILE) says where the AWS provider is.
func TestTerraform(t *testing.T) {
	path, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("no terraform on this machine")
	}
	if cfg, err := os.Stat(os.Getenv("TF_CLI_CONFIG_FILE")); err != nil || cfg.IsDir() {
		t.Skip("terraform is not configured with a provider mirror on this machine")
	}
	if testing.Short() {
		t.Skip("terraform waits for states in real seconds")
	}
	b := setup(t)
	stop := b.runClock()
	defer stop()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(strings.ReplaceAll(terraformPlan, "ENDPOINT", b.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), path, append(args, "-no-color", "-input=false")...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("init")
	run("apply", "-auto-approve")
	run("plan", "-detailed-exitcode") // exit code 2 would mean changes
	run("destroy", "-auto-approve")
	if left := b.Kinds(); len(left) != 0 {
		t.Fatalf("terraform left %v", left)
	}
}

// runClock lets the bench's frozen clock run, five times as fast as the wall, for
// a client that waits in real time, and gives the function that stops it again.
func (b *bundle) runClock() (stop func()) {
	quit, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				b.World.Clock.Advance(500 * time.Millisecond)
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-stopped }
}
