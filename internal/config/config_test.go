package config

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

const orgs = `
- name: training
  management_account: "100000000001"
  management_role: arn:aws:iam::100000000001:role/kml
  member_role: OrganizationAccountAccessRole
  deny: ["100000000009"]
  ous:
    - {id: ou-ab12-11111111, purpose: production, warm: 20, warm_for: [ec2-basics]}
    - {id: ou-ab12-22222222, purpose: quarantine}
`

var key = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// inline gives the organizations as a part of the configuration file.
func inline() string { return "organizations:" + strings.ReplaceAll(orgs, "\n", "\n  ") + "\n" }

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := Load([]string{"KML_SEAL_KEYS=a:" + key, "PATH=/bin", "KML_LOG_LEVEL="}, write(t, "kml.yaml", inline()))
	if err != nil {
		t.Fatal(err)
	}
	if c.Redis.Addr != "127.0.0.1:6379" || c.Worker.Bulk != 16 || c.Timing.Patience != 10*time.Minute || c.Log.Level != "info" || c.Seal.Primary != "a" {
		t.Errorf("got %s", c.Masked())
	}
	if o := c.Organizations; len(o) != 1 || o[0].OUs[0].Warm != 20 || o[0].OUs[1].Purpose != fleet.Quarantine || o[0].Deny[0] != "100000000009" {
		t.Errorf("got %+v", o)
	}
}

func TestEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	t.Parallel()
	file := write(t, "kml.yaml", "timing:\n  patience: 3m\n  settle: 1m\n  sync_every:\nredis: {db: 4, tls: true}\nworker:\n  bulk: nonsense\n"+inline())
	c, err := Load([]string{"KML_SEAL_KEYS=a:" + key + ",b:" + key, "KML_SEAL_PRIMARY=b", "KML_PATIENCE=4m", "KML_WORKER_BULK=2", "KML_CONFIG=" + file}, "")
	if err != nil {
		t.Fatal(err)
	}
	if c.Timing.Patience != 4*time.Minute || c.Timing.Settle != time.Minute || c.Timing.SyncEvery != 5*time.Minute || c.Redis.DB != 4 || !c.Redis.TLS || c.Worker.Bulk != 2 || c.Seal.Primary != "b" {
		t.Errorf("got %s", c.Masked())
	}
}

func TestOrganizationsFile(t *testing.T) {
	t.Parallel()
	file := write(t, "orgs.yaml", orgs)
	c, err := Load([]string{"KML_SEAL_KEYS=a:" + key, "KML_ORGANIZATIONS_FILE=" + file}, "")
	if err != nil || len(c.Organizations) != 1 {
		t.Fatalf("got %v, %v", c.Organizations, err)
	}
	_, err = Load([]string{"KML_SEAL_KEYS=a:" + key, "KML_ORGANIZATIONS_FILE=" + file}, write(t, "kml.yaml", inline()))
	if err == nil || !strings.Contains(err.Error(), "keep one of them") {
		t.Errorf("both: %v", err)
	}
	_, err = Load([]string{"KML_SEAL_KEYS=a:" + key, "KML_ORGANIZATIONS_FILE=" + write(t, "o.yaml", strings.Replace(orgs, "deny:", "denied:", 1))}, "")
	if err == nil || !strings.Contains(err.Error(), `o.yaml:6:3: organizations: unknown field "denied"`) {
		t.Errorf("unknown field: %v", err)
	}
	_, err = Load([]string{"KML_SEAL_KEYS=a:" + key, "KML_ORGANIZATIONS_FILE=/none"}, "")
	if want := `organizations_file (KML_ORGANIZATIONS_FILE) "/none": cannot be read: no such file or directory`; err == nil || err.Error() != want {
		t.Errorf("missing file: %v", err)
	}
}

