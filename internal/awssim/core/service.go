package core

import (
	"net/http"
	"time"
)

// Protocol is one of AWS's wire protocols.
type Protocol string

// The protocols in use. A service may speak several generations.
const (
	Query    Protocol = "query"    // awsQuery: form in, XML out
	EC2Query Protocol = "ec2"      // ec2Query
	JSON10   Protocol = "json1.0"  // awsJson1.0
	JSON11   Protocol = "json1.1"  // awsJson1.1
	RESTJSON Protocol = "restjson" // restJson1
	RESTXML  Protocol = "restxml"  // restXml (S3)
	CBOR     Protocol = "cbor"     // rpcv2Cbor
)

// Service is one simulated AWS service: data, no behaviour of its own.
type Service struct {
	Name   string // signing name and IAM prefix, such as "sqs"
	Prefix string // IAM action prefix when it differs from Name ("cloudwatch" signs as "monitoring")
	Source string // CloudTrail eventSource; default Prefix + ".amazonaws.com"
	// Global services keep their state under Region "" and are recorded in us-east-1.
	Global bool
	// Regions where the service answers at all; nil: everywhere.

	TargetPrefixes []string // X-Amz-Target prefixes without the dot, such as "AmazonSQS"
	Namespace      string   // xmlns of XML answers
	REST           Protocol // RESTJSON or RESTXML when the service is a REST one
	// Route names the operation of a REST request and its path parameters;
	// "" means: look at the path templates (Op.Method and Op.Path), which are
	// enough for most services.
	Route func(*http.Request) (op string, params map[string]string)
	// QueryCompatible services send x-amzn-query-error with JSON and CBOR errors.
	QueryCompatible bool

	// ErrorBody writes the body of an error where it is not the protocol's
	// usual one (S3 Control); a nil answer means the usual one. May be nil.
	ErrorBody func(*Call, *Error) []byte

	Ops []Op

	// Rates are the request rates of the service; key is an operation's name
	// or "*" for all operations together. Per account and Region.
	Rates map[string]Rate

	// Settle brings an account's asynchronous state up to now; the pipeline
	// calls it for every service before a call in that account and Region (for
	// Global services Region is ""). It must be cheap when there is nothing.
	Settle func(account, region string, now time.Time)

	// Inventory tells everything that exists in an account, from the state
	// itself and not through list calls: the oracle. Things that every new
	// account has (default VPC and its parts, AWS-managed policies, the role of
	// the organization) have Default set.
	Inventory func(account string, now time.Time) []Resource

	// ResourcePolicy gives the policy attached to a resource and the account
	// that owns it; nil, "" when there is none.
	ResourcePolicy func(arn string) (*ResourcePolicy, string)

	byName map[string]*Op
}

// Resource is one thing in an account, as the oracle tells it.
type Resource struct {
	Service string `json:"service"`
	Kind    string `json:"kind"` // "instance", "queue"
	Region  string `json:"region"`
	ID      string `json:"id"` // what its API calls it
	ARN     string `json:"arn,omitempty"`
	State   string `json:"state,omitempty"`
	// Default is true for what a new account has by itself.
	Default bool `json:"default,omitempty"`
	// Path is the IAM path, for things that have one.
	Path string `json:"path,omitempty"`
	// Children counts what lies inside: object versions, log streams, items.
	Children int `json:"children,omitempty"`
}

// Rate is a token bucket.
type Rate struct{ PerSecond, Burst float64 }

// Permission is one thing that a call needs to be allowed.
type Permission struct {
	Action   string              // "ec2:RunInstances"; "" = the operation's own
	Resource string              // ARN; "" = "*"
	Context  map[string][]string // condition keys of this resource
	// Unlocked: the resource's own policy has no say. That is how the owner's
	// root user gets back into a bucket or queue that denies everybody.
	Unlocked bool
}

