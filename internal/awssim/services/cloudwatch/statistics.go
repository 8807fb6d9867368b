package cloudwatch

import (
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// GetStatisticsInput asks for one metric; Period is in seconds.
type GetStatisticsInput struct {
	Namespace          string
	MetricName         string
	Dimensions         []Dimension
	StartTime          *core.Time
	EndTime            *core.Time
	Period             int
	Statistics         []string
	ExtendedStatistics []string
	Unit               string
}

// Datapoint is one period; only what was asked for is there.
type Datapoint struct {
	Timestamp          *core.Time
	SampleCount        *float64           `json:",omitempty" xml:",omitempty"`
	Average            *float64           `json:",omitempty" xml:",omitempty"`
	Sum                *float64           `json:",omitempty" xml:",omitempty"`
	Minimum            *float64           `json:",omitempty" xml:",omitempty"`
	Maximum            *float64           `json:",omitempty" xml:",omitempty"`
	Unit               string             `json:",omitempty" xml:",omitempty"`
	ExtendedStatistics map[string]float64 `json:",omitempty" xml:"-"`
}

// GetStatisticsOutput is in no order, as in AWS; here by time.
type GetStatisticsOutput struct {
	Label      string
	Datapoints []Datapoint `xml:"Datapoints>member"`
}

// MetricStat is a statistic of a metric.
type MetricStat struct {
	Metric Metric
	Period int
	Stat   string
	Unit   string `json:",omitempty" xml:",omitempty"`
}

// DataQuery is a query of GetMetricData, or a part of an alarm.
type DataQuery struct {
	Id         string
	MetricStat *MetricStat `json:",omitempty" xml:",omitempty"`
	Expression string      `json:",omitempty" xml:",omitempty"`
	Label      string      `json:",omitempty" xml:",omitempty"`
	ReturnData *bool       `json:",omitempty" xml:",omitempty"`
	Period     int         `json:",omitempty" xml:",omitempty"`
}

// GetDataInput is up to 500 queries.
type GetDataInput struct {
	MetricDataQueries []DataQuery
	StartTime         *core.Time
	EndTime           *core.Time
	ScanBy            string
}

// DataResult is the answer to one query.
type DataResult struct {
	Id         string
	Label      string
	Timestamps []core.Time `xml:"Timestamps>member"`
	Values     []float64   `xml:"Values>member"`
	StatusCode string
}

// GetDataOutput is everything at once: the simulator does not page here.
type GetDataOutput struct {
	MetricDataResults []DataResult `xml:"MetricDataResults>member"`
}

const (
	maxDatapoints = 1440
	maxQueries    = 500
)

var percentile = regexp.MustCompile(`^p(\d{1,2}(\.\d+)?|100)$`)

func (s *Service) statisticOps() []core.Op {
	return []core.Op{
		core.Handle("GetMetricStatistics", s.getStatistics, core.Data, core.ReadOnly),
		core.Handle("GetMetricData", s.getData, core.Data, core.ReadOnly),
	}
}

// bucket is one period of a series.
type bucket struct {
	start  time.Time
	points []point
}

// buckets cuts a series into the periods from start (included) to end (not
// included) that hold data. unit "" is any.
func (x *series) buckets(start, end time.Time, period time.Duration, unit string) []bucket {
	if x == nil {
		return nil
	}
	start = start.Truncate(period)
	var out []bucket
	i := sort.Search(len(x.points), func(i int) bool { return !x.points[i].at.Before(start) })
	for ; i < len(x.points) && x.points[i].at.Before(end); i++ {
		p := x.points[i]
		if unit != "" && p.unit != unit {
			continue
		}
		at := p.at.Truncate(period)
		if n := len(out); n == 0 || !out[n-1].start.Equal(at) {
			out = append(out, bucket{start: at})
		}
		out[len(out)-1].points = append(out[len(out)-1].points, p)
	}
	return out
}

// stat computes a statistic; ok is false for percentiles of statistic sets.
func (b bucket) stat(name string) (v float64, ok bool) {
	sum, count, lo, hi := 0.0, 0.0, math.Inf(1), math.Inf(-1)
	for _, p := range b.points {
		sum, count, lo, hi = sum+p.sum, count+p.count, min(lo, p.min), max(hi, p.max)
	}
	switch name {
	case "SampleCount":
		return count, true
	case "Average":
		return sum / count, count > 0
	case "Sum":
		return sum, true
	case "Minimum":
		return lo, true
	case "Maximum":
		return hi, true
	}
	return b.percentile(name, count)
}

func (b bucket) percentile(name string, count float64) (float64, bool) {
	rank, err := strconv.ParseFloat(name[1:], 64)
	if err != nil {
		return 0, false
	}
	type weighted struct{ v, n float64 }
	var all []weighted
	for _, p := range b.points {
		if p.values == nil {
			return 0, false
		}
		for i, v := range p.values {
			all = append(all, weighted{v, p.counts[i]})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].v < all[j].v })
	seen := 0.0
	for _, w := range all {
		if seen += w.n; seen >= rank/100*count {
			return w.v, true
		}
	}
	return 0, false
}

