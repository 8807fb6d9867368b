package events

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// schedule tells when a rule runs next after a moment; zero means never again.
type schedule interface{ after(time.Time) time.Time }

type every time.Duration

func (e every) after(t time.Time) time.Time { return t.Add(time.Duration(e)) }

var rate = regexp.MustCompile(`^rate\(([1-9]\d*) (minutes?|hours?|days?)\)$`)

// parseSchedule reads rate(5 minutes) or cron(0 12 * * ? *). Of cron's syntax W
// (nearest weekday) is refused.
func parseSchedule(s string) (schedule, error) {
	if m := rate.FindStringSubmatch(s); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n > 1_000_000 {
			return nil, fmt.Errorf("%s: the rate is out of range", s)
		}
		if (n == 1) == strings.HasSuffix(m[2], "s") {
			return nil, fmt.Errorf("%s: a value of 1 needs the singular, others the plural", s)
		}
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(m[2], "s")]
		return every(time.Duration(n) * unit), nil
	}
	body, isCron := strings.CutPrefix(s, "cron(")
	body, closed := strings.CutSuffix(body, ")")
	if !isCron || !closed {
		return nil, fmt.Errorf("%s: it must be rate(…) or cron(…)", s)
	}
	return parseCron(strings.Fields(body))
}

// cron has EventBridge's six fields.
type cron struct {
	minutes, hours, months, years map[int]bool // years nil: all
	day                           func(time.Time) bool
}

var monthNames = map[string]int{"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6, "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12}
var dayNames = map[string]int{"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}

func parseCron(f []string) (schedule, error) {
	if len(f) != 6 {
		return nil, fmt.Errorf("cron has six fields, not %d", len(f))
	}
	if (f[2] == "?") == (f[4] == "?") {
		return nil, fmt.Errorf("one of day-of-month and day-of-week must be ?")
	}
	c := &cron{}
	var err error
	if c.minutes, err = set(f[0], 0, 59, nil); err != nil {
		return nil, fmt.Errorf("minutes: %w", err)
	}
	if c.hours, err = set(f[1], 0, 23, nil); err != nil {
		return nil, fmt.Errorf("hours: %w", err)
	}
	if c.months, err = set(f[3], 1, 12, monthNames); err != nil {
		return nil, fmt.Errorf("month: %w", err)
	}
	if f[5] != "*" {
		if c.years, err = set(f[5], 1970, 2199, nil); err != nil {
			return nil, fmt.Errorf("year: %w", err)
		}
	}
	if f[4] == "?" {
		c.day, err = dayOfMonth(f[2])
	} else {
		c.day, err = dayOfWeek(f[4])
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// set reads a list of values, ranges and steps: "1,5-7,*/15,MON".
func set(field string, lo, hi int, names map[string]int) (map[int]bool, error) {
	out := map[int]bool{}
	for _, part := range strings.Split(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("step %q is no positive number", stepText)
			}
			step = n
		}
		from, to := lo, hi
		if span != "*" {
			a, b, ranged := strings.Cut(span, "-")
			var err error
			if from, err = value(a, lo, hi, names); err != nil {
				return nil, err
			}
			switch {
			case ranged:
				if to, err = value(b, lo, hi, names); err != nil {
					return nil, err
				}
			case !stepped:
				to = from
			}
		}
		for i := from; i <= to; i += step {
			out[i] = true
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%q names nothing", field)
	}
	return out, nil
}

func value(s string, lo, hi int, names map[string]int) (int, error) {
	if n, ok := names[strings.ToUpper(s)]; ok {
		return n, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("%q is not between %d and %d", s, lo, hi)
	}
	return n, nil
}

func lastDay(t time.Time) int {
	return time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func dayOfMonth(f string) (func(time.Time) bool, error) {
	if f == "L" {
		return func(t time.Time) bool { return t.Day() == lastDay(t) }, nil
	}
	if strings.HasSuffix(f, "W") {
		return nil, fmt.Errorf("day-of-month: the simulator does not know W (nearest weekday): %s", f)
	}
	days, err := set(f, 1, 31, nil)
	if err != nil {
		return nil, fmt.Errorf("day-of-month: %w", err)
	}
	return func(t time.Time) bool { return days[t.Day()] }, nil
}

func dayOfWeek(f string) (func(time.Time) bool, error) {
	if day, nth, ok := strings.Cut(f, "#"); ok { // 3#2: the second Tuesday
		d, err := value(day, 1, 7, dayNames)
		if err != nil {
			return nil, fmt.Errorf("day-of-week: %w", err)
		}
		n, err := value(nth, 1, 5, nil)
		if err != nil {
			return nil, fmt.Errorf("day-of-week: %w", err)
		}
		return func(t time.Time) bool { return int(t.Weekday())+1 == d && (t.Day()+6)/7 == n }, nil
	}
	if day, ok := strings.CutSuffix(f, "L"); ok { // 6L: the last Friday; L: Saturday
		if day == "" {
			day = "7"
			return set1(day)
		}
		d, err := value(day, 1, 7, dayNames)
		if err != nil {
			return nil, fmt.Errorf("day-of-week: %w", err)
		}
		return func(t time.Time) bool { return int(t.Weekday())+1 == d && t.Day() > lastDay(t)-7 }, nil
	}
	return set1(f)
}

func set1(f string) (func(time.Time) bool, error) {
	days, err := set(f, 1, 7, dayNames)
	if err != nil {
		return nil, fmt.Errorf("day-of-week: %w", err)
	}
	return func(t time.Time) bool { return days[int(t.Weekday())+1] }, nil
}

// horizon is how far ahead a cron is looked for: 29 February takes eight years
// at most.
const horizon = 9 * 366

func (c *cron) after(now time.Time) time.Time {
	t := now.UTC().Truncate(time.Minute).Add(time.Minute)
	for d := range horizon {
		day := time.Date(t.Year(), t.Month(), t.Day()+d, 0, 0, 0, 0, time.UTC)
		if !c.months[int(day.Month())] || c.years != nil && !c.years[day.Year()] || !c.day(day) {
			continue
		}
		for h := range 24 {
			for m := range 60 {
				if at := day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute); c.hours[h] && c.minutes[m] && !at.Before(t) {
					return at
				}
			}
		}
	}
	return time.Time{}
}
