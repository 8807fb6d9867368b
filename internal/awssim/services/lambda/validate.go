package lambda

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// runtime accepts identifiers of the present and coming generations; AWS's list
// grows every few months.
var runtime = regexp.MustCompile(`^(nodejs\d+\.x|python3\.\d+|java\d+(\.al2)?|dotnet\d+|dotnetcore\d\.\d|ruby\d\.\d|go1\.x|provided(\.al2(023)?)?)$`)

var roleARN = regexp.MustCompile(`^arn:aws:iam::\d{12}:role/[a-zA-Z_0-9+=,.@\-_/]+$`)

func constraint(field string, value any, rule string) error {
	return core.Errorf(400, "ValidationException", "1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, field, rule)
}

// Lambda's bounds.
const (
	maxTimeout    = 900
	minMemory     = 128
	maxMemory     = 10240
	minStorage    = 512
	maxStorage    = 10240
	maxEnvBytes   = 4096
	maxLayers     = 5
	defaultMemory = 128
)

// check refuses a configuration that AWS would refuse.
func (cfg *Configuration) check() error {
	switch {
	case !roleARN.MatchString(cfg.Role):
		return constraint("role", cfg.Role, `Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`)
	case cfg.Timeout < 1 || cfg.Timeout > maxTimeout:
		return constraint("timeout", cfg.Timeout, "Member must have value less than or equal to 900")
	case cfg.MemorySize < minMemory || cfg.MemorySize > maxMemory:
		return constraint("memorySize", cfg.MemorySize, "Member must have value between 128 and 10240")
	case cfg.EphemeralStorage.Size < minStorage || cfg.EphemeralStorage.Size > maxStorage:
		return constraint("ephemeralStorage.size", cfg.EphemeralStorage.Size, "Member must have value between 512 and 10240")
	case !slices.Contains([]string{"PassThrough", "Active"}, cfg.TracingConfig.Mode):
		return constraint("tracingConfig.mode", cfg.TracingConfig.Mode, "Member must satisfy enum value set: [Active, PassThrough]")
	case len(cfg.Layers) > maxLayers:
		return invalid("Cannot reference more than %d layers.", maxLayers)
	case len(cfg.Architectures) != 1 || !slices.Contains([]string{"x86_64", "arm64"}, cfg.Architectures[0]):
		return constraint("architectures", cfg.Architectures, "Member must satisfy enum value set: [x86_64, arm64]")
	}
	if cfg.PackageType == "Zip" {
		switch {
		case cfg.Runtime == "":
			return invalid("Runtime is mandatory for function with deployment package of type Zip")
		case cfg.Handler == "":
			return invalid("Handler is mandatory for function with deployment package of type Zip")
		case !runtime.MatchString(cfg.Runtime):
			return invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set, or be a valid ARN", cfg.Runtime)
		}
	} else if cfg.PackageType != "Image" {
		return constraint("packageType", cfg.PackageType, "Member must satisfy enum value set: [Zip, Image]")
	}
	return cfg.checkEnvironment()
}

func (cfg *Configuration) checkEnvironment() error {
	if cfg.Environment == nil {
		return nil
	}
	size, reserved := 0, []string(nil)
	for k, v := range cfg.Environment.Variables {
		size += len(k) + len(v)
		if strings.HasPrefix(k, "AWS_LAMBDA_") || slices.Contains([]string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "_HANDLER"}, k) {
			reserved = append(reserved, k)
		}
	}
	if len(reserved) > 0 {
		slices.Sort(reserved)
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(reserved, ", "))
	}
	if size > maxEnvBytes {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %s", fmt.Sprint(size))
	}
	return nil
}
