package logs

import (
	"strconv"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// MetricFilter makes data points out of matching events.
type MetricFilter struct {
	FilterName            string           `json:"filterName"`
	FilterPattern         string           `json:"filterPattern"`
	MetricTransformations []Transformation `json:"metricTransformations"`
	CreationTime          int64            `json:"creationTime"`
	LogGroupName          string           `json:"logGroupName"`

	matches matcher // nil for patterns that the simulator cannot evaluate
}

// Transformation says what a matching event counts.
type Transformation struct {
	MetricName      string            `json:"metricName"`
	MetricNamespace string            `json:"metricNamespace"`
	MetricValue     string            `json:"metricValue"` // a number, or $.selector
	DefaultValue    *float64          `json:"defaultValue,omitempty"`
	Dimensions      map[string]string `json:"dimensions,omitempty"`
	Unit            string            `json:"unit,omitempty"`
}

// PutMetricFilterInput makes or replaces a filter.
type PutMetricFilterInput struct {
	LogGroupName          string           `json:"logGroupName"`
	FilterName            string           `json:"filterName"`
	FilterPattern         string           `json:"filterPattern"`
	MetricTransformations []Transformation `json:"metricTransformations"`
}

// DescribeMetricFiltersInput selects by group, by prefix, or by metric.
type DescribeMetricFiltersInput struct {
	LogGroupName     string `json:"logGroupName"`
	FilterNamePrefix string `json:"filterNamePrefix"`
	MetricName       string `json:"metricName"`
	MetricNamespace  string `json:"metricNamespace"`
	NextToken        string `json:"nextToken"`
	Limit            *int   `json:"limit"`
}

// DescribeMetricFiltersOutput is one page.
type DescribeMetricFiltersOutput struct {
	MetricFilters []*MetricFilter `json:"metricFilters"`
	NextToken     string          `json:"nextToken,omitempty"`
}

// FilterInput names one metric or subscription filter.
type FilterInput struct {
	LogGroupName string `json:"logGroupName"`
	FilterName   string `json:"filterName"`
}

const filtersPerGroup = 100

func (s *Service) metricFilterOps() []core.Op {
	return []core.Op{
		core.Handle("PutMetricFilter", s.putMetricFilter, onGroup(func(in *PutMetricFilterInput) string { return in.LogGroupName })),
		core.Handle("DescribeMetricFilters", s.describeMetricFilters, core.ReadOnly, onGroup(func(in *DescribeMetricFiltersInput) string { return in.LogGroupName })),
		core.Handle("DeleteMetricFilter", s.deleteMetricFilter, onGroup(func(in *FilterInput) string { return in.LogGroupName })),
	}
}

func (s *Service) putMetricFilter(c *core.Call, in *PutMetricFilterInput) (core.None, error) {
	g, err := s.at(c).group(in.LogGroupName)
	if err != nil {
		return core.None{}, err
	}
	if len(in.MetricTransformations) != 1 {
		return core.None{}, constraint("metricTransformations", strconv.Itoa(len(in.MetricTransformations)), "Member must have length equal to 1")
	}
	old := g.metricFilters[in.FilterName]
	if old == nil && len(g.metricFilters) >= filtersPerGroup {
		return core.None{}, core.Errorf(400, "LimitExceededException", "Resource limit exceeded.")
	}
	f := &MetricFilter{
		FilterName: in.FilterName, FilterPattern: in.FilterPattern, LogGroupName: g.Name,
		MetricTransformations: in.MetricTransformations, CreationTime: c.Now.UnixMilli(),
	}
	if old != nil {
		f.CreationTime = old.CreationTime
	}
	// AWS takes any valid pattern; one that the simulator cannot evaluate is
	// kept and makes no data.
	if m, err := parsePattern(in.FilterPattern); err == nil {
		f.matches = m
	}
	g.metricFilters[f.FilterName] = f
	return core.None{}, nil
}

func (s *Service) describeMetricFilters(c *core.Call, in *DescribeMetricFiltersInput) (*DescribeMetricFiltersOutput, error) {
	st := s.at(c)
	groups := sorted(st.groups)
	if in.LogGroupName != "" {
		g, err := st.group(in.LogGroupName)
		if err != nil {
			return nil, err
		}
		groups = []*group{g}
	}
	match := []*MetricFilter{}
	for _, g := range groups {
		for _, f := range sorted(g.metricFilters) {
			t := f.MetricTransformations[0]
			if strings.HasPrefix(f.FilterName, in.FilterNamePrefix) &&
				(in.MetricName == "" || t.MetricName == in.MetricName && t.MetricNamespace == in.MetricNamespace) {
				match = append(match, f)
			}
		}
	}
	// NUL sorts before every character of a name, so this is the order they are in.
	key := func(f *MetricFilter) string { return f.LogGroupName + "\x00" + f.FilterName }
	out, next, err := page(match, key, in.NextToken, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	return &DescribeMetricFiltersOutput{out, next}, nil
}

func (s *Service) deleteMetricFilter(c *core.Call, in *FilterInput) (core.None, error) {
	g, err := s.at(c).group(in.LogGroupName)
	if err != nil {
		return core.None{}, err
	}
	if g.metricFilters[in.FilterName] == nil {
		return core.None{}, notFound("metric filter")
	}
	delete(g.metricFilters, in.FilterName)
	return core.None{}, nil
}

// count gives the data points of one event to CloudWatch.
func (s *Service) count(st *state, g *group, e event) {
	if s.metrics == nil {
		return
	}
	for _, f := range sorted(g.metricFilters) {
		if f.matches == nil || !f.matches(e.Message) {
			continue
		}
		for _, t := range f.MetricTransformations {
			value, err := strconv.ParseFloat(t.MetricValue, 64)
			if err != nil {
				continue // $.selector: no number in the event, no data point
			}
			s.metrics.PutMetric(st.account, st.region, t.MetricNamespace, t.MetricName, nil, value, time.UnixMilli(e.Timestamp).UTC())
		}
	}
}
