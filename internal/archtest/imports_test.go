package archtest

import (
	"slices"
	"strings"
	"testing"
)

// Groups of modules that rows name.
var (
	awsSDK  = []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go", "golang.org/x/sync"}
	goYAML  = "github.com/goccy/go-yaml"
	asynq   = "github.com/hibiken/asynq"
	zerolog = "github.com/rs/zerolog"
	goRedis = "github.com/redis/go-redis/v9"
	driver  = "go.mongodb.org/mongo-driver/v2"
)

// anything lets a folder that wires others import whatever it likes.
var anything = []string{"*"}

// services are the packages of one noun each. They know each other only through
// the interfaces that they declare.
var services = []string{"internal/assign", "internal/identity", "internal/readiness", "internal/orgsync", "internal/cleanup", "internal/failsafe", "internal/trail"}

// imports is the map of the repository: what a folder and those below may
// import beside the standard library. Of two rows the longer holds; a package
// without a row fails the test. Own packages are named one by one from the root,
// with /... for a whole tree; a foreign module is named with all that is in it.
var imports = map[string][]string{
	// Flags and wiring: no driver, no SDK.
	"cmd":         {"internal/...", "github.com/spf13/cobra", zerolog, "github.com/mattn/go-isatty"},
	"cmd/kml-dev": {"internal/...", "github.com/spf13/cobra", zerolog, "github.com/mattn/go-isatty", "github.com/aws/aws-sdk-go-v2/aws"},
	"cmd/kmlctl":  {"internal/cli"},

	"internal/app":    anything,                  // wiring that cmd/kml and cmd/kml-dev share
	"internal/dev":    anything,                  // the embedded parts, and processes of the demo
	"internal/demo":   anything,                  // plays a class from outside
	"tasks":           {"internal/fleet", asynq}, // public: a backend imports it
	"handlers":        join(services, "internal/fleet", "internal/clock", "tasks", asynq, zerolog),
	"scheduler":       join(services, "internal/fleet", "internal/clock", "tasks", asynq, zerolog),
	"internal/fleet":  {},
	"internal/clock":  {"github.com/jonboulle/clockwork"},
	"internal/seal":   {"internal/fleet"},
	"internal/config": {"internal/fleet", "github.com/caarlos0/env/v11", goYAML},

	"internal/lifecycle":        {"internal/fleet", "internal/clock"},
	"internal/failsafe":         {"internal/fleet", "internal/clock", "internal/lifecycle"},
	"internal/assign":           {"internal/fleet", "internal/clock", "internal/lifecycle"},
	"internal/policy":           {"internal/fleet"},
	"internal/labtype":          {"internal/fleet", "internal/clock", "internal/policy", goYAML},
	"internal/identity":         join(awsSDK, "internal/fleet", "internal/clock", "internal/lifecycle", "internal/awsclient", "internal/policy", "internal/iamuser"),
	"internal/identity/labtest": anything, // a small fleet for tests
	"internal/readiness":        join(awsSDK, "internal/fleet", "internal/clock", "internal/lifecycle", "internal/awsclient"),
	"internal/orgsync":          join(awsSDK, "internal/fleet", "internal/clock", "internal/lifecycle", "internal/awsclient"),
	"internal/trail":            join(awsSDK, "internal/fleet", "internal/clock", "internal/awsclient"),
	"internal/cleanup":          join(awsSDK, "internal/fleet", "internal/clock", "internal/lifecycle", "internal/awsclient", "internal/cleaner", "internal/trail"),

	"internal/awsclient":        join(awsSDK, "internal/fleet", "internal/clock"),
	"internal/iamuser":          join(awsSDK, "internal/awsclient"), // identity deletes the fleet's user, a kind those of students
	"internal/cleaner":          join(awsSDK, "internal/fleet", "internal/awsclient"),
	"internal/cleaner/kinds":    join(awsSDK, "internal/awsclient", "internal/cleaner", "internal/iamuser"),
	"internal/cleaner/settings": join(awsSDK, "internal/fleet", "internal/awsclient", "internal/cleaner", "internal/cleaner/kinds"),
	"internal/commander":        join(awsSDK, "internal/fleet", "internal/clock", "internal/awsclient"),

	"internal/mongo":     {"internal/fleet", "internal/clock", driver},
	"internal/redis":     {"internal/fleet", "internal/clock", goRedis, "github.com/go-redis/redis_rate"},
	"internal/redisdev":  {"internal/fleet", goRedis, "github.com/alicebob/miniredis/v2"},
	"internal/storetest": {"internal/fleet", "internal/clock", driver + "/bson"},
	"internal/metrics":   {"internal/fleet", "github.com/prometheus/client_golang"},
	"internal/asynqlog":  {zerolog, asynq}, // asynq's lines through the fleet's logger
	"internal/webhook":   {"internal/fleet", "internal/clock", "github.com/hashicorp/go-retryablehttp", "github.com/standard-webhooks/standard-webhooks"},
	"internal/events":    {"internal/fleet", "internal/clock"},
	"internal/booking":   {"internal/fleet", "internal/clock", "internal/lifecycle"},

	"internal/access": {"internal/fleet", "internal/clock", "github.com/coreos/go-oidc/v3", "golang.org/x/oauth2"},
	"internal/api": join(services, "internal/fleet", "internal/clock", "internal/metrics", "internal/commander", "internal/access", "internal/apitypes", "internal/labtype", "internal/booking",
		"internal/webhook", "internal/events", "tasks", asynq, zerolog, "github.com/danielgtaylor/huma/v2", "github.com/go-chi/chi/v5"),
	"internal/apitypes":  {}, // the JSON that server and client share
	"internal/apiclient": {"internal/apitypes", "github.com/hashicorp/go-retryablehttp"},
	"internal/cli": {"internal/apitypes", "internal/apiclient", "github.com/spf13/cobra", goYAML, "github.com/adrg/xdg", "golang.org/x/term",
		"github.com/mattn/go-isatty"},
	"deploy/examples":  {"internal/apiclient", "internal/apitypes", "tasks", asynq}, // as a backend would
	"internal/console": {},                                                          // talks REST only

	// The simulators are independent oracles: they know nothing of the fleet,
	// and nothing but wiring and tests knows them.
	"internal/awssim":               {"internal/awssim/...", "github.com/fxamacker/cbor/v2"},
	"internal/awssim/core/coretest": {"internal/awssim/...", "github.com/aws/aws-sdk-go-v2"},
	"internal/mongosim":             {driver + "/bson", driver + "/x/bsonx/bsoncore", driver + "/x/mongo/driver/wiremessage", "go.etcd.io/bbolt"},

	"internal/archtest": {},
}