// Every mistake is told at once, one line each, with key, value and remedy, and
// no secret among them.
func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	file := write(t, "kml.yaml", `redis:
  addr: redis
  passwort: hush1
timing:
  patience: soon
  settle: 1h
worker: 4
limits: [8080]
seal:
  keys: a:hush2
log:
  level:
    root: info
http: {tls_cert: a.pem, client_ca: ca.pem, cors_origins: "https://a.example,https://b.example/x", burst: 0}
oidc: {issuer: login.example, roles: "staff=king"}
organizations:
- name: Training
  management_account: "1"
  management_role: arn:aws:iam::2:role/x
  member_role: ""
  ous: [{id: prod, purpose: live}, {id: ou-a-1, purpose: quarantine, warm: 3}, {id: ou-a-1, purpose: testing, warm: -1}]
  deny: [me]
`)
	_, err := Load([]string{"KML_SEAL_KEYS=a:hush3", "KML_REDIS_DB=-1", "KML_LIMIT_ACCOUNT=few", "KML_REDIS_PASS=hush4", "KML_MONGO_URI=mongo://u:hush5@h",
		"KML_REDIS_TLS=maybe", "KML_AWS_ENDPOINT_URL=localhost:4566", "KML_AWS_REGION=Ireland", "KML_READINESS_REFRESH=20m", "KML_OIDC_ROLE_CLAIM_X=hush6", "KML_CLEANUP_ROUNDS=0"}, file)
	if !errors.Is(err, fleet.ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	want := strings.Split(strings.ReplaceAll(`FILE:3:13: redis.passwort: no such key; docs/configuration.md lists them
FILE:5:13: timing.patience "soon": write a duration such as 90s, 10m or 2h
FILE:7:9: worker: write keys below it
FILE:8:9: limits: write keys below it
FILE:10:9: seal.keys: it comes from the environment alone: set KML_SEAL_KEYS
FILE:13:5: log.level: write one value
KML_REDIS_TLS "maybe": write true or false
KML_SEAL_KEYS "***": write id:base64 with commas between, 32 random bytes each, such as from: openssl rand -base64 32
KML_LIMIT_ACCOUNT "few": write a whole number
KML_REDIS_PASS: no such variable; docs/configuration.md lists them
redis.db (KML_REDIS_DB) "-1": give at least 0
cleanup.rounds (KML_CLEANUP_ROUNDS) "0": give at least 1
redis.addr (KML_REDIS_ADDR) "redis": write host:port
mongo.uri (KML_MONGO_URI) "***": write mongodb://host:port or mongodb+srv://host
aws.endpoint_url (KML_AWS_ENDPOINT_URL) "localhost:4566": write a URL such as http://127.0.0.1:4566
aws.region (KML_AWS_REGION) "Ireland": write a Region such as us-east-1
http.tls_key (KML_HTTP_TLS_KEY): give both http.tls_cert and http.tls_key, or neither
http.cors_origins (KML_HTTP_CORS_ORIGINS) "https://b.example/x": write origins such as https://academy.example
http.burst (KML_HTTP_BURST) "0": give at least 1
oidc.issuer (KML_OIDC_ISSUER) "login.example": write the provider's address, such as https://login.example/realms/kml
oidc.audience (KML_OIDC_AUDIENCE): is missing; name whom the provider's tokens must be for
oidc.roles (KML_OIDC_ROLES) "king": map to roles that there are: backend, teacher, viewer, operator, admin
KML_OIDC_ROLE_CLAIM_X: no such variable; docs/configuration.md lists them
timing.settle (KML_SETTLE) "1h0m0s": give no more than timing.settle_max, 30m0s
timing.readiness_refresh (KML_READINESS_REFRESH) "20m0s": give less than timing.readiness_stale, 15m0s: a check must be renewed before it is stale
organizations[0].name "Training": use small letters, digits and dashes
organizations[0].management_account "1": write the 12 digits of the account, in quotes
organizations[0].management_role "arn:aws:iam::2:role/x": give the ARN of a role in the management account
organizations[0].member_role: give the role's name, such as OrganizationAccountAccessRole
organizations[0].ous[0].id "prod": give the id of the unit, such as ou-ab12-34567890
organizations[0].ous[0].purpose "live": use one of [production development testing quarantine]
organizations[0].ous[1].warm "3": give a number from 0; a quarantine keeps none warm
organizations[0].ous[2].id "ou-a-1": it is there twice
organizations[0].ous[2].warm "-1": give a number from 0; a quarantine keeps none warm
organizations[0].deny[0] "me": write the 12 digits of the account, in quotes`, "FILE", file), "\n")
	got := map[string]bool{}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		got[line] = true
	}
	for _, line := range want {
		if !got[line] {
			t.Errorf("missing: %s", line)
		}
		delete(got, line)
	}
	for line := range got {
		t.Errorf("unexpected: %s", line)
	}
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("a secret is told")
	}
}

