package app

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
)

const (
	checkLimit = 10 * time.Second
	backlog    = 5 * time.Minute // age of a pending task that says that workers are missing
)

// checks looks at everything that the fleet cannot work without, at once.
func (a *App) checks(ctx context.Context) []apitypes.Check {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	looks := []func(context.Context) []apitypes.Check{a.checkMongo, a.checkRedis, a.checkAWSClock, a.checkQueues}
	for _, o := range a.Config.Organizations {
		looks = append(looks, func(ctx context.Context) []apitypes.Check { return a.checkRole(ctx, o.Name) })
	}
	found := make([][]apitypes.Check, len(looks))
	var wg sync.WaitGroup
	for i, look := range looks {
		wg.Go(func() { found[i] = look(ctx) })
	}
	wg.Wait()
	var all []apitypes.Check
	for _, f := range found {
		all = append(all, f...)
	}
	return all
}

// check is good unless err says otherwise; the error is the operator's to read.
func (a *App) check(name, good, remedy string, err error) apitypes.Check {
	if err == nil {
		return apitypes.Check{Name: name, OK: true, Detail: good}
	}
	return apitypes.Check{Name: name, Detail: err.Error(), Remedy: remedy}
}

func (a *App) checkMongo(ctx context.Context) []apitypes.Check {
	return []apitypes.Check{a.check("mongodb", "answers", "check mongo.uri and that MongoDB is up", a.DB.Ping(ctx))}
}

func (a *App) checkRedis(ctx context.Context) []apitypes.Check {
	before := a.Clock.Now()
	at, err := a.Redis.Time(ctx).Result()
	checks := []apitypes.Check{a.check("redis", "answers", "check redis.addr and that Redis is up", err)}
	if err == nil {
		checks = append(checks, a.checkSkew("clock of redis", at, before, 0))
	}
	return checks
}

// checkAWSClock reads the time of AWS off any answer of STS: every one has it.
func (a *App) checkAWSClock(ctx context.Context) []apitypes.Check {
	const name = "clock of aws"
	url := a.Config.AWS.EndpointURL
	if url == "" {
		url = "https://sts." + a.Config.AWS.Region + ".amazonaws.com/"
	}
	before := a.Clock.Now()
	at, err := date(ctx, url)
	if err != nil {
		return []apitypes.Check{a.check(name, "", "check aws.endpoint_url, aws.region and the way out of the network", err)}
	}
	return []apitypes.Check{a.checkSkew(name, at, before, time.Second)} // its header is exact to the second
}

func date(ctx context.Context, url string) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return time.Time{}, err
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = resp.Body.Close() }() // only its header is read
	return http.ParseTime(resp.Header.Get("Date"))
}

// checkSkew compares a clock that was read after before, and that is exact to
// some grain, with this host's.
func (a *App) checkSkew(name string, at, before time.Time, grain time.Duration) apitypes.Check {
	after := a.Clock.Now()
	skew := max(before.Sub(at.Add(grain)), at.Sub(after), 0)
	var err error
	if allowed := a.Config.Timing.ClockSkew; skew > allowed {
		err = fmt.Errorf("%v apart, more than the %v of timing.clock_skew", skew.Round(time.Millisecond), allowed)
	}
	return a.check(name, "as this host's, within "+max(skew, grain).Round(time.Millisecond).String(), "synchronize the hosts' clocks (NTP)", err)
}

// checkRole sees whether the fleet may act in an organization at all.
func (a *App) checkRole(ctx context.Context, org string) []apitypes.Check {
	_, err := a.AWS.Management(ctx, org)
	return []apitypes.Check{a.check("role in "+org, "can be assumed", "let the fleet's own identity assume the organization's management_role", err)}
}

func (a *App) checkQueues(ctx context.Context) []apitypes.Check {
	queues, err := a.queues(ctx)
	if err != nil {
		return []apitypes.Check{a.check("queues", "", "check Redis", err)}
	}
	for _, q := range queues {
		if q.OldestAge > backlog {
			err = fmt.Errorf("a task of queue %s waits since %v", q.Name, q.OldestAge.Round(time.Second))
		}
	}
	return []apitypes.Check{a.check("queues", "nothing waits for long", "start more workers", err)}
}