func join(group []string, more ...string) []string { return append(slices.Clone(group), more...) }

// under says whether a path is prefix or below it.
func under(p, prefix string) bool { return p == prefix || strings.HasPrefix(p, prefix+"/") }

// row finds the row that holds for a folder.
func row(dir string) (name string, allowed []string, ok bool) {
	for n, a := range imports {
		if under(dir, n) && len(n) >= len(name) {
			name, allowed, ok = n, a, true
		}
	}
	return name, allowed, ok
}

// allows says whether a folder may import a path.
func allows(dir, imported string) bool {
	own, internal := strings.CutPrefix(imported, module+"/")
	first, _, _ := strings.Cut(imported, "/")
	if !internal && !strings.Contains(first, ".") {
		return true // the standard library
	}
	_, allowed, _ := row(dir)
	return slices.ContainsFunc(allowed, func(entry string) bool {
		switch tree, whole := strings.CutSuffix(entry, "/..."); {
		case entry == "*":
			return !internal || !under(own, "cmd")
		case !internal:
			return under(imported, entry)
		case whole:
			return under(own, tree)
		default:
			return own == entry
		}
	})
}

// forTests says whether a package helps tests: its name ends so.
func forTests(dir string) bool { return strings.HasSuffix(dir, "test") }

func TestEveryPackageKeepsToTheMap(t *testing.T) {
	t.Parallel()
	for dir, files := range packages(t) {
		if _, _, ok := row(dir); !ok {
			t.Errorf("%s has no row in the map of imports: add one that says what it may import, and why", dir)
			continue
		}
		for _, f := range files {
			for _, i := range f.imports {
				if !f.test && forTests(i) && !forTests(dir) {
					t.Errorf("%s imports %s, which is for tests alone", f.path, strings.TrimPrefix(i, module+"/"))
				}
				if !f.test && !allows(dir, i) {
					name, _, _ := row(dir)
					t.Errorf("%s imports %s, which the row of %s does not admit", f.path, strings.TrimPrefix(i, module+"/"), name)
				}
			}
		}
	}
}

func TestTheMapForbids(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dir, imported string
		want          bool
	}{
		{"internal/fleet", "time", true},
		{"internal/fleet", module + "/internal/clock", false},
		{"tasks", "github.com/hibiken/asynq", true},
		{"tasks", module + "/internal/lifecycle", false},
		{"internal/assign", module + "/internal/identity", false},
		{"internal/assign", "github.com/aws/aws-sdk-go-v2/service/iam", false},
		{"internal/cleanup", module + "/internal/cleaner", true},
		{"internal/cleanup", module + "/internal/cleaner/kinds", false},
		{"internal/awssim/services/iam", module + "/internal/awssim/core", true},
		{"internal/awssim/services/iam", module + "/internal/fleet", false},
		{"internal/awssim/services/iam", "github.com/aws/aws-sdk-go-v2/aws", false},
		{"internal/mongosim", "go.mongodb.org/mongo-driver/v2/bson", true},
		{"internal/mongosim", "go.mongodb.org/mongo-driver/v2/mongo", false},
		{"internal/mongo", module + "/internal/mongosim", false},
		{"cmd/kmlctl", module + "/internal/cli", true},
		{"cmd/kmlctl", module + "/internal/mongo", false},
		{"cmd/kml", module + "/internal/app", true},
		{"cmd/kml", "github.com/aws/aws-sdk-go-v2/aws", false},
		{"internal/app", module + "/cmd/kml", false},
	} {
		if got := allows(c.dir, c.imported); got != c.want {
			t.Errorf("allows(%s, %s) = %v, want %v", c.dir, c.imported, got, c.want)
		}
	}
}