func TestNothingConfigured(t *testing.T) {
	t.Parallel()
	_, err := Load(nil, "")
	for _, want := range []string{"seal.keys (KML_SEAL_KEYS): is missing", "organizations: is missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in %v", want, err)
		}
	}
	if _, err := Load(nil, "/none"); err == nil || !strings.Contains(err.Error(), `--config (KML_CONFIG) "/none": cannot be read`) {
		t.Errorf("got %v", err)
	}
	for text, want := range map[string]string{"a: b: c": "kml.yaml:1:4: YAML: ", "redis: {addr: x}\nredis: {}": "already defined", "- a": "kml.yaml:1:1: : write keys",
		"a: 1\n---\nb: 2": "write one document", "foo:": "foo: no such key", "organizations:\n- nam: x": `2:3: organizations: unknown field "nam"`} {
		if _, err := Load(nil, write(t, "kml.yaml", text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestSealKeys(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"a", "a:", ":" + key, "a:" + key[:20], "a:" + key + ",", "a:" + key + ",a:" + key} {
		var k Keys
		if err := k.UnmarshalText([]byte(value)); err == nil || strings.Contains(err.Error(), key[:8]) {
			t.Errorf("%q: %v, %v", value, k, err)
		}
	}
	_, err := Load([]string{"KML_SEAL_KEYS=a:" + key + ",b:" + key}, write(t, "kml.yaml", inline()))
	if want := `seal.primary (KML_SEAL_PRIMARY): name one of the keys: a:***,b:***`; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// However a Config is printed, its secrets are not.
func TestSecretsArePrintedMasked(t *testing.T) {
	t.Parallel()
	file := write(t, "kml.yaml", inline()+"mongo:\n  uri: mongodb://kml:hush-mongo@db:27017/?tls=true\n")
	c, err := Load([]string{"KML_SEAL_KEYS=a:" + key, "KML_REDIS_PASSWORD=hush-redis"}, file)
	if err != nil {
		t.Fatal(err)
	}
	if c.Redis.Password.Reveal() != "hush-redis" || !strings.Contains(c.Mongo.URI.Reveal(), "hush-mongo") || len(c.Seal.Keys["a"]) != 32 {
		t.Fatal("a secret was not read")
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	raw := fmt.Sprint([]byte(strings.Repeat("k", 32)))
	for how, text := range map[string]string{"Masked": c.Masked(), "%v": fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", c), "%#v": fmt.Sprintf("%#v", c), "JSON": string(asJSON)} {
		for _, secret := range []string{"hush", key, strings.Trim(raw, "[]"), "0x6b, 0x6b", "kkkk"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s: %s", how, secret, text)
			}
		}
		if !strings.Contains(text, mask) {
			t.Errorf("%s does not tell that there is a secret: %s", how, text)
		}
	}
	for _, want := range []string{"password: '***'", "uri: mongodb://***@db:27017/?tls=true", "keys: a:***", "patience: 10m0s", "- name: training"} {
		if !strings.Contains(strings.ReplaceAll(c.Masked(), `"`, `'`), want) {
			t.Errorf("%s is missing in\n%s", want, c.Masked())
		}
	}
}

func TestURIMasksEvenMistakes(t *testing.T) {
	t.Parallel()
	for uri, want := range map[URI]string{
		"mongodb://h:1":            "mongodb://h:1",
		"mongodb://u:p@h:1":        "mongodb://***@h:1",
		"mongodb://u:p@ss@h:1":     "mongodb://***@h:1",
		"mongodb+srv://u:p@h/?x=y": "mongodb+srv://***@h/?x=y",
		"u:p@h":                    "***@h",
	} {
		if uri.String() != want {
			t.Errorf("%q prints as %q", uri.Reveal(), uri)
		}
	}
}

// What the tags say must be true: every field has a meaning and variable of its
// own, every default parses, every limit is a number.
func TestTags(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	c, err := defaults()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Fields() {
		if f.Meaning == "" || seen[f.Key] || seen[f.Env] || strings.HasSuffix(f.Env, "_") {
			t.Errorf("field %+v", f)
		}
		seen[f.Key], seen[f.Env] = true, true
		if _, err := strconv.Atoi(f.min); f.min != "" && err != nil {
			t.Errorf("%s: %v", f.Key, err)
		}
		if f.Default != "" {
			if err := f.set(&c, f.Default); err != nil {
				t.Errorf("%s: %v", f.Key, err)
			}
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	c, err := Load([]string{"KML_SEAL_KEYS=a:" + key, "KML_HTTP_TRUSTED_PROXIES=10.0.0.0/8,::1/128", "KML_HTTP_CORS_ORIGINS= https://a.example ,, https://b.example", "KML_OIDC_ROLES=ou=x=teacher, a = admin"}, write(t, "kml.yaml", inline()))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.HTTP.CORSOrigins.String(); got != "https://a.example,https://b.example" || len(c.HTTP.TrustedProxies) != 2 {
		t.Errorf("origins are %s, networks %v", got, c.HTTP.TrustedProxies)
	}
	if c.OIDC.Roles["ou=x"] != "teacher" || c.OIDC.Roles["a"] != "admin" {
		t.Errorf("roles are %v", c.OIDC.Roles)
	}
	again, err := Load(c.Environ(), write(t, "kml.yaml", inline()))
	if err != nil || fmt.Sprint(again.HTTP, again.OIDC) != fmt.Sprint(c.HTTP, c.OIDC) {
		t.Errorf("lists do not survive Environ: %v, %v", again.HTTP, err)
	}
	for _, text := range []string{"a", "=a", "a=", "a=b,c"} {
		var p Pairs
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, p)
		}
	}
}
