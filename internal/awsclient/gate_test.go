package awsclient

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/kodekloud/kml/internal/fleet"
)

// tokens records what budgets were asked for.
type tokens struct {
	mu   sync.Mutex
	keys []string
}

func (k *tokens) Take(_ context.Context, key string, _, _ float64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = append(k.keys, key)
	return nil
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	b := setup(t, func(c *Config) {
		c.Observer = func(service, op, code string, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			seen[service+":"+op+"="+code]++
		}
	})
	b.aws.other = func(w http.ResponseWriter, _ *http.Request, _ url.Values) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`<ErrorResponse><Error><Code>ServiceUnavailable</Code></Error></ErrorResponse>`))
	}
	s, c := b.mutator(t)
	_, listErr := c.ListUsers(t.Context(), &iam.ListUsersInput{})
	deleteErr := deleteUser(t.Context(), c)
	_, keyErr := c.CreateAccessKey(NoRetry(t.Context()), &iam.CreateAccessKeyInput{})
	for op, want := range map[string]int{"ListUsers": readAttempts, "DeleteUser": mutationAttempts, "CreateAccessKey": 1} {
		if got := len(b.aws.calls(op)); got != want {
			t.Errorf("%s was attempted %d times, want %d", op, got, want)
		}
		if got := seen["iam:"+op+"=ServiceUnavailable"]; got != want {
			t.Errorf("%s was observed %d times: %v", op, got, seen)
		}
	}
	for _, err := range []error{listErr, deleteErr, keyErr} {
		if Classify(err) != Retry || Code(err) != "ServiceUnavailable" {
			t.Errorf("%v is %s with code %q", err, Classify(err), Code(err))
		}
	}
	if s.Calls() != readAttempts+mutationAttempts+1 {
		t.Errorf("Calls = %d", s.Calls())
	}
}

func TestSharedBudgets(t *testing.T) {
	t.Parallel()
	k := &tokens{}
	b := setup(t, func(c *Config) { c.Budget = k })
	b.aws.other = func(w http.ResponseWriter, _ *http.Request, _ url.Values) { _, _ = w.Write([]byte(`{}`)) }
	r, err := b.Reader(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		if _, err := cloudtrail.NewFromConfig(r.Config(region)).LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{}); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"cloudtrail:LookupEvents/222222222222/eu-west-1", "cloudtrail:LookupEvents/222222222222/us-east-1"}; !slices.Equal(k.keys, want) {
		t.Fatalf("budgets asked = %v, want %v", k.keys, want)
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil {
		t.Error("no lease store and no error")
	}
	b := setup(t)
	for _, o := range []fleet.Organization{{Name: "a"}, {Name: "a", ManagementAccount: "1"}, {Name: "a", ManagementAccount: "1", ManagementRole: "r"}} {
		if err := b.SetOrganizations([]fleet.Organization{o}); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	if _, err := b.Management(t.Context(), "elsewhere"); err == nil {
		t.Error("an unknown organization was taken")
	}
	if _, err := b.Reader(t.Context(), Target{Org: "school", AccountID: "12", OU: "ou-labs"}); err == nil {
		t.Error("a short account id was taken")
	}
}
