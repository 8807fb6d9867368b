package dev_test

import (
	"crypto/rand"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/config"
	"github.com/kodekloud/kml/internal/dev"
	"github.com/kodekloud/kml/internal/fleet"
)

// unusual gives a good configuration in which no value is its default.
func unusual(t *testing.T) config.Config {
	t.Helper()
	keys := config.Keys{"old": make([]byte, 32), "dev": make([]byte, 32)}
	for _, k := range keys {
		if _, err := rand.Read(k); err != nil {
			t.Fatal(err)
		}
	}
	c := dev.Config("mongodb://kml:it's@127.0.0.1:1/?directConnection=true", "127.0.0.1:2", "http://127.0.0.1:3", nil, []fleet.Organization{{
		Name: "alpha", ManagementAccount: "011111111111", ManagementRole: "arn:aws:iam::011111111111:role/KML", MemberRole: "Member", Deny: []string{"022222222222"},
		OUs: []fleet.OU{{ID: "ou-ab12-1", Purpose: fleet.Production, Warm: 3, WarmFor: []string{"ec2-basics"}}, {ID: "ou-ab12-2", Purpose: fleet.Quarantine, WarmFor: []string{}}},
	}})
	c.Seal.Keys = keys
	c.Mongo.Database, c.AWS.Region, c.LabTypesDir = "labs", "eu-west-1", "lab types"
	c.Redis.Username, c.Redis.Password, c.Redis.DB, c.Redis.TLS = "kml", "two\nlines = \"'$x'\"'", 3, true
	c.Monitor = config.Monitor{Addr: "127.0.0.1:8085"}
	c.OIDC = config.OIDC{Issuer: "https://login.example", Audience: `'\''`, RoleClaim: "realm.roles", Roles: config.Pairs{"ou=x": "admin", "y": "teacher"}, OwnerClaim: "email"}
	c.HTTP.TLSCert, c.HTTP.TLSKey, c.HTTP.ClientCA, c.HTTP.Metrics = "cert.pem", "key.pem", "ca.pem", false
	c.AWS.SignInURL, c.Webhooks.AllowPrivate = "https://signin.example", config.Prefixes{netip.MustParsePrefix("127.0.0.1/32")}
	c.HTTP.CORSOrigins, c.HTTP.TrustedProxies = config.List{"https://a.example", "https://b.example"}, config.Prefixes{netip.MustParsePrefix("10.0.0.0/8")}
	c.Log.Level = "warn"
	raise(reflect.ValueOf(&c).Elem())
	return c
}

// raise makes every number and duration another one than the default.
func raise(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Struct:
			raise(f)
		case reflect.Int, reflect.Int64:
			f.SetInt(f.Int() + 1)
		}
	}
}

// TestEnvironment goes the whole way: configuration, environment, file, and the
// configuration that a process reads.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	want := unusual(t)
	want.OrganizationsFile = filepath.Join(dir, "organizations.yaml")
	if err := dev.WriteOrganizations(want, want.OrganizationsFile); err != nil {
		t.Fatal(err)
	}
	env := dev.Environment(want, awssim.Seeded{Fleet: awssim.Key{AccessKeyID: "AKIA", SecretAccessKey: "a/b+c="}}, want.OrganizationsFile)
	for _, f := range config.Fields() {
		if !slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, f.Env+"=") && kv != f.Env+"="+f.Default }) {
			t.Errorf("%s is not told, or is its default: give it another value in this test", f.Env)
		}
	}
	file := filepath.Join(dir, "sub", "env")
	if err := dev.WriteEnvironment(env, file); err != nil {
		t.Fatal(err)
	}
	read, err := dev.ReadEnvironment(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(read, env) {
		t.Fatal("the file gives another environment than was written")
	}
	for _, kv := range []string{"AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=a/b+c=", "AWS_REGION=eu-west-1"} {
		if !slices.Contains(read, kv) {
			t.Errorf("%s is missing", kv)
		}
	}
	got, err := config.Load(read, "")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A shell that sources the file sees the very values.
func TestShellReadsEnvironment(t *testing.T) {
	t.Parallel()
	file, value := filepath.Join(t.TempDir(), "env"), "it's $HOME `date`\n\\ \"two\" '' lines'"
	if err := dev.WriteEnvironment([]string{"KML_X=" + value}, file); err != nil {
		t.Fatal(err)
	}
	p := &dev.Procs{Dir: t.TempDir()}
	if err := p.Start("sh", "sh", "-c", `. "$0"; printf %s "$KML_X"`, file); err != nil {
		t.Fatal(err)
	}
	awaitEnded(t, p, "sh")
	if got := output(t, p, "sh"); got != value {
		t.Errorf("the shell read %q", got)
	}
}

func TestReadEnvironmentGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := contextFor(t, 100*time.Millisecond)
	defer cancel()
	if _, err := dev.ReadEnvironment(ctx, filepath.Join(t.TempDir(), "none")); err == nil {
		t.Fatal("read what is not there")
	}
}
