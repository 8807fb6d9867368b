package awsclient

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3control"

	"github.com/kodekloud/kml/internal/fleet"
)

func (b *bundle) mutator(t *testing.T) (*Session, *iam.Client) {
	t.Helper()
	s, err := b.Mutator(t.Context(), target, "sweep")
	if err != nil {
		t.Fatal(err)
	}
	return s, iam.NewFromConfig(s.Config(""))
}

func deleteUser(ctx context.Context, c *iam.Client) error {
	_, err := c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("ada")})
	return err
}

func TestMutatorIsEndedByAWS(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, c := b.mutator(t)
	end := b.clock.Now().Add(MutatorLife)
	if err := deleteUser(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	assumed := b.aws.calls("AssumeRole")
	if len(assumed) != 2 {
		t.Fatalf("%d AssumeRole calls, want management then member", len(assumed))
	}
	member := assumed[1]
	if got := member.Get("RoleArn"); got != "arn:aws:iam::222222222222:role/OrganizationAccountAccessRole" {
		t.Errorf("role = %s", got)
	}
	if got := member.Get("RoleSessionName"); !strings.HasPrefix(got, "kml-222222222222-e7-sweep-") || len(got) > 64 {
		t.Errorf("session name = %q", got)
	}
	at := end.Format(time.RFC3339)
	for _, want := range []string{`"DateLessThan":{"aws:CurrentTime":"` + at + `"}`, `"DateGreaterThanEquals":{"aws:CurrentTime":"` + at + `"}`} {
		if !strings.Contains(member.Get("Policy"), want) {
			t.Errorf("session policy %s lacks %s", member.Get("Policy"), want)
		}
	}
	leases := b.book.leases()
	if until := leases[s.lease]; len(leases) != 1 || !until.Equal(end.Add(leaseSlack)) {
		t.Errorf("leases = %v; the lease must outlast the session's end %v", leases, end)
	}
	if err := s.Close(t.Context()); err != nil || len(b.book.leases()) != 0 {
		t.Errorf("Close = %v, leases left %v", err, b.book.leases())
	}
	if err := deleteUser(t.Context(), c); !errors.Is(err, ErrClosed) {
		t.Errorf("a call after Close = %v", err)
	}
	if s.Calls() != 1 || len(b.aws.calls("DeleteUser")) != 1 {
		t.Errorf("calls: counted %d, sent %d", s.Calls(), len(b.aws.calls("DeleteUser")))
	}
}

func TestMutatorRenewsUnderTheEpoch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, c := b.mutator(t)
	b.clock.add(MutatorLife - mutatorMargin) // 40 s left: still good
	if err := deleteUser(t.Context(), c); err != nil || b.book.taken != 1 {
		t.Fatalf("%v, lease taken %d times; want once", err, b.book.taken)
	}
	b.clock.add(time.Second)
	if err := deleteUser(t.Context(), c); err != nil || b.book.taken != 2 {
		t.Fatalf("%v, lease taken %d times; want a renewal", err, b.book.taken)
	}
	if len(b.book.leases()) != 1 {
		t.Fatalf("a renewal keeps the lease's name: %v", b.book.leases())
	}
	// The store is away: what is left of the old life still serves.
	b.book.set(func(b *book) { b.down = errors.New("no route") })
	b.clock.add(MutatorLife - 20*time.Second)
	if err := deleteUser(t.Context(), c); err != nil {
		t.Fatalf("20 s left and the store away: %v", err)
	}
	b.clock.add(15 * time.Second)
	if err := deleteUser(t.Context(), c); err == nil {
		t.Fatal("5 s left and no lease: the call was sent")
	}
	// Another claim: the worker wakes and finds its epoch gone, for good.
	b.book.set(func(b *book) { b.down, b.epoch = nil, 8 })
	sent := len(b.aws.calls("DeleteUser"))
	for range 2 {
		if err := deleteUser(t.Context(), c); !errors.Is(err, fleet.ErrStaleEpoch) {
			t.Fatalf("a stale epoch = %v", err)
		}
		b.book.set(func(b *book) { b.epoch = 7 }) // even if it could be had again
	}
	if len(b.aws.calls("DeleteUser")) != sent {
		t.Fatal("a fenced call was sent")
	}
	if err := s.Close(t.Context()); err != nil || len(b.book.leases()) != 0 {
		t.Fatalf("Close = %v, leases %v: nothing was in doubt", err, b.book.leases())
	}
	if _, err := b.Mutator(t.Context(), Target{Org: "school", AccountID: account, OU: "ou-labs", Epoch: 6}, "x"); !errors.Is(err, fleet.ErrStaleEpoch) {
		t.Fatalf("Mutator of an old epoch = %v", err)
	}
}

func TestProtectedIsAskedBeforeEachCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, c := b.mutator(t)
	if err := deleteUser(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	denied := org
	denied.Deny = []string{account}
	if err := b.SetOrganizations([]fleet.Organization{denied}); err != nil {
		t.Fatal(err)
	}
	if err := deleteUser(t.Context(), c); !errors.Is(err, fleet.ErrProtected) || len(b.aws.calls("DeleteUser")) != 1 {
		t.Fatalf("on the deny list since the session began = %v, sent %d", err, len(b.aws.calls("DeleteUser")))
	}
	for name, tt := range map[string]Target{
		"deny list":          target,
		"management account": {Org: "school", AccountID: "111111111111", OU: "ou-labs"},
		"OU not configured":  {Org: "school", AccountID: "333333333333", OU: "ou-other"},
	} {
		_, mErr := b.Mutator(t.Context(), tt, "x")
		_, rErr := b.Reader(t.Context(), tt)
		if !errors.Is(mErr, fleet.ErrProtected) || !errors.Is(rErr, fleet.ErrProtected) {
			t.Errorf("%s: Mutator %v, Reader %v", name, mErr, rErr)
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		r, err := b.Reader(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		c := iam.NewFromConfig(r.Config(""))
		if _, err := c.ListUsers(t.Context(), &iam.ListUsersInput{}); err != nil {
			t.Fatal(err)
		}
		if err := deleteUser(t.Context(), c); !errors.Is(err, ErrReadOnly) {
			t.Fatalf("a reader's DeleteUser = %v", err)
		}
		if r.Calls() != 1 {
			t.Fatalf("Calls = %d", r.Calls())
		}
	}
	assumed := b.aws.calls("AssumeRole")
	if len(assumed) != 2 {
		t.Fatalf("AssumeRole was called %d times for three readers", len(assumed))
	}
	if p := assumed[1].Get("Policy"); len(p) > maxSessionPolicy || !strings.Contains(p, `"ec2:Describe*"`) || strings.Contains(p, `"*"]`) {
		t.Errorf("session policy of %d characters: %s", len(p), p)
	}
	if assumed[1].Get("DurationSeconds") != "3600" {
		t.Errorf("a chained session of %s s", assumed[1].Get("DurationSeconds"))
	}
	b.clock.add(chainedLife - readerMargin + time.Second)
	r, _ := b.Reader(t.Context(), target)
	if _, err := iam.NewFromConfig(r.Config("")).ListUsers(t.Context(), &iam.ListUsersInput{}); err != nil || len(b.aws.calls("AssumeRole")) != 4 {
		t.Fatalf("%v; AssumeRole %d times; both roles must be renewed before they expire", err, len(b.aws.calls("AssumeRole")))
	}
}

func TestCloseWaitsForCallsInFlight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	plain := b.aws.other
	b.aws.other = func(w http.ResponseWriter, r *http.Request, form url.Values) {
		close(arrived)
		<-answer
		plain(w, r, form)
	}
	s, c := b.mutator(t)
	result := make(chan error, 1)
	go func() { result <- deleteUser(t.Context(), c) }()
	<-arrived
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ended); !errors.Is(err, context.Canceled) || len(b.book.leases()) != 1 {
		t.Fatalf("Close with a call in flight = %v, leases %v", err, b.book.leases())
	}
	close(answer)
	if err := <-result; err != nil {
		t.Fatal(err)
	}
}

func TestLeaseStaysAfterAnUnansweredChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.aws.other = func(w http.ResponseWriter, _ *http.Request, _ url.Values) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
	s, c := b.mutator(t)
	if err := deleteUser(t.Context(), c); err == nil {
		t.Fatal("no answer and no error")
	}
	if err := s.Close(t.Context()); err != nil || len(b.book.leases()) != 1 {
		t.Fatalf("Close = %v, leases %v; the call may still arrive", err, b.book.leases())
	}
}

func TestAccountPublicAccessBlockGoesToTheEndpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var path, id string
	b.aws.other = func(w http.ResponseWriter, r *http.Request, _ url.Values) {
		path, id = r.URL.Path, r.Header.Get("x-amz-account-id")
		_, _ = w.Write([]byte(`<PublicAccessBlockConfiguration></PublicAccessBlockConfiguration>`))
	}
	r, err := b.Reader(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s3control.NewFromConfig(r.Config("eu-west-1")).GetPublicAccessBlock(t.Context(), &s3control.GetPublicAccessBlockInput{AccountId: aws.String(account)})
	if err != nil || path != "/v20180820/configuration/publicAccessBlock" || id != account {
		t.Fatalf("GetPublicAccessBlock = %v, path %q, account %q", err, path, id)
	}
}
