// Package trail reads the CloudTrail event history of an account: which
// services were touched where, and whether history has caught up.
//
// Invariants:
//   - A look-up that failed is an error, never an empty history.
//   - Every page is read; events are looked for by account and time, never by
//     user name, since what a service makes carries another identity.
//   - That history has caught up is known only from a marker: a harmless
//     mutating call made after the freeze that shows up in it.
package trail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/kodekloud/kml/internal/awsclient"
)

// Touched is what history tells of an account: event sources by Region. The
// value says whether any of the source's calls was let through; a source whose
// calls were all denied is there too.
type Touched map[string]map[string]bool

// Sources gives all event sources, whatever their Region.
func (t Touched) Sources() map[string]bool {
	out := map[string]bool{}
	for _, sources := range t {
		for s := range sources {
			out[s] = true
		}
	}
	return out
}

// Config gives a configuration for a Region of the account.
type Config func(region string) aws.Config

// skew is how far the clocks of AWS and of this host may be apart.
const skew = time.Minute

// maxPages is how much of a Region's history is read: 3,000 events, at two pages
// a second half a minute.
const maxPages = 60

// ErrLong says that a history is too long to be read: nothing is known.
var ErrLong = errors.New("the event history is too long to read")

// Read looks up what changed in each Region since a time, and a little before.
// Calls of the fleet itself (sessions of the role named fleetRole) are left out.
// Errors: ErrLong, and whatever a look-up gives.
func Read(ctx context.Context, cfg Config, regions []string, since time.Time, fleetRole string) (Touched, error) {
	found := make([]map[string]bool, len(regions))
	g, ctx := errgroup.WithContext(ctx) // each Region has a rate of its own
	for i, region := range regions {
		g.Go(func() (err error) {
			if found[i], err = readRegion(ctx, cloudtrail.NewFromConfig(cfg(region)), since, fleetRole); err != nil {
				return fmt.Errorf("event history in %s: %w", region, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := Touched{}
	for i, region := range regions {
		out[region] = found[i]
	}
	return out, nil
}

func readRegion(ctx context.Context, c *cloudtrail.Client, since time.Time, fleetRole string) (map[string]bool, error) {
	sources := map[string]bool{}
	pages := cloudtrail.NewLookupEventsPaginator(c, &cloudtrail.LookupEventsInput{
		StartTime:        aws.Time(since.Add(-skew)),
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyReadOnly, AttributeValue: aws.String("false")}},
	})
	for n := 0; pages.HasMorePages(); n++ {
		if n == maxPages {
			return nil, ErrLong
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			r, err := parse(e)
			if err != nil {
				return nil, err
			}
			if r.byRole(fleetRole) {
				continue
			}
			source := aws.ToString(e.EventSource)
			sources[source] = sources[source] || !r.denied()
		}
	}
	return sources, nil
}

// record is the part of an event's JSON that is looked at.
type record struct {
	UserIdentity struct {
		SessionContext struct {
			SessionIssuer struct {
				UserName string `json:"userName"`
			} `json:"sessionIssuer"`
		} `json:"sessionContext"`
	} `json:"userIdentity"`
	ErrorCode         string         `json:"errorCode"`
	RequestParameters map[string]any `json:"requestParameters"`
}

func parse(e types.Event) (record, error) {
	var r record
	if err := json.Unmarshal([]byte(aws.ToString(e.CloudTrailEvent)), &r); err != nil {
		return r, fmt.Errorf("event %s: %w", aws.ToString(e.EventId), err)
	}
	return r, nil
}

func (r record) byRole(role string) bool {
	return role != "" && r.UserIdentity.SessionContext.SessionIssuer.UserName == role
}

// denied says that authorization stopped the call, so that it had no effect. No
// other error proves that much. EC2's codes come with the prefix "Client.".
func (r record) denied() bool {
	return r.ErrorCode != "" && awsclient.Classify(&smithy.GenericAPIError{Code: strings.TrimPrefix(r.ErrorCode, "Client.")}) == awsclient.Denied
}

const markerCall = "CreateKeyPair"

// Mark makes a mutating call in a Region that changes nothing (DryRun) and is
// recorded. name identifies the marker.
func Mark(ctx context.Context, cfg aws.Config, name string) error {
	_, err := ec2.NewFromConfig(cfg).CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: &name, DryRun: aws.Bool(true)})
	if awsclient.Code(err) == "DryRunOperation" {
		return nil
	}
	if err == nil {
		err = errors.New("the dry run was not one")
	}
	return fmt.Errorf("mark the event history: %w", err)
}

// Marked says whether the marker has arrived in the Region's history.
func Marked(ctx context.Context, cfg aws.Config, name string, since time.Time) (bool, error) {
	pages := cloudtrail.NewLookupEventsPaginator(cloudtrail.NewFromConfig(cfg), &cloudtrail.LookupEventsInput{
		StartTime:        aws.Time(since.Add(-skew)),
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String(markerCall)}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, fmt.Errorf("look for the marker: %w", err)
		}
		for _, e := range page.Events {
			r, err := parse(e)
			if err != nil {
				return false, err
			}
			if got, _ := r.RequestParameters["keyName"].(string); strings.EqualFold(got, name) {
				return true, nil
			}
		}
	}
	return false, nil
}
