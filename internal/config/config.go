// Package config is everything that can be set from outside, in one struct.
//
// A value comes from the environment, else from the optional YAML file, else
// from its default. Key, variable, default and meaning of every value stand in
// the struct's tags, and docs/configuration.md is drawn from them.
//
// Invariants:
//   - Nothing is ignored: an unknown key and an unknown KML_ variable are
//     errors, and all errors are told at once, one line each.
//   - Secrets are of types that print themselves masked. They appear in no
//     error, no log line and not in [Config.Masked].
package config

import (
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Config is the configuration of every role of KML.
//
// Tags: yaml is the key, env the variable without its prefix, default the value
// when nothing is set, doc the meaning, min the least number (1 unless given),
// from:"env" keeps a value out of the file.
// An empty variable counts as not set.
type Config struct {
	Redis Redis `yaml:"redis" envPrefix:"REDIS_"`
	Mongo Mongo `yaml:"mongo" envPrefix:"MONGO_"`
	AWS   AWS   `yaml:"aws" envPrefix:"AWS_"`

	// Organizations are told in the file alone, or in a file of their own.
	Organizations     []fleet.Organization `yaml:"organizations" env:"-"`
	OrganizationsFile string               `yaml:"organizations_file" env:"ORGANIZATIONS_FILE" doc:"YAML file with the list of organizations, instead of organizations"`
	LabTypesDir       string               `yaml:"labtypes_dir" env:"LABTYPES_DIR" doc:"folder of lab type files; empty means those that come with KML"`

	Seal    Seal    `yaml:"seal" envPrefix:"SEAL_"`
	Worker  Worker  `yaml:"worker" envPrefix:"WORKER_"`
	HTTP    HTTP    `yaml:"http" envPrefix:"HTTP_"`
	OIDC    OIDC    `yaml:"oidc" envPrefix:"OIDC_"`
	Metrics Metrics `yaml:"metrics" envPrefix:"METRICS_"`
	Monitor Monitor `yaml:"monitor" envPrefix:"MONITOR_"`
	Log     Log     `yaml:"log" envPrefix:"LOG_"`
	Timing  Timing  `yaml:"timing" envPrefix:""`
	Cleanup Cleanup `yaml:"cleanup" envPrefix:"CLEANUP_"`
	Limits  Limits  `yaml:"limits" envPrefix:"LIMIT_"`

	Webhooks Webhooks `yaml:"webhooks" envPrefix:"WEBHOOKS_"`
	Booking  Booking  `yaml:"booking" envPrefix:"BOOKING_"`
}

// Redis is where tasks and hints are.
type Redis struct {
	Addr     string `yaml:"addr" env:"ADDR" default:"127.0.0.1:6379" doc:"host:port of Redis"`
	Username string `yaml:"username" env:"USERNAME" doc:"user of Redis's access control list"`
	Password Secret `yaml:"password" env:"PASSWORD" doc:"its password"`
	DB       int    `yaml:"db" env:"DB" default:"0" min:"0" doc:"number of the database"`
	TLS      bool   `yaml:"tls" env:"TLS" default:"false" doc:"speak TLS"`
}

// Mongo is where the state is.
type Mongo struct {
	URI      URI    `yaml:"uri" env:"URI" default:"mongodb://127.0.0.1:27017" doc:"connection string of MongoDB"`
	Database string `yaml:"database" env:"DATABASE" default:"kml" doc:"name of the database"`
}

// AWS is the cloud, or something that speaks like it. Credentials of the fleet
// itself come from the SDK's usual chain.
type AWS struct {
	EndpointURL string `yaml:"endpoint_url" env:"ENDPOINT_URL" doc:"endpoint of every AWS service; empty means AWS"`
	SignInURL   string `yaml:"signin_url" env:"SIGNIN_URL" doc:"AWS's sign-in endpoint, where links into the console are made; empty means the one of the organization's partition, such as https://signin.aws.amazon.com, or endpoint_url with /_signin behind it if that is given"`
	Region      string `yaml:"region" env:"REGION" default:"us-east-1" doc:"Region of the fleet's own calls, such as STS and Organizations"`
}

// SignIn is the sign-in endpoint in force; "" is AWS's own.
func (a AWS) SignIn() string {
	if a.SignInURL == "" && a.EndpointURL != "" {
		return strings.TrimSuffix(a.EndpointURL, "/") + "/_signin"
	}
	return a.SignInURL
}

// Seal is what secrets are sealed with.
type Seal struct {
	Keys    Keys   `yaml:"keys" env:"KEYS" from:"env" doc:"sealing keys as id:base64,id2:base64, 32 bytes each; from the environment alone"`
	Primary string `yaml:"primary" env:"PRIMARY" doc:"id of the key that seals; may be left out when there is one key"`
}

// Worker is how much a worker does at once.
type Worker struct {
	Critical int `yaml:"critical" env:"CRITICAL" default:"8" doc:"hand-outs and ends of labs at once in a worker"`
	Bulk     int `yaml:"bulk" env:"BULK" default:"16" doc:"all other tasks at once in a worker"`
}

// HTTP is the API's side.
type HTTP struct {
	Addr     string `yaml:"addr" env:"ADDR" default:":8080" doc:"address of the API, of health and of the queue dashboard"`
	TLSCert  string `yaml:"tls_cert" env:"TLS_CERT" doc:"file of the certificate chain in PEM; read again when it changes. Empty means plain HTTP"`
	TLSKey   string `yaml:"tls_key" env:"TLS_KEY" doc:"file of its key in PEM"`
	ClientCA string `yaml:"client_ca" env:"CLIENT_CA" doc:"file of certificates in PEM: clients must show a certificate that one of them signed (mTLS), beside their key"`

	TrustedProxies Prefixes `yaml:"trusted_proxies" env:"TRUSTED_PROXIES" doc:"networks whose X-Forwarded-For is believed, such as 10.0.0.0/8, with commas between; empty means none"`
	CORSOrigins    List     `yaml:"cors_origins" env:"CORS_ORIGINS" doc:"other sites whose pages may call, such as https://academy.example, with commas between; empty means none"`
	RatePerMinute  int      `yaml:"rate_per_minute" env:"RATE_PER_MINUTE" default:"600" doc:"calls of one key in a minute"`
	Burst          int      `yaml:"burst" env:"BURST" default:"100" doc:"calls of one key at once"`
	Failures       int      `yaml:"failures" env:"FAILURES" default:"20" doc:"tries of one address that were not authenticated before it is slowed down to one try a second"`
	Metrics        bool     `yaml:"metrics" env:"METRICS" default:"true" doc:"serve the metrics at the API's address too, without a key"`

	DrainWait    time.Duration `yaml:"drain_wait" env:"DRAIN_WAIT" default:"5s" doc:"how long the API goes on taking calls after it says that it is not ready, so that load balancers see it"`
	ShutdownWait time.Duration `yaml:"shutdown_wait" env:"SHUTDOWN_WAIT" default:"40s" doc:"how long calls that were taken may still be worked on after that"`
}

// OIDC is who vouches for people.
type OIDC struct {
	Issuer     string `yaml:"issuer" env:"ISSUER" doc:"address of the OpenID Connect provider; empty means API keys alone"`
	Audience   string `yaml:"audience" env:"AUDIENCE" doc:"whom its tokens must be for"`
	RoleClaim  string `yaml:"role_claim" env:"ROLE_CLAIM" default:"roles" doc:"claim that gives the role; realm_access.roles and the like are good too"`
	Roles      Pairs  `yaml:"roles" env:"ROLES" doc:"what the claim's values mean: value=role with commas between; roles are backend, teacher, viewer, operator, admin"`
	OwnerClaim string `yaml:"owner_claim" env:"OWNER_CLAIM" default:"sub" doc:"claim that names whose labs the person sees; email counts only if the provider has verified it"`
}

// Metrics is Prometheus's side.
type Metrics struct {
	Addr string `yaml:"addr" env:"ADDR" default:":9090" doc:"address of the metrics"`
}

// Monitor is the queue dashboard.
type Monitor struct {
	Addr string `yaml:"addr" env:"ADDR" default:"127.0.0.1:8081" doc:"address of the queue dashboard as a process of its own; it asks for an API key"`
}

// Log is how much is told, and how.
type Log struct {
	Level  string `yaml:"level" env:"LEVEL" default:"info" doc:"trace, debug, info, warn or error"`
	Format string `yaml:"format" env:"FORMAT" default:"auto" doc:"json, console, or auto: console on a terminal, else json"`
}

// Timing is the clockwork of the fleet.
type Timing struct {
	Patience         time.Duration `yaml:"patience" env:"PATIENCE" default:"10m" doc:"how long a request waits for an account unless it says otherwise"`
	Settle           time.Duration `yaml:"settle" env:"SETTLE" default:"2m" doc:"wait for late events after the marker was seen in the trail"`
	SettleMax        time.Duration `yaml:"settle_max" env:"SETTLE_MAX" default:"30m" doc:"wait for the marker before a full sweep stands in for the trail"`
	SettlePoll       time.Duration `yaml:"settle_poll" env:"SETTLE_POLL" default:"15s" doc:"period of looking for the marker"`
	ReadinessRefresh time.Duration `yaml:"readiness_refresh" env:"READINESS_REFRESH" default:"5m" doc:"age at which a ready account is checked again"`
	ReadinessStale   time.Duration `yaml:"readiness_stale" env:"READINESS_STALE" default:"15m" doc:"age at which a check is not trusted any more"`
	SyncEvery        time.Duration `yaml:"sync_every" env:"SYNC_EVERY" default:"5m" doc:"period of reading the organizations"`
	RefillEvery      time.Duration `yaml:"refill_every" env:"REFILL_EVERY" default:"2s" doc:"period of filling up the warm accounts"`
	MatchEvery       time.Duration `yaml:"match_every" env:"MATCH_EVERY" default:"1s" doc:"period of the match behind the events"`
	SweepEvery       time.Duration `yaml:"sweep_every" env:"SWEEP_EVERY" default:"5s" doc:"period of the sweepers for sessions, runs and stuck accounts"`
	StuckAfter       time.Duration `yaml:"stuck_after" env:"STUCK_AFTER" default:"30s" doc:"time without news after which an account's step is enqueued again"`
	StuckRunAfter    time.Duration `yaml:"stuck_run_after" env:"STUCK_RUN_AFTER" default:"45s" doc:"time without news after which a cleaning run's units are enqueued again"`
	SessionLife      time.Duration `yaml:"session_life" env:"SESSION_LIFE" default:"2m" doc:"how long AWS lets a mutating role session act before it is renewed under the account's epoch"`
	ClockSkew        time.Duration `yaml:"clock_skew" env:"CLOCK_SKEW" default:"20s" doc:"how far the clocks of hosts and AWS may be apart"`
	UserMaxAge       time.Duration `yaml:"user_max_age" env:"USER_MAX_AGE" default:"168h" doc:"age at which the user of a warm account is made anew"`
}

// Cleanup is how often and how fast the rest is swept again.
type Cleanup struct {
	Rounds       int           `yaml:"rounds" env:"ROUNDS" default:"10" doc:"rounds of a cleaning run before it counts as failed"`
	RoundBackoff time.Duration `yaml:"round_backoff" env:"ROUND_BACKOFF" default:"2s" doc:"wait before the second round, doubled for each further one"`
}

// Webhooks is where events may be delivered.
type Webhooks struct {
	AllowPrivate Prefixes `yaml:"allow_private" env:"ALLOW_PRIVATE" doc:"networks that webhooks and callbacks may reach though they are not public, by http too, such as 10.20.0.0/16,127.0.0.1/32; empty means none"`
}

// Booking is the time that a class needs around it. Bookings that stand keep the
// lead, turn and no-show that they were made with.
type Booking struct {
	Lead      time.Duration `yaml:"lead" env:"LEAD" default:"15m" doc:"accounts are held so long before a class starts"`
	Turn      time.Duration `yaml:"turn" env:"TURN" default:"15m" doc:"how long an account is expected to be away after its lab, for its cleaning; what is booked and what is handed out beside it counts with it"`
	NoShow    time.Duration `yaml:"no_show" env:"NO_SHOW" default:"30m" doc:"seats that nobody took so long after the start are let go, unless the booking says otherwise"`
	WarmAhead time.Duration `yaml:"warm_ahead" env:"WARM_AHEAD" default:"10m" doc:"users are made for a class so long before its accounts are held"`
}

// Limits are what is tolerated.
type Limits struct {
	Account int `yaml:"account" env:"ACCOUNT" default:"5" doc:"failures in a row before an account leaves the pool"`
	LabType int `yaml:"lab_type" env:"LAB_TYPE" default:"5" doc:"failures in a row before a lab type is switched off"`
}
