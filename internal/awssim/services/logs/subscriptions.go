package logs

import (
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// SubscriptionFilter sends matching events elsewhere; the simulator keeps the
// definition and delivers nothing.
type SubscriptionFilter struct {
	FilterName     string `json:"filterName"`
	LogGroupName   string `json:"logGroupName"`
	FilterPattern  string `json:"filterPattern"`
	DestinationArn string `json:"destinationArn"`
	RoleArn        string `json:"roleArn,omitempty"`
	Distribution   string `json:"distribution"`
	CreationTime   int64  `json:"creationTime"`
}

// PutSubscriptionFilterInput makes or replaces a filter.
type PutSubscriptionFilterInput struct {
	LogGroupName   string `json:"logGroupName"`
	FilterName     string `json:"filterName"`
	FilterPattern  string `json:"filterPattern"`
	DestinationArn string `json:"destinationArn"`
	RoleArn        string `json:"roleArn"`
	Distribution   string `json:"distribution"`
}

// DescribeSubscriptionFiltersInput lists the filters of one group.
type DescribeSubscriptionFiltersInput struct {
	LogGroupName     string `json:"logGroupName"`
	FilterNamePrefix string `json:"filterNamePrefix"`
	NextToken        string `json:"nextToken"`
	Limit            *int   `json:"limit"`
}

// DescribeSubscriptionFiltersOutput is one page.
type DescribeSubscriptionFiltersOutput struct {
	SubscriptionFilters []*SubscriptionFilter `json:"subscriptionFilters"`
	NextToken           string                `json:"nextToken,omitempty"`
}

const subscriptionsPerGroup = 2

func (s *Service) subscriptionOps() []core.Op {
	return []core.Op{
		core.Handle("PutSubscriptionFilter", s.putSubscription, core.Needs(func(c *core.Call, in *PutSubscriptionFilterInput) []core.Permission {
			need := []core.Permission{{Resource: groupARN(c.Region, c.Account.ID, nameOf(in.LogGroupName)) + ":*"}}
			if in.RoleArn != "" {
				need = append(need, core.Permission{Action: "iam:PassRole", Resource: in.RoleArn,
					Context: map[string][]string{"iam:PassedToService": {"logs.amazonaws.com"}}})
			}
			return need
		})),
		core.Handle("DescribeSubscriptionFilters", s.describeSubscriptions, core.ReadOnly, onGroup(func(in *DescribeSubscriptionFiltersInput) string { return in.LogGroupName })),
		core.Handle("DeleteSubscriptionFilter", s.deleteSubscription, onGroup(func(in *FilterInput) string { return in.LogGroupName })),
	}
}

func (s *Service) putSubscription(c *core.Call, in *PutSubscriptionFilterInput) (core.None, error) {
	g, err := s.at(c).group(in.LogGroupName)
	if err != nil {
		return core.None{}, err
	}
	old := g.subscriptions[in.FilterName]
	if old == nil && len(g.subscriptions) >= subscriptionsPerGroup {
		return core.None{}, core.Errorf(400, "LimitExceededException", "Resource limit exceeded.")
	}
	f := &SubscriptionFilter{
		FilterName: in.FilterName, LogGroupName: g.Name, FilterPattern: in.FilterPattern, DestinationArn: in.DestinationArn,
		RoleArn: in.RoleArn, Distribution: in.Distribution, CreationTime: c.Now.UnixMilli(),
	}
	if f.Distribution == "" {
		f.Distribution = "ByLogStream"
	}
	if old != nil {
		f.CreationTime = old.CreationTime
	}
	g.subscriptions[f.FilterName] = f
	return core.None{}, nil
}

func (s *Service) describeSubscriptions(c *core.Call, in *DescribeSubscriptionFiltersInput) (*DescribeSubscriptionFiltersOutput, error) {
	g, err := s.at(c).group(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	match := []*SubscriptionFilter{}
	for _, f := range sorted(g.subscriptions) {
		if strings.HasPrefix(f.FilterName, in.FilterNamePrefix) {
			match = append(match, f)
		}
	}
	out, next, err := page(match, func(f *SubscriptionFilter) string { return f.FilterName }, in.NextToken, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	return &DescribeSubscriptionFiltersOutput{out, next}, nil
}

func (s *Service) deleteSubscription(c *core.Call, in *FilterInput) (core.None, error) {
	g, err := s.at(c).group(in.LogGroupName)
	if err != nil {
		return core.None{}, err
	}
	if g.subscriptions[in.FilterName] == nil {
		return core.None{}, notFound("subscription filter")
	}
	delete(g.subscriptions, in.FilterName)
	return core.None{}, nil
}
