package cloudwatch

import (
	"math"
	"sort"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Dimension is one; a filter of ListMetrics may leave Value out.
type Dimension struct {
	Name  string
	Value string `json:",omitempty" xml:",omitempty"`
}

// Metric is a metric's name.
type Metric struct {
	Namespace  string
	MetricName string
	Dimensions []Dimension `xml:"Dimensions>member"`
}

// series holds the data of one metric, oldest first.
type series struct {
	Metric
	points []point
}

// point is what one call put.
type point struct {
	at             time.Time
	unit           string
	sum, count     float64
	min, max       float64
	values, counts []float64 // nil for statistic sets: no percentiles
}

// Datum is one data point of PutMetricData: Value, Values with Counts, or
// StatisticValues.
type Datum struct {
	MetricName      string
	Dimensions      []Dimension
	Timestamp       *core.Time
	Value           *float64
	StatisticValues *StatisticSet
	Values          []float64
	Counts          []float64
	Unit            string
}

// StatisticSet is data already summed up.
type StatisticSet struct{ SampleCount, Sum, Minimum, Maximum float64 }

// PutMetricDataInput is up to 1,000 data points.
type PutMetricDataInput struct {
	Namespace  string
	MetricData []Datum
}

// ListMetricsInput selects by name and dimensions.
type ListMetricsInput struct {
	Namespace      string
	MetricName     string
	Dimensions     []Dimension
	NextToken      string
	RecentlyActive string
}

// ListMetricsOutput is one page of at most 500.
type ListMetricsOutput struct {
	Metrics   []Metric `xml:"Metrics>member"`
	NextToken string   `json:",omitempty" xml:",omitempty"`
}

const (
	metricsPerPage = 500
	dataPerCall    = 1000
	keepData       = 15 * 24 * time.Hour // in full; AWS keeps sums for 455 days
	recently       = 3 * time.Hour
	listed         = 14 * 24 * time.Hour // a metric without data disappears from lists
)

func (s *Service) metricOps() []core.Op {
	return []core.Op{
		core.Handle("PutMetricData", s.putMetricData, core.Data, core.Needs(func(_ *core.Call, in *PutMetricDataInput) []core.Permission {
			return []core.Permission{{Context: map[string][]string{"cloudwatch:namespace": {in.Namespace}}}}
		})),
		core.Handle("ListMetrics", s.listMetrics, core.Data, core.ReadOnly),
	}
}

// key is the identity of a metric: dimensions in any order.
func (m Metric) key() string {
	ds := append([]Dimension{}, m.Dimensions...)
	sort.Slice(ds, func(i, j int) bool { return ds[i].Name < ds[j].Name })
	var b strings.Builder
	b.WriteString(m.Namespace + "\x00" + m.MetricName)
	for _, d := range ds {
		b.WriteString("\x00" + d.Name + "\x01" + d.Value)
	}
	return b.String()
}

func (st *state) add(m Metric, p point) {
	k := m.key()
	x := st.series[k]
	if x == nil {
		m.Dimensions = append([]Dimension{}, m.Dimensions...)
		x = &series{Metric: m}
		st.series[k] = x
	}
	i := sort.Search(len(x.points), func(i int) bool { return x.points[i].at.After(p.at) })
	x.points = append(x.points, point{})
	copy(x.points[i+1:], x.points[i:])
	x.points[i] = p
	oldest := x.points[len(x.points)-1].at.Add(-keepData)
	for len(x.points) > 0 && x.points[0].at.Before(oldest) {
		x.points = x.points[1:]
	}
}

func (d *Datum) point(now time.Time) (point, error) {
	p := point{at: now, unit: d.Unit}
	if d.Timestamp != nil {
		p.at = d.Timestamp.Time
	}
	if p.at.Before(now.AddDate(0, 0, -14)) || p.at.After(now.Add(2*time.Hour)) {
		return p, invalidValue("The parameter MetricData.member.Timestamp must specify a time within the past two weeks and no more than two hours in the future.")
	}
	switch {
	case d.Value != nil:
		p.values, p.counts = []float64{*d.Value}, []float64{1}
	case d.StatisticValues != nil:
		v := d.StatisticValues
		p.sum, p.count, p.min, p.max = v.Sum, v.SampleCount, v.Minimum, v.Maximum
		return p, nil
	case len(d.Values) > 0:
		p.values, p.counts = d.Values, d.Counts
		for len(p.counts) < len(p.values) {
			p.counts = append(p.counts, 1)
		}
	default:
		return p, coded(400, "MissingRequiredParameterException", "MissingParameter", "The parameter MetricData.member.Value is required.")
	}
	p.min, p.max = math.Inf(1), math.Inf(-1)
	for i, v := range p.values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return p, invalidValue("The value %v for parameter MetricData.member.Value is invalid.", v)
		}
		p.sum, p.count = p.sum+v*p.counts[i], p.count+p.counts[i]
		p.min, p.max = min(p.min, v), max(p.max, v)
	}
	return p, nil
}

