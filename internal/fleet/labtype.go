package fleet

import "time"

// LabType is a kind of lab, as its YAML file describes it.
type LabType struct {
	// Revision grows with every apply; 0 is the file that came with the process.
	Revision    int64         `bson:"revision" yaml:"-"`
	Name        string        `bson:"_id" yaml:"name"` // ec2-basics
	Title       string        `bson:"title" yaml:"title"`
	Description string        `bson:"description" yaml:"description"`
	Regions     []string      `bson:"regions" yaml:"regions"`
	Services    []string      `bson:"services" yaml:"services"` // IAM prefixes the lab allows, such as ec2, s3
	MaxDuration time.Duration `bson:"max_duration" yaml:"max_duration"`
	Console     bool          `bson:"console" yaml:"console"`
	Keys        bool          `bson:"keys" yaml:"keys"`
	// InstanceTypes limits ec2:RunInstances; empty means no instance at all
	// unless the statements allow it.
	InstanceTypes []string    `bson:"instance_types" yaml:"instance_types"`
	Statements    []Statement `bson:"statements" yaml:"statements"`
	// Probe is the call that shows that a key works: an action that the
	// statements allow, one of [Probes].
	Probe string `bson:"probe" yaml:"probe"`
}

// Probes are the calls that a lab type may name as its probe, as IAM actions:
// they read, cost nothing, and fail where the student may not make them.
var Probes = []string{"ec2:DescribeInstances", "s3:ListAllMyBuckets", "lambda:ListFunctions", "dynamodb:ListTables",
	"sqs:ListQueues", "sns:ListTopics", "iam:ListRoles"}

// Statement is one IAM policy statement; strings are templates with
// {{.Account}}, {{.User}}, {{.Partition}}, {{.LabPath}} and {{.Regions}}; one
// with {{.Regions}} stands for as many strings as the lab has Regions.
type Statement struct {
	Sid        string                         `bson:"sid,omitempty" yaml:"sid"`
	Effect     string                         `bson:"effect" yaml:"effect"`
	Actions    []string                       `bson:"actions,omitempty" yaml:"actions"`
	NotActions []string                       `bson:"not_actions,omitempty" yaml:"not_actions"`
	Resources  []string                       `bson:"resources,omitempty" yaml:"resources"`
	Conditions map[string]map[string][]string `bson:"conditions,omitempty" yaml:"conditions"`
}

// LabTypeStatus is what the fleet knows of a lab type beside its file.
type LabTypeStatus struct {
	Name     string    `bson:"_id"`
	Off      bool      `bson:"off"`
	Reason   string    `bson:"reason,omitempty"`
	Failures int       `bson:"failures"` // since the last success
	Since    time.Time `bson:"since"`
	Version  int64     `bson:"version"`
}
