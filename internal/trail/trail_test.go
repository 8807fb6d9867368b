package trail_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/identity/labtest"
	"github.com/kodekloud/kml/internal/trail"
)

const role = "OrganizationAccountAccessRole"

// open gives an account with its reader's configuration.
func open(t *testing.T, o labtest.Options) (*labtest.Lab, string, trail.Config) {
	t.Helper()
	l := labtest.Open(t, o)
	sess, err := l.AWS.Reader(t.Context(), awsclient.Target{Org: "school", AccountID: l.IDs[0], OU: l.Unit.ID})
	if err != nil {
		t.Fatal(err)
	}
	return l, l.IDs[0], sess.Config
}

func queues(l *labtest.Lab, cfg aws.Config, n int) {
	l.Helper()
	for i := range n {
		if _, err := sqs.NewFromConfig(cfg).CreateQueue(l.Context(), &sqs.CreateQueueInput{QueueName: aws.String(fmt.Sprint("queue-", i))}); err != nil {
			l.Fatal(err)
		}
	}
}

func read(l *labtest.Lab, cfg trail.Config, since time.Time, regions ...string) trail.Touched {
	l.Helper()
	out, err := trail.Read(l.Context(), cfg, regions, since, role)
	if err != nil {
		l.Fatal(err)
	}
	return out
}

// budget gives out as many tokens as the world's clock allows, and moves it.
type budget struct{ l **labtest.Lab }

func (b budget) Take(_ context.Context, _ string, perSecond, _ float64) error {
	(*b.l).Sim.World.Clock.Advance(time.Duration(float64(time.Second) / perSecond))
	return nil
}

// TestEveryPage: the oldest event, on the last of several pages, is seen, at two
// look-ups a second and no faster.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	var l *labtest.Lab
	o := labtest.Options{Options: core.Options{Throttle: true}, Budget: budget{&l}}
	var id string
	var cfg trail.Config
	l, id, cfg = open(t, o)
	since := l.Clock.Now()
	root := l.Root(id, "eu-west-1")
	if _, err := sns.NewFromConfig(root).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("first")}); err != nil {
		t.Fatal(err)
	}
	queues(l, root, 170)
	got := read(l, cfg, since, "eu-west-1", "us-east-1")
	if !got["eu-west-1"]["sns.amazonaws.com"] || !got.Sources()["sqs.amazonaws.com"] || got["us-east-1"] == nil {
		t.Errorf("seen: %v", got)
	}
	for _, c := range l.Sim.World.Counters() {
		if c.Op == "LookupEvents" && c.Code != "" {
			t.Errorf("%d look-ups ended in %s", c.N, c.Code)
		}
	}
}

func TestThrottledIsTriedAgain(t *testing.T) {
	t.Parallel()
	l, id, cfg := open(t, labtest.Options{})
	since := l.Clock.Now()
	queues(l, l.Root(id, "eu-west-1"), 1)
	l.Faults(core.FaultRule{ID: "t", Op: "LookupEvents", Kind: core.FaultThrottle, Times: 2})
	if got := read(l, cfg, since, "eu-west-1"); !got["eu-west-1"]["sqs.amazonaws.com"] {
		t.Errorf("seen: %v", got)
	}
}

// TestFailedLookUpIsAnError, on any page and in any Region.
func TestFailedLookUpIsAnError(t *testing.T) {
	t.Parallel()
	l, id, cfg := open(t, labtest.Options{})
	since := l.Clock.Now()
	queues(l, l.Root(id, "eu-west-1"), 60)
	for _, f := range []core.FaultRule{
		{Op: "LookupEvents", Region: "eu-west-1", Kind: core.FaultError, Code: "AccessDeniedException", Status: 400},
		{Op: "LookupEvents", Region: "us-east-1", Kind: core.FaultError, Code: "AccessDeniedException", Status: 400},
	} {
		l.Faults(f)
		got, err := trail.Read(t.Context(), cfg, []string{"eu-west-1", "us-east-1"}, since, role)
		if awsclient.Classify(err) != awsclient.Denied || got != nil {
			t.Errorf("denied in %s: %v, %v", f.Region, got, err)
		}
		if _, err := trail.Marked(t.Context(), cfg(f.Region), "marker", since); awsclient.Classify(err) != awsclient.Denied {
			t.Errorf("marker, denied in %s: %v", f.Region, err)
		}
	}
}

