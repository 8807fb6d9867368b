package lambda

import (
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// RoleChecker is what Lambda has to know of IAM. The world's lock is held in
// all calls of the interfaces here.
type RoleChecker interface {
	// Assumable tells whether the role exists and its trust policy admits the
	// service, such as "lambda.amazonaws.com".
	Assumable(roleARN, service string, now time.Time) bool
	// Allows tells whether the role's policies allow an action.
	Allows(roleARN, action, resource string, now time.Time) bool
}

// LogWriter is where functions write their lines.
type LogWriter interface {
	HasGroup(account, region, group string) bool
	HasStream(account, region, group, stream string) bool
	// Append makes group and stream if they are not there.
	Append(account, region, group, stream string, now time.Time, lines ...string)
}

// MetricWriter takes the data points of AWS/Lambda.
type MetricWriter interface {
	PutMetric(account, region, namespace, name string, dimensions map[string]string, value float64, at time.Time)
}

// Network gives functions their place in a VPC.
type Network interface {
	// AttachFunction makes a function's network interfaces and gives the VPC's
	// id. Its errors are *core.Error with EC2's codes.
	AttachFunction(account, region, function string, subnets, groups []string, now time.Time) (vpc string, err error)
	// ReleaseFunction lets them go; AWS takes up to 20 minutes over it.
	ReleaseFunction(account, region, function string, now time.Time)
}

// ObjectReader reads deployment packages from S3.
type ObjectReader interface {
	// ReadObject gives the body of an object as the caller of c may read it;
	// version "" is the current one. Errors are *core.Error with S3's codes.
	ReadObject(c *core.Call, bucket, key, version string) ([]byte, error)
}

// Deps are the services that Lambda leans on. Each may be nil: then every role
// is good, nothing is logged or counted, VPC and S3 packages are taken as given.
type Deps struct {
	Roles   RoleChecker
	Logs    LogWriter
	Metrics MetricWriter
	Network Network
	Objects ObjectReader
}

// Service is the state of Lambda in every account and Region.
type Service struct {
	w     *core.World
	deps  Deps
	shelf core.Shelf[state]
	urls  map[string]urlOwner // by the first label of the host
	core  *core.Service
}

type state struct {
	account, region string
	functions       map[string]*function
	mappings        map[string]*mapping
	layers          map[string]*layer
}

// function is everything that hangs on one function's name. Maps keyed by
// qualifier use "" for the unqualified function.
type function struct {
	name        string
	latest      *version
	versions    []*version // published, oldest first
	published   int        // number of the last version; never used twice
	aliases     map[string]*Alias
	tags        map[string]string
	reserved    *int
	provisioned map[string]*ProvisionedConfig
	policies    map[string]*policy
	urls        map[string]*URLConfig
	eventInvoke map[string]*EventInvokeConfig
	recursion   string
	runtimeMode string
	signing     string
}

const service = "lambda.amazonaws.com"

// New makes the service.
func New(w *core.World, d Deps) *Service {
	s := &Service{w: w, deps: d, urls: map[string]urlOwner{}}
	s.shelf.New = func(account, region string) *state {
		return &state{account: account, region: region,
			functions: map[string]*function{}, mappings: map[string]*mapping{}, layers: map[string]*layer{}}
	}
	s.core = &core.Service{
		Name: "lambda", REST: core.RESTJSON, Route: routeByQuery,
		Rates: rates(), Settle: s.settle, Inventory: s.inventory, ResourcePolicy: s.resourcePolicy,
	}
	for _, ops := range [][]core.Op{
		s.functionOps(), s.updateOps(), s.versionOps(), s.aliasOps(), s.policyOps(), s.concurrencyOps(),
		s.urlOps(), s.eventInvokeOps(), s.mappingOps(), s.layerOps(), s.tagOps(), s.invokeOps(), s.settingOps(),
	} {
		s.core.Ops = append(s.core.Ops, ops...)
	}
	return s
}

// Core is what the world registers.
func (s *Service) Core() *core.Service { return s.core }

// rates are Lambda's API quotas: 15 control-plane requests a second, 100 for
// GetFunction ("Lambda quotas", API requests).
func rates() map[string]core.Rate {
	m := map[string]core.Rate{"GetFunction": {PerSecond: 100, Burst: 100}}
	for _, op := range []string{
		"CreateFunction", "DeleteFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "ListFunctions",
		"GetPolicy", "AddPermission", "RemovePermission", "ListEventSourceMappings", "DeleteEventSourceMapping",
		"ListLayers", "ListLayerVersions", "DeleteLayerVersion", "PublishVersion", "ListVersionsByFunction",
	} {
		m[op] = core.Rate{PerSecond: 15, Burst: 15}
	}
	return m
}

// settle ends what time has ended.
func (s *Service) settle(account, region string, now time.Time) {
	if st := s.shelf.Peek(account, region); st != nil {
		st.settleMappings(now)
	}
}

func (s *Service) inventory(account string, now time.Time) []core.Resource {
	var out []core.Resource
	s.shelf.Each(account, func(_, region string, st *state) {
		st.settleMappings(now)
		for _, f := range sorted(st.functions) {
			out = append(out, core.Resource{Service: "lambda", Kind: "function", Region: region, ID: f.name,
				ARN: f.latest.Config.FunctionArn, State: f.latest.view(now).State, Children: len(f.versions)})
		}
		for _, m := range sorted(st.mappings) {
			out = append(out, core.Resource{Service: "lambda", Kind: "event-source-mapping", Region: region, ID: m.UUID,
				ARN: m.EventSourceMappingArn, State: m.State})
		}
		for _, l := range sorted(st.layers) {
			for _, v := range l.sorted() {
				out = append(out, core.Resource{Service: "lambda", Kind: "layer-version", Region: region, ID: v.LayerVersionArn, ARN: v.LayerVersionArn})
			}
		}
	})
	return out
}
