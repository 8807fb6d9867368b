package awsclient

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/kodekloud/kml/internal/fleet"
)

const account = "222222222222"

var org = fleet.Organization{
	Name: "school", ManagementAccount: "111111111111", ManagementRole: "arn:aws:iam::111111111111:role/kml",
	MemberRole: "OrganizationAccountAccessRole", OUs: []fleet.OU{{ID: "ou-labs", Purpose: fleet.Testing}},
}

var target = Target{Org: "school", AccountID: account, OU: "ou-labs", Epoch: 7}

// tick is a clock that moves when told.
type tick struct {
	mu  sync.Mutex
	now time.Time
}

func (c *tick) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
func (c *tick) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// book keeps leases as the store does.
type book struct {
	mu    sync.Mutex
	epoch int64
	down  error
	held  map[string]time.Time
	taken int
}

func (b *book) Acquire(_ context.Context, id string, epoch int64, lease string, until time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down != nil {
		return b.down
	}
	if id != account || epoch != b.epoch {
		return fleet.ErrStaleEpoch
	}
	b.taken++
	b.held[lease] = until
	return nil
}

func (b *book) Release(_ context.Context, _, lease string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.held, lease)
	return nil
}

func (b *book) set(f func(b *book)) { b.mu.Lock(); defer b.mu.Unlock(); f(b) }

func (b *book) leases() map[string]time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := map[string]time.Time{}
	for k, v := range b.held {
		m[k] = v
	}
	return m
}

// fakeAWS answers AssumeRole and, for everything else, what the test says.
type fakeAWS struct {
	clock *tick
	mu    sync.Mutex
	forms []url.Values // all form calls, in order
	other func(w http.ResponseWriter, r *http.Request, form url.Values)
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // other protocols have no form
	f.mu.Lock()
	f.forms = append(f.forms, r.PostForm)
	n := len(f.forms)
	f.mu.Unlock()
	if r.PostForm.Get("Action") != "AssumeRole" {
		f.other(w, r, r.PostForm)
		return
	}
	fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA%d</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		n, f.clock.Now().Add(time.Hour).Format(time.RFC3339))
}

// calls gives the forms of an action.
func (f *fakeAWS) calls(action string) []url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []url.Values
	for _, v := range f.forms {
		if v.Get("Action") == action {
			out = append(out, v)
		}
	}
	return out
}

type bundle struct {
	*Provider
	clock *tick
	book  *book
	aws   *fakeAWS
	url   string
}

func setup(t *testing.T, change ...func(*Config)) *bundle {
	t.Helper()
	b := &bundle{clock: &tick{now: time.Now().UTC().Truncate(time.Second)}, book: &book{epoch: 7, held: map[string]time.Time{}}}
	b.aws = &fakeAWS{clock: b.clock, other: func(w http.ResponseWriter, _ *http.Request, form url.Values) {
		fmt.Fprintf(w, `<%[1]sResponse><%[1]sResult></%[1]sResult></%[1]sResponse>`, form.Get("Action"))
	}}
	srv := httptest.NewServer(b.aws)
	t.Cleanup(srv.Close)
	b.url = srv.URL
	c := Config{
		Base: aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIABASE", "secret", "")},
		Orgs: []fleet.Organization{org}, Leases: b.book, Clock: b.clock, EndpointURL: srv.URL,
	}
	for _, f := range change {
		f(&c)
	}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	p.backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	b.Provider = p
	return b
}