func checkStat(name string) error {
	if !slices.Contains([]string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}, name) && !percentile.MatchString(name) {
		return invalidValue("The value %s for parameter Stat is invalid: the simulator knows the simple statistics and percentiles.", name)
	}
	return nil
}

func checkPeriod(seconds int) error {
	if seconds < 1 || seconds%60 != 0 && !slices.Contains([]int{1, 5, 10, 20, 30}, seconds) {
		return invalidValue("The value %d for parameter Period is invalid. It must be 1, 5, 10, 20, 30 or a multiple of 60.", seconds)
	}
	return nil
}

func checkRange(start, end *core.Time) error {
	switch {
	case start == nil || end == nil:
		return coded(400, "MissingRequiredParameterException", "MissingParameter", "The parameters StartTime and EndTime are required.")
	case !start.Before(end.Time):
		return invalidCombination("The parameter StartTime must be less than the parameter EndTime.")
	}
	return nil
}

func (s *Service) getStatistics(c *core.Call, in *GetStatisticsInput) (*GetStatisticsOutput, error) {
	if err := checkRange(in.StartTime, in.EndTime); err != nil {
		return nil, err
	}
	if err := checkPeriod(in.Period); err != nil {
		return nil, err
	}
	period := time.Duration(in.Period) * time.Second
	if n := in.EndTime.Sub(in.StartTime.Time) / period; n > maxDatapoints {
		return nil, invalidCombination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxDatapoints)
	}
	if len(in.Statistics)+len(in.ExtendedStatistics) == 0 {
		return nil, coded(400, "MissingRequiredParameterException", "MissingParameter", "Must specify either Statistics or ExtendedStatistics.")
	}
	for _, name := range append(append([]string{}, in.Statistics...), in.ExtendedStatistics...) {
		if err := checkStat(name); err != nil {
			return nil, err
		}
	}
	out := &GetStatisticsOutput{Label: in.MetricName, Datapoints: []Datapoint{}}
	x := s.at(c).series[Metric{in.Namespace, in.MetricName, in.Dimensions}.key()]
	for _, b := range x.buckets(in.StartTime.Time, in.EndTime.Time, period, in.Unit) {
		out.Datapoints = append(out.Datapoints, b.datapoint(in))
	}
	return out, nil
}

func (b bucket) datapoint(in *GetStatisticsInput) Datapoint {
	d := Datapoint{Timestamp: core.Ptr(b.start), Unit: b.points[0].unit}
	if d.Unit == "" {
		d.Unit = "None"
	}
	to := map[string]**float64{"SampleCount": &d.SampleCount, "Average": &d.Average, "Sum": &d.Sum, "Minimum": &d.Minimum, "Maximum": &d.Maximum}
	for _, name := range in.Statistics {
		if v, ok := b.stat(name); ok && to[name] != nil {
			*to[name] = &v
		}
	}
	for _, name := range in.ExtendedStatistics {
		if v, ok := b.stat(name); ok {
			if d.ExtendedStatistics == nil {
				d.ExtendedStatistics = map[string]float64{}
			}
			d.ExtendedStatistics[name] = v
		}
	}
	return d
}

func (s *Service) getData(c *core.Call, in *GetDataInput) (*GetDataOutput, error) {
	if err := checkRange(in.StartTime, in.EndTime); err != nil {
		return nil, err
	}
	if n := len(in.MetricDataQueries); n < 1 || n > maxQueries {
		return nil, validation("The parameter MetricDataQueries must have 1 to %d members.", maxQueries)
	}
	out := &GetDataOutput{MetricDataResults: []DataResult{}}
	for _, q := range in.MetricDataQueries {
		if q.Expression != "" || q.MetricStat == nil {
			return nil, validation("The simulator cannot evaluate expressions: %s", q.Expression)
		}
		if err := checkStat(q.MetricStat.Stat); err != nil {
			return nil, err
		}
		if err := checkPeriod(q.MetricStat.Period); err != nil {
			return nil, err
		}
		if q.ReturnData != nil && !*q.ReturnData {
			continue
		}
		out.MetricDataResults = append(out.MetricDataResults, s.at(c).result(q, in))
	}
	return out, nil
}

// result is newest first unless ScanBy says otherwise.
func (st *state) result(q DataQuery, in *GetDataInput) DataResult {
	r := DataResult{Id: q.Id, Label: q.Label, StatusCode: "Complete", Timestamps: []core.Time{}, Values: []float64{}}
	if r.Label == "" {
		r.Label = q.MetricStat.Metric.MetricName
	}
	m := q.MetricStat
	for _, b := range st.series[m.Metric.key()].buckets(in.StartTime.Time, in.EndTime.Time, time.Duration(m.Period)*time.Second, m.Unit) {
		if v, ok := b.stat(m.Stat); ok {
			r.Timestamps, r.Values = append(r.Timestamps, core.At(b.start)), append(r.Values, v)
		}
	}
	if in.ScanBy != "TimestampAscending" {
		slices.Reverse(r.Timestamps)
		slices.Reverse(r.Values)
	}
	return r
}
