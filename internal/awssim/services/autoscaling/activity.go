package autoscaling

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Activity is something that a group did.
type Activity struct {
	ActivityId           string
	AutoScalingGroupName string
	AutoScalingGroupARN  string
	Description          string
	Cause                string
	StartTime            core.Time
	EndTime              *core.Time `xml:",omitempty"`
	StatusCode           string
	StatusMessage        string `xml:",omitempty"`
	Progress             int
	Details              string

	key string
}

// maxActivities is how many are kept per Region; AWS keeps six weeks of them.
const maxActivities = 1000

func (st *state) begin(w *core.World, g *Group, now time.Time, description, cause string) *Activity {
	a := &Activity{
		ActivityId: w.UUID(), AutoScalingGroupName: g.AutoScalingGroupName, AutoScalingGroupARN: g.AutoScalingGroupARN,
		Description: description, Cause: "At " + now.UTC().Format("2006-01-02T15:04:05Z") + " " + cause,
		StartTime: core.At(now), StatusCode: "InProgress", Progress: 50, Details: "{}",
	}
	st.activities = append(st.activities, a)
	if n := len(st.activities); n > maxActivities {
		st.activities = slices.Clone(st.activities[n-maxActivities:])
	}
	return a
}

func (s *Service) activityOps() []core.Op {
	return []core.Op{op(s, "DescribeScalingActivities", describeActivities, nil, core.ReadOnly)}
}

type describeActivitiesIn struct {
	Paged
	ActivityIds          []string
	AutoScalingGroupName string
}

type describeActivitiesOut struct {
	Activities List[*Activity]
	NextToken  string `xml:",omitempty"`
}

// describeActivities gives the latest first.
func describeActivities(c *call, in *describeActivitiesIn) (*describeActivitiesOut, error) {
	var found []*Activity
	for i, a := range slices.Backward(c.activities) {
		a.key = fmt.Sprintf("%08d", maxActivities+1-i)
		if (in.AutoScalingGroupName == "" || a.AutoScalingGroupName == in.AutoScalingGroupName) &&
			(len(in.ActivityIds) == 0 || slices.Contains(in.ActivityIds, a.ActivityId)) {
			found = append(found, a)
		}
	}
	list, next, err := page(in.Paged, found, func(a *Activity) string { return a.key })
	return &describeActivitiesOut{List[*Activity]{list}, next}, err
}

func compare(a, b string) int { return strings.Compare(a, b) }