// Op is one API operation. Make one with Handle.
type Op struct {
	Name     string
	Method   string // REST with templates
	Path     string // "/2015-03-31/functions/{FunctionName}"; {Name+} is greedy
	ReadOnly bool   // CloudTrail's readOnly
	Data     bool   // a data event: not in the event history
	Public   bool   // no authorization by the pipeline (sts:GetCallerIdentity), signature still needed
	// Anonymous operations may come unsigned (S3 public reads, function URLs);
	// they are authorized by the resource policy alone.
	Anonymous bool
	Status    int    // HTTP status of success; 0: 200
	TrailName string // CloudTrail's eventName where it differs ("CreateFunction20150331")
	perms     func(*Call, any) []Permission
	newIn     func() any
	handle    func(*Call, any) (any, error)
}

// Option sets a property of an Op.
type Option func(*Op)

// ReadOnly marks an operation that changes nothing.
func ReadOnly(o *Op) { o.ReadOnly = true }

// Data marks a data event.
func Data(o *Op) { o.Data = true }

// Public marks an operation that needs no permission.
func Public(o *Op) { o.Public = true }

// Anonymous marks an operation that may come unsigned.
func Anonymous(o *Op) { o.Anonymous = true }

// Status sets the HTTP status of success.
func Status(code int) Option { return func(o *Op) { o.Status = code } }

// TrailName sets CloudTrail's eventName where it is not the operation's name.
func TrailName(name string) Option { return func(o *Op) { o.TrailName = name } }

// REST gives the HTTP method and path template of an operation.
func REST(method, path string) Option {
	return func(o *Op) { o.Method, o.Path = method, path }
}

// Needs says what an operation must be allowed; without it the operation needs
// its own name on "*".
func Needs[In any](f func(*Call, *In) []Permission) Option {
	return func(o *Op) {
		o.perms = func(c *Call, in any) []Permission { return f(c, in.(*In)) }
	}
}

// On says which resource an operation acts on.
func On[In any](arn func(*Call, *In) string) Option {
	return Needs(func(c *Call, in *In) []Permission { return []Permission{{Resource: arn(c, in)}} })
}

// Handle makes an operation from a typed handler. In is decoded from the
// request, Out encoded into the answer, by the protocol of the request:
//
//   - form protocols read field Name from parameter "Name", or the name in tag
//     `q:"Filter"`; lists from "Name.N" and "Name.member.N"; string maps from
//     "Name.entry.N.key"/"value" and "Name.N.Name"/"Value".
//   - JSON and CBOR read by tag `json`, else by the field's name.
//   - REST fills fields tagged `path:"FunctionName"` from the path, those tagged
//     `q` from the query string, those tagged `header` from headers, and the
//     rest from the body (RESTXML: tag `xml`).
//   - XML answers use tag `xml` as encoding/xml does (`xml:"Users>member"`,
//     `xml:"reservationSet>item"`).
//
// A field tagged `trail:"-"` is left out of CloudTrail (secrets).
// A handler may return *Raw for an answer that it encodes itself.
func Handle[In, Out any](name string, h func(*Call, *In) (Out, error), opts ...Option) Op {
	o := Op{
		Name:  name,
		newIn: func() any { return new(In) },
		handle: func(c *Call, in any) (any, error) {
			return h(c, in.(*In))
		},
	}
	for _, f := range opts {
		f(&o)
	}
	return o
}

// None is the input or output of an operation that has none.
type None struct{}

// Raw is an answer that the handler encoded itself (S3 bodies).
type Raw struct {
	Status int
	Header http.Header
	Body   []byte
}

func (s *Service) index() {
	if s.Prefix == "" {
		s.Prefix = s.Name
	}
	if s.Source == "" {
		s.Source = s.Prefix + ".amazonaws.com"
	}
	s.byName = make(map[string]*Op, len(s.Ops))
	for i := range s.Ops {
		o := &s.Ops[i]
		if _, dup := s.byName[o.Name]; dup {
			panic("awssim: operation registered twice: " + s.Name + ":" + o.Name)
		}
		s.byName[o.Name] = o
	}
}

// Op finds an operation by name, or nil.
func (s *Service) Op(name string) *Op { return s.byName[name] }
