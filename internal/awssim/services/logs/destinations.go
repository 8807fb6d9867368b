package logs

import (
	"fmt"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Destination takes log events of other accounts.
type Destination struct {
	Name         string `json:"destinationName"`
	TargetArn    string `json:"targetArn"`
	RoleArn      string `json:"roleArn"`
	AccessPolicy string `json:"accessPolicy,omitempty"`
	ARN          string `json:"arn"`
	CreationTime int64  `json:"creationTime"`

	tags map[string]string
}

// PutDestinationInput makes or changes a destination.
type PutDestinationInput struct {
	DestinationName string            `json:"destinationName"`
	TargetArn       string            `json:"targetArn"`
	RoleArn         string            `json:"roleArn"`
	Tags            map[string]string `json:"tags"`
}

// PutDestinationOutput is the destination as it stands.
type PutDestinationOutput struct {
	Destination *Destination `json:"destination"`
}

// PutDestinationPolicyInput says who may subscribe to it.
type PutDestinationPolicyInput struct {
	DestinationName string `json:"destinationName"`
	AccessPolicy    string `json:"accessPolicy"`
}

// DestinationInput names one.
type DestinationInput struct {
	DestinationName string `json:"destinationName"`
}

// DescribeDestinationsInput selects by prefix.
type DescribeDestinationsInput struct {
	Prefix    string `json:"DestinationNamePrefix"`
	NextToken string `json:"nextToken"`
	Limit     *int   `json:"limit"`
}

// DescribeDestinationsOutput is one page.
type DescribeDestinationsOutput struct {
	Destinations []*Destination `json:"destinations"`
	NextToken    string         `json:"nextToken,omitempty"`
}

func destinationARN(c *core.Call, name string) string {
	return fmt.Sprintf("arn:aws:logs:%s:%s:destination:%s", c.Region, c.Account.ID, name)
}

func (s *Service) destinationOps() []core.Op {
	return []core.Op{
		core.Handle("PutDestination", s.putDestination, core.Needs(func(c *core.Call, in *PutDestinationInput) []core.Permission {
			return []core.Permission{
				{Resource: destinationARN(c, in.DestinationName)},
				{Action: "iam:PassRole", Resource: in.RoleArn, Context: map[string][]string{"iam:PassedToService": {"logs.amazonaws.com"}}},
			}
		})),
		core.Handle("PutDestinationPolicy", s.putDestinationPolicy, core.On(func(c *core.Call, in *PutDestinationPolicyInput) string { return destinationARN(c, in.DestinationName) })),
		core.Handle("DescribeDestinations", s.describeDestinations, core.ReadOnly),
		core.Handle("DeleteDestination", s.deleteDestination, core.On(func(c *core.Call, in *DestinationInput) string { return destinationARN(c, in.DestinationName) })),
	}
}

func (s *Service) putDestination(c *core.Call, in *PutDestinationInput) (*PutDestinationOutput, error) {
	st := s.at(c)
	if in.DestinationName == "" || in.TargetArn == "" || in.RoleArn == "" {
		return nil, invalid("A destination needs destinationName, targetArn and roleArn.")
	}
	d := st.destinations[in.DestinationName]
	if d == nil {
		d = &Destination{Name: in.DestinationName, ARN: destinationARN(c, in.DestinationName), CreationTime: c.Now.UnixMilli(), tags: map[string]string{}}
		st.destinations[d.Name] = d
	}
	d.TargetArn, d.RoleArn = in.TargetArn, in.RoleArn
	return &PutDestinationOutput{d}, addTags(d.tags, in.Tags)
}

func (s *Service) destination(c *core.Call, name string) (*Destination, error) {
	if d := s.at(c).destinations[name]; d != nil {
		return d, nil
	}
	return nil, notFound("destination")
}

func (s *Service) putDestinationPolicy(c *core.Call, in *PutDestinationPolicyInput) (core.None, error) {
	d, err := s.destination(c, in.DestinationName)
	if err == nil {
		d.AccessPolicy = in.AccessPolicy
	}
	return core.None{}, err
}

func (s *Service) describeDestinations(c *core.Call, in *DescribeDestinationsInput) (*DescribeDestinationsOutput, error) {
	match := []*Destination{}
	for _, d := range sorted(s.at(c).destinations) {
		if strings.HasPrefix(d.Name, in.Prefix) {
			match = append(match, d)
		}
	}
	out, next, err := page(match, func(d *Destination) string { return d.Name }, in.NextToken, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	return &DescribeDestinationsOutput{out, next}, nil
}

func (s *Service) deleteDestination(c *core.Call, in *DestinationInput) (core.None, error) {
	d, err := s.destination(c, in.DestinationName)
	if err != nil {
		return core.None{}, err
	}
	delete(s.at(c).destinations, d.Name)
	return core.None{}, nil
}
