package lambda

import (
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Configuration is AWS's FunctionConfiguration.
type Configuration struct {
	FunctionName               string
	FunctionArn                string
	Runtime                    string `json:",omitempty"`
	Role                       string
	Handler                    string `json:",omitempty"`
	CodeSize                   int64
	Description                string
	Timeout                    int // seconds
	MemorySize                 int // MB
	LastModified               string
	CodeSha256                 string
	Version                    string
	VpcConfig                  *VpcConfig        `json:",omitempty"`
	DeadLetterConfig           *DeadLetterConfig `json:",omitempty"`
	Environment                *Environment      `json:",omitempty" trail:"-"`
	KMSKeyArn                  string            `json:",omitempty"`
	TracingConfig              *TracingConfig
	MasterArn                  string `json:",omitempty"`
	RevisionId                 string
	Layers                     []LayerRef   `json:",omitempty"`
	State                      string       `json:",omitempty"`
	StateReason                string       `json:",omitempty"`
	StateReasonCode            string       `json:",omitempty"`
	LastUpdateStatus           string       `json:",omitempty"`
	LastUpdateStatusReason     string       `json:",omitempty"`
	LastUpdateStatusReasonCode string       `json:",omitempty"`
	FileSystemConfigs          []FileSystem `json:",omitempty"`
	PackageType                string
	ImageConfigResponse        *ImageConfigResponse `json:",omitempty"`
	Architectures              []string
	EphemeralStorage           *EphemeralStorage
	SnapStart                  *SnapStart
	RuntimeVersionConfig       *RuntimeVersion `json:",omitempty"`
	LoggingConfig              *LoggingConfig
}

// The parts of a configuration, as in the API.
type (
	// VpcConfig has the VPC's id in answers only.
	VpcConfig struct {
		SubnetIds               []string
		SecurityGroupIds        []string
		VpcId                   string
		Ipv6AllowedForDualStack bool
	}
	DeadLetterConfig struct {
		TargetArn string `json:",omitempty"`
	}
	// Environment is secret: it is kept out of CloudTrail.
	Environment struct {
		Variables map[string]string
	}
	TracingConfig struct{ Mode string }
	LayerRef      struct {
		Arn      string
		CodeSize int64
	}
	FileSystem struct {
		Arn            string
		LocalMountPath string
	}
	ImageConfig struct {
		EntryPoint       []string `json:",omitempty"`
		Command          []string `json:",omitempty"`
		WorkingDirectory string   `json:",omitempty"`
	}
	ImageConfigResponse struct{ ImageConfig *ImageConfig }
	EphemeralStorage    struct{ Size int } // MB
	SnapStart           struct {
		ApplyOn            string
		OptimizationStatus string
	}
	RuntimeVersion struct{ RuntimeVersionArn string }
	LoggingConfig  struct {
		LogFormat           string
		ApplicationLogLevel string `json:",omitempty"`
		SystemLogLevel      string `json:",omitempty"`
		LogGroup            string
	}
)

// version is $LATEST or a published version.
type version struct {
	Config  Configuration
	image   string // ImageUri of container images
	ready   time.Time
	updated time.Time // end of the last update; zero: never updated
	source  string    // published versions: the revision of $LATEST they were made of
	stream  string    // log stream of the running environment, "" when cold
}

// view is the configuration as it looks at now.
func (v *version) view(now time.Time) *Configuration {
	c := v.Config
	switch {
	case now.Before(v.ready):
		c.State, c.StateReason, c.StateReasonCode = "Pending", "The function is being created.", "Creating"
		c.LastUpdateStatus = "InProgress"
	case now.Before(v.updated):
		c.State, c.LastUpdateStatus = "Active", "InProgress"
		c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = "The function is being created.", "Creating"
	default:
		c.State, c.LastUpdateStatus = "Active", "Successful"
	}
	return &c
}

// settled refuses what AWS refuses while a function is being made or changed.
func (v *version) settled(now time.Time) error {
	switch {
	case now.Before(v.ready):
		return conflict("The operation cannot be performed at this time. The function is currently in the following state: Pending")
	case now.Before(v.updated):
		return conflict("The operation cannot be performed at this time. An update is in progress for resource: %s", v.Config.FunctionArn)
	}
	return nil
}

// touch gives a configuration its new revision.
func (v *version) touch(c *core.Call) {
	v.Config.LastModified = stamp(c.Now)
	v.Config.RevisionId = c.World.UUID()
}

// stamp is Lambda's own form of time: "2026-11-20T12:00:00.000+0000".
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000+0000") }

// logGroup is where the function writes.
func (v *version) logGroup() string {
	return v.Config.LoggingConfig.LogGroup
}