// TestWhoAndWhen: the fleet's own calls and older ones are left out; denied ones
// are told apart; those of a host whose clock is behind are in.
func TestWhoAndWhen(t *testing.T) {
	t.Parallel()
	l, id, cfg := open(t, labtest.Options{Options: core.Options{}, LabTypes: nil})
	if _, err := sns.NewFromConfig(l.Root(id, "eu-west-1")).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("old")}); err != nil {
		t.Fatal(err)
	}
	l.Sim.World.Clock.Advance(3 * time.Minute)
	since := l.Clock.Now()
	if err := l.DB.Accounts().Insert(t.Context(), account(l, id)); err != nil {
		t.Fatal(err)
	}
	own, err := l.AWS.Mutator(t.Context(), awsclient.Target{Org: "school", AccountID: id, OU: l.Unit.ID}, "test")
	if err != nil {
		t.Fatal(err)
	}
	queues(l, own.Config("eu-west-1"), 1)
	if got := read(l, cfg, since, "eu-west-1"); len(got["eu-west-1"]) > 0 {
		t.Errorf("the fleet's own calls, or old ones: %v", got)
	}
	l.Faults(core.FaultRule{Op: "CreateTopic", Kind: core.FaultError, Code: "AuthorizationError", Status: 403})
	_, _ = sns.NewFromConfig(l.Root(id, "eu-west-1")).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("no")})
	powerless(l, id)
	queues(l, l.Root(id, "eu-west-1"), 1)
	got := read(l, cfg, since.Add(30*time.Second), "eu-west-1")["eu-west-1"]
	if through, shown := got["sns.amazonaws.com"]; through || !shown || !got["sqs.amazonaws.com"] {
		t.Errorf("seen: %v; a denied call is shown, and as such", got)
	}
}

// powerless is a user without rights who tries to make a topic.
func powerless(l *labtest.Lab, id string) {
	l.Helper()
	l.Faults()
	var cfg aws.Config
	l.Sim.World.Do(func() {
		k, err := l.Sim.IAM.AddUser(id, "/", "nobody", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`)
		if err != nil {
			l.Fatal(err)
		}
		cfg = l.Key(k.AccessKeyID, k.SecretAccessKey, "", "eu-west-1")
	})
	if _, err := sns.NewFromConfig(cfg).CreateTopic(l.Context(), &sns.CreateTopicInput{Name: aws.String("no")}); awsclient.Classify(err) != awsclient.Denied {
		l.Fatal(err)
	}
}

// TestMarker: it changes nothing, shows up when history has caught up, in any
// order and on any page, and is taken for no other's.
func TestMarker(t *testing.T) {
	t.Parallel()
	l, id, cfg := open(t, labtest.Options{Options: core.Options{Seed: 5, TrailDelay: core.Distribution{Min: time.Minute, Max: 4 * time.Minute}}})
	if err := l.DB.Accounts().Insert(t.Context(), account(l, id)); err != nil {
		t.Fatal(err)
	}
	since := l.Clock.Now()
	own, err := l.AWS.Mutator(t.Context(), awsclient.Target{Org: "school", AccountID: id, OU: l.Unit.ID}, "test")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"kml-marker-1/2"}
	for i := range 60 {
		names = append(names, fmt.Sprint("kml-marker-1/2", i))
	}
	for _, n := range names {
		if err := trail.Mark(t.Context(), own.Config("eu-west-1"), n); err != nil {
			t.Fatal(err)
		}
	}
	if left := l.Left(id); len(left) > 0 {
		t.Errorf("a marker made something: %v", left)
	}
	names = []string{names[0], names[30], names[60]}
	seen := map[string]bool{}
	for range 10 {
		for _, n := range names {
			ok, err := trail.Marked(t.Context(), cfg("eu-west-1"), n, since)
			if err != nil {
				t.Fatal(err)
			}
			if seen[n] && !ok {
				t.Errorf("%s was there and is gone", n)
			}
			seen[n] = ok
		}
		if l.Clock.Since(since) < time.Minute && slices.Contains(slices.Collect(maps.Values(seen)), true) {
			t.Error("a marker came before its time")
		}
		l.Sim.World.Clock.Advance(30 * time.Second)
	}
	for _, n := range names {
		if !seen[n] {
			t.Errorf("%s never came", n)
		}
	}
	if ok, err := trail.Marked(t.Context(), cfg("us-east-1"), names[0], since); ok || err != nil {
		t.Errorf("in a Region without marker: %v %v", ok, err)
	}
}

// TestMarkThatIsRefused: a refusal is no marker.
func TestMarkThatIsRefused(t *testing.T) {
	t.Parallel()
	l, id, _ := open(t, labtest.Options{})
	l.Faults(core.FaultRule{Op: "CreateKeyPair", Kind: core.FaultError, Code: "UnauthorizedOperation", Status: 403})
	if err := trail.Mark(t.Context(), l.Root(id, "eu-west-1"), "x"); awsclient.Classify(err) != awsclient.Denied || !strings.Contains(err.Error(), "mark the event history") {
		t.Errorf("refused: %v", err)
	}
}
