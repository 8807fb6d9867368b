package autoscaling

import (
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Schedule is a scheduled action. One with a start time is done once, then; a
// recurrence is kept but not run.
type Schedule struct {
	AutoScalingGroupName string
	ScheduledActionName  string
	ScheduledActionARN   string     `q:"-"`
	StartTime            *core.Time `xml:",omitempty"`
	EndTime              *core.Time `xml:",omitempty"`
	Recurrence           string     `xml:",omitempty"`
	TimeZone             string     `xml:",omitempty"`
	MinSize              *int       `xml:",omitempty"`
	MaxSize              *int       `xml:",omitempty"`
	DesiredCapacity      *int       `xml:",omitempty"`
}

func (s *Service) scheduleOps() []core.Op {
	return []core.Op{
		op(s, "PutScheduledUpdateGroupAction", putSchedule, func(c *call, in *Schedule) core.Permission { return c.on(in.AutoScalingGroupName) }),
		op(s, "DescribeScheduledActions", describeSchedules, nil, core.ReadOnly),
		op(s, "DeleteScheduledAction", deleteSchedule, func(c *call, in *scheduleIn) core.Permission { return c.on(in.AutoScalingGroupName) }),
	}
}

// runSchedules does the actions that are due.
func (s *Service) runSchedules(g *Group, now time.Time) {
	for _, n := range names(g.schedules) {
		a := g.schedules[n]
		if a.StartTime == nil || a.Recurrence != "" || now.Before(a.StartTime.Time) || g.deleting || g.suspended("ScheduledActions") {
			continue
		}
		set(&g.MinSize, a.MinSize)
		set(&g.MaxSize, a.MaxSize)
		set(&g.DesiredCapacity, a.DesiredCapacity)
		g.DesiredCapacity = min(max(g.DesiredCapacity, g.MinSize), g.MaxSize)
		delete(g.schedules, n)
	}
}

func putSchedule(c *call, in *Schedule) (*core.None, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	if in.ScheduledActionName == "" || in.MinSize == nil && in.MaxSize == nil && in.DesiredCapacity == nil {
		return nil, invalid("ScheduledActionName and at least one of MinSize, MaxSize and DesiredCapacity are required")
	}
	if in.StartTime != nil && in.StartTime.Before(c.Now) {
		return nil, invalid("Given start time is in the past")
	}
	a := *in
	a.ScheduledActionARN = "arn:aws:autoscaling:" + c.region + ":" + c.account + ":scheduledUpdateGroupAction:" + c.World.UUID() +
		":autoScalingGroupName/" + g.AutoScalingGroupName + ":scheduledActionName/" + a.ScheduledActionName
	g.schedules[a.ScheduledActionName] = &a
	return nil, nil
}

type describeSchedulesIn struct {
	Paged
	AutoScalingGroupName string
	ScheduledActionNames []string
}

type describeSchedulesOut struct {
	ScheduledUpdateGroupActions List[*Schedule]
	NextToken                   string `xml:",omitempty"`
}

func describeSchedules(c *call, in *describeSchedulesIn) (*describeSchedulesOut, error) {
	var found []*Schedule
	for _, n := range names(c.groups) {
		for _, a := range names(c.groups[n].schedules) {
			if (in.AutoScalingGroupName == "" || in.AutoScalingGroupName == n) && wanted(in.ScheduledActionNames, a) {
				found = append(found, c.groups[n].schedules[a])
			}
		}
	}
	list, next, err := page(in.Paged, found, func(a *Schedule) string { return a.AutoScalingGroupName + "/" + a.ScheduledActionName })
	return &describeSchedulesOut{List[*Schedule]{list}, next}, err
}

type scheduleIn struct {
	AutoScalingGroupName string
	ScheduledActionName  string
}

func deleteSchedule(c *call, in *scheduleIn) (*core.None, error) {
	g, err := c.group(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	if g.schedules[in.ScheduledActionName] == nil {
		return nil, invalid("Scheduled action name not found: %s", in.ScheduledActionName)
	}
	delete(g.schedules, in.ScheduledActionName)
	return nil, nil
}