func (s *Service) putMetricData(c *core.Call, in *PutMetricDataInput) (core.None, error) {
	switch {
	case in.Namespace == "":
		return core.None{}, coded(400, "MissingRequiredParameterException", "MissingParameter", "The parameter Namespace is required.")
	case strings.HasPrefix(in.Namespace, "AWS/"):
		return core.None{}, invalidValue("The value AWS/ for parameter Namespace is invalid.")
	case len(in.MetricData) > dataPerCall:
		return core.None{}, invalidValue("The collection MetricData must not have a size greater than %d.", dataPerCall)
	}
	points := make([]point, len(in.MetricData))
	for i := range in.MetricData {
		d := &in.MetricData[i]
		if d.MetricName == "" {
			return core.None{}, coded(400, "MissingRequiredParameterException", "MissingParameter", "The parameter MetricData.member.%d.MetricName is required.", i+1)
		}
		var err error
		if points[i], err = d.point(c.Now); err != nil {
			return core.None{}, err
		}
	}
	for i, d := range in.MetricData {
		s.at(c).add(Metric{in.Namespace, d.MetricName, d.Dimensions}, points[i])
	}
	return core.None{}, nil
}

// PutMetric is how AWS services put their own metrics. The world's lock is held.
func (s *Service) PutMetric(account, region, namespace, name string, dimensions map[string]string, value float64, at time.Time) {
	m := Metric{Namespace: namespace, MetricName: name}
	keys := map[string]string{}
	for k := range dimensions {
		keys[k] = k
	}
	for _, k := range sorted(keys) {
		m.Dimensions = append(m.Dimensions, Dimension{k, dimensions[k]})
	}
	s.shelf.At(account, region).add(m, point{at: at, unit: "None", sum: value, count: 1, min: value, max: value, values: []float64{value}, counts: []float64{1}})
}

func (s *Service) listMetrics(c *core.Call, in *ListMetricsInput) (*ListMetricsOutput, error) {
	since := c.Now.Add(-listed)
	switch in.RecentlyActive {
	case "":
	case "PT3H":
		since = c.Now.Add(-recently)
	default:
		return nil, invalidValue("The value %s for parameter RecentlyActive is invalid: it can be PT3H.", in.RecentlyActive)
	}
	var match []Metric
	for _, x := range sorted(s.at(c).series) {
		if len(x.points) > 0 && x.points[len(x.points)-1].at.After(since) && in.selects(x.Metric) {
			match = append(match, x.Metric)
		}
	}
	out, next, err := page(match, Metric.key, in.NextToken, nil, metricsPerPage, metricsPerPage)
	if err != nil {
		return nil, err
	}
	return &ListMetricsOutput{out, next}, nil
}

func (in *ListMetricsInput) selects(m Metric) bool {
	if in.Namespace != "" && m.Namespace != in.Namespace || in.MetricName != "" && m.MetricName != in.MetricName {
		return false
	}
	for _, want := range in.Dimensions {
		found := false
		for _, d := range m.Dimensions {
			found = found || d.Name == want.Name && (want.Value == "" || d.Value == want.Value)
		}
		if !found {
			return false
		}
	}
	return true
}
