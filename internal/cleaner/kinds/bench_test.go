package kinds_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/cleaner"
	"github.com/kodekloud/kml/internal/cleaner/kinds"
	"github.com/kodekloud/kml/internal/fleet"
)

const region = "eu-west-1"

// bench is a simulated AWS with one member account, an administrator who seeds
// it, and the fleet's own way in.
type bench struct {
	testing.TB
	srv     *awssim.Server
	account string
	admin   aws.Config
	session *awsclient.Session

	mu  sync.Mutex
	ops map[string]int // calls of the fleet, "service:Operation"
}

// open gives a bench whose fleet sees pages of five things at most.
func open(t testing.TB) *bench {
	t.Helper()
	srv, err := awssim.Start(awssim.Config{Options: core.Options{Seed: 1}, Organizations: []awssim.Organization{
		{Name: "school", ManagementAccount: "111111111111", Units: []awssim.Unit{{Name: "labs", Accounts: 1}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	b := &bench{TB: t, srv: srv, ops: map[string]int{}}
	seeded := srv.Seeded.Organizations[0]
	unit := seeded.Units[0]
	b.account = unit.Accounts[0]
	srv.World.Do(func() {
		key, err := srv.IAM.AddUser(b.account, "/kml/", "admin", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
		if err != nil {
			t.Fatal(err)
		}
		b.admin = aws.Config{Region: region, BaseEndpoint: aws.String(srv.URL()), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")}
	})
	p, err := awsclient.New(awsclient.Config{
		Base: aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider(srv.Seeded.Fleet.AccessKeyID, srv.Seeded.Fleet.SecretAccessKey, "")},
		Orgs: []fleet.Organization{{Name: "school", ManagementAccount: seeded.ManagementAccount, ManagementRole: seeded.ManagementRole,
			MemberRole: seeded.MemberRole, OUs: []fleet.OU{{ID: unit.ID, Purpose: fleet.Testing}}}},
		Leases: anyLease{}, EndpointURL: srv.URL(), Observer: b.observe,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.session, err = p.Mutator(t.Context(), awsclient.Target{Org: "school", AccountID: b.account, OU: unit.ID, Epoch: 1}, "conformance")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type anyLease struct{}

func (anyLease) Acquire(context.Context, string, int64, string, time.Time) error { return nil }
func (anyLease) Release(context.Context, string, string) error                   { return nil }

func (b *bench) observe(service, op, _ string, _ time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ops[service+":"+op]++
}

// calls gives the fleet's calls since the last look, without STS's.
func (b *bench) calls() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := maps.Clone(b.ops)
	clear(b.ops)
	delete(out, "sts:AssumeRole")
	return out
}

func (b *bench) place() cleaner.Place { return b.placeIn(region) }

func (b *bench) placeIn(region string) cleaner.Place {
	cfg := b.session.Config(region)
	cfg.APIOptions = append(cfg.APIOptions, smallPages)
	return cleaner.Place{AccountID: b.account, MemberRole: "OrganizationAccountAccessRole", Region: region, Config: cfg}
}

// of gives the place where a kind is listed.
func (b *bench) of(k cleaner.Kind) cleaner.Place {
	if k.Global {
		return b.placeIn(fleet.GlobalRegion)
	}
	return b.place()
}

// list gives what a kind lists and does not keep.
func (b *bench) list(k cleaner.Kind) []cleaner.Resource {
	b.Helper()
	var out []cleaner.Resource
	for r, err := range k.List(b.Context(), b.of(k)) {
		if err != nil {
			b.Fatal(err)
		}
		if r.Keep == "" {
			out = append(out, r)
		}
	}
	return out
}

// clean sweeps wave after wave, round after round, as the fleet does, and gives
// the kinds that are not clean in the end.
func (b *bench) clean(places ...cleaner.Place) []cleaner.Finding {
	b.Helper()
	reg, err := kinds.Registry()
	if err != nil {
		b.Fatal(err)
	}
	// each visits what a place has of every kind, wave after wave.
	each := func(f func(cleaner.Place, cleaner.Kind)) {
		for _, wave := range reg.Waves() {
			for _, k := range wave {
				for _, p := range places {
					if !k.Global || p.Region == fleet.GlobalRegion {
						f(p, k)
					}
				}
			}
		}
	}
	var open []cleaner.Finding
	for range 6 {
		open = nil
		each(func(p cleaner.Place, k cleaner.Kind) { cleaner.Sweep(b.Context(), p, k, nil) }) // its errors show in the verification
		each(func(p cleaner.Place, k cleaner.Kind) {
			if f := cleaner.Verify(b.Context(), p, k); f.Verdict != fleet.Clean {
				open = append(open, f)
			}
		})
		if len(open) == 0 {
			return nil
		}
		b.srv.World.Clock.Advance(time.Second)
	}
	return open
}

// oracle tells what is in the account that neither AWS nor the fleet put there.
func (b *bench) oracle() []string {
	var out []string
	for _, r := range b.srv.World.Inventory(b.account)[b.account] {
		fleets := strings.HasPrefix(r.Path, "/kml/") || strings.HasPrefix(r.Path, "/aws-service-role/")
		if r.Kind != "system-backup" && !fleets && (!r.Default || r.State == "modified") {
			out = append(out, strings.Join([]string{r.Service, r.Kind, r.Region, r.ID, r.State}, " "))
		}
	}
	slices.Sort(out)
	return out
}

// ok stops the test if a seeding call failed.
func ok[T any](b *bench) func(T, error) T {
	return func(v T, err error) T {
		b.Helper()
		if err != nil {
			b.Fatalf("seed: %v", err)
		}
		return v
	}
}

// must is ok for calls whose answer is of no interest.
func (b *bench) must(_ any, err error) {
	b.Helper()
	if err != nil {
		b.Fatalf("seed: %v", err)
	}
}

var pageSizes = []string{"MaxResults", "MaxItems", "MaxRecords", "Limit", "MaxKeys", "MaxBuckets", "MaxUploads"}

// smallPages makes every list of a client ask for pages of five, unless it asks
// for things by name, which some services do not page.
func smallPages(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("SmallPages", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		if v := reflect.ValueOf(in.Parameters); v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct && !named(v.Elem()) {
			for _, name := range pageSizes {
				if f := v.Elem().FieldByName(name); f.IsValid() && f.Type() == reflect.TypeFor[*int32]() {
					f.Set(reflect.ValueOf(aws.Int32(5)))
				}
			}
		}
		return next.HandleInitialize(ctx, in)
	}), middleware.Before)
}

func named(v reflect.Value) bool {
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if name != "OwnerIds" && v.Field(i).Kind() == reflect.Slice && v.Field(i).Len() > 0 && (strings.HasSuffix(name, "Ids") || strings.HasSuffix(name, "Names")) {
			return true
		}
	}
	return false
}
