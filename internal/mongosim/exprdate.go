package mongosim

import (
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// dateArgs evaluates the named arguments of a date operator. null says that a
// required one is null. Only UTC is known.
func dateArgs(op string, a map[string]expr, sc *scope) (v map[string]any, null bool, err error) {
	v = map[string]any{}
	for name, ex := range a {
		x, err := ex.eval(sc)
		if err != nil {
			return nil, false, err
		}
		v[name] = x
		if name == "timezone" && x != "UTC" && x != "GMT" && x != "Etc/UTC" && !isNullish(x) {
			return nil, false, errf(codeNotImplemented, "mongosim supports the timezone UTC only in %s, not %v", op, x)
		}
		null = null || isNullish(x) && name != "onNull"
	}
	return v, null, nil
}

func asTime(op string, v any) (time.Time, error) {
	switch d := v.(type) {
	case bson.DateTime:
		return d.Time().UTC(), nil
	case bson.ObjectID:
		return d.Timestamp().UTC(), nil
	case bson.Timestamp:
		return time.Unix(int64(d.T), 0).UTC(), nil
	}
	return time.Time{}, errf(16006, "can't convert from %s to Date in %s", typeName(v), op)
}

func whole(op, name string, v any) (int64, error) {
	n, ok := toInt64(v)
	if !ok {
		return 0, errf(codeBadValue, "%s requires '%s' to be a whole number, found %s", op, name, typeName(v))
	}
	return n, nil
}

// fixedUnits last the same everywhere.
var fixedUnits = map[string]time.Duration{
	"millisecond": time.Millisecond, "second": time.Second, "minute": time.Minute,
	"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour,
}

var monthUnits = map[string]int64{"month": 1, "quarter": 3, "year": 12}

func checkUnit(op string, v any) (string, error) {
	u, _ := v.(string)
	if fixedUnits[u] == 0 && monthUnits[u] == 0 {
		return "", errf(codeFailedToParse, "%s: unknown time unit value: %v", op, v)
	}
	return u, nil
}

var weekdays = map[string]time.Weekday{
	"sunday": 0, "sun": 0, "monday": 1, "mon": 1, "tuesday": 2, "tue": 2, "wednesday": 3, "wed": 3,
	"thursday": 4, "thu": 4, "friday": 5, "fri": 5, "saturday": 6, "sat": 6,
}

// epoch2000 is where bins of more than one unit are counted from (manual:
// "$dateTrunc").
var epoch2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// bin is the number of the bin of n units that t lies in; binStart its start.
func bin(t time.Time, unit string, n int64, first time.Weekday) int64 {
	if m := monthUnits[unit]; m > 0 {
		months := int64(t.Year()-2000)*12 + int64(t.Month()) - 1
		return floorDiv(months, m*n)
	}
	return floorDiv(t.Sub(binOrigin(unit, first)).Milliseconds(), fixedUnits[unit].Milliseconds()*n)
}

func binStart(at int64, unit string, n int64, first time.Weekday) time.Time {
	if m := monthUnits[unit]; m > 0 {
		return epoch2000.AddDate(0, int(at*m*n), 0)
	}
	return binOrigin(unit, first).Add(time.Duration(at*n) * fixedUnits[unit])
}

func binOrigin(unit string, start time.Weekday) time.Time {
	if unit != "week" {
		return epoch2000
	}
	return epoch2000.AddDate(0, 0, int(start-epoch2000.Weekday()+7)%7)
}

func startOfWeek(op string, v map[string]any) (time.Weekday, error) {
	s, given := v["startOfWeek"]
	if !given {
		return time.Sunday, nil
	}
	name, _ := s.(string)
	d, ok := weekdays[strings.ToLower(name)]
	if !ok {
		return 0, errf(codeFailedToParse, "%s: unknown day of week value: %v", op, s)
	}
	return d, nil
}

func dateTruncForm(op string, arg any, vars []string) (expr, error) {
	a, err := namedArgs(op, arg, vars, "date unit", "binSize timezone startOfWeek")
	if err != nil {
		return nil, err
	}
	return funcExpr(func(sc *scope) (any, error) {
		v, null, err := dateArgs(op, a, sc)
		if err != nil || null {
			return nil, err
		}
		t, err := asTime(op, v["date"])
		if err != nil {
			return nil, err
		}
		unit, err := checkUnit(op, v["unit"])
		if err != nil {
			return nil, err
		}
		start, err := startOfWeek(op, v)
		if err != nil {
			return nil, err
		}
		n := int64(1)
		if b, ok := v["binSize"]; ok {
			if n, err = whole(op, "binSize", b); err != nil {
				return nil, err
			}
		}
		if n < 1 || unit == "week" && n > 1 {
			return nil, errf(codeNotImplemented, "mongosim does not support a binSize of %d %s in %s", n, unit, op)
		}
		return bson.NewDateTimeFromTime(binStart(bin(t, unit, n, start), unit, n, start)), nil
	}), nil
}

// dateDiffForm counts the unit's boundaries between two dates.
func dateDiffForm(op string, arg any, vars []string) (expr, error) {
	a, err := namedArgs(op, arg, vars, "startDate endDate unit", "timezone startOfWeek")
	if err != nil {
		return nil, err
	}
	return funcExpr(func(sc *scope) (any, error) {
		v, null, err := dateArgs(op, a, sc)
		if err != nil || null {
			return nil, err
		}
		from, err := asTime(op, v["startDate"])
		if err != nil {
			return nil, err
		}
		to, err := asTime(op, v["endDate"])
		if err != nil {
			return nil, err
		}
		unit, err := checkUnit(op, v["unit"])
		if err != nil {
			return nil, err
		}
		start, err := startOfWeek(op, v)
		if err != nil {
			return nil, err
		}
		return bin(to, unit, 1, start) - bin(from, unit, 1, start), nil
	}), nil
}

func dateAddForm(op string, arg any, vars []string) (expr, error) {
	a, err := namedArgs(op, arg, vars, "startDate unit amount", "timezone")
	if err != nil {
		return nil, err
	}
	return funcExpr(func(sc *scope) (any, error) {
		v, null, err := dateArgs(op, a, sc)
		if err != nil || null {
			return nil, err
		}
		t, err := asTime(op, v["startDate"])
		if err != nil {
			return nil, err
		}
		unit, err := checkUnit(op, v["unit"])
		if err != nil {
			return nil, err
		}
		n, err := whole(op, "amount", v["amount"])
		if err != nil {
			return nil, err
		}
		if op == "$dateSubtract" {
			n = -n
		}
		if m := monthUnits[unit]; m > 0 {
			// The day is cut to the length of the month, not carried over.
			first := time.Date(t.Year(), t.Month()+time.Month(n*m), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
			lastDay := first.AddDate(0, 1, -1).Day()
			t = first.AddDate(0, 0, min(t.Day(), lastDay)-1)
		} else {
			t = t.Add(time.Duration(n) * fixedUnits[unit])
		}
		return bson.NewDateTimeFromTime(t), nil
	}), nil
}

func dateToStringForm(op string, arg any, vars []string) (expr, error) {
	a, err := namedArgs(op, arg, vars, "date", "format timezone onNull")
	if err != nil {
		return nil, err
	}
	return funcExpr(func(sc *scope) (any, error) {
		v, null, err := dateArgs(op, a, sc)
		if err != nil {
			return nil, err
		}
		if isNullish(v["date"]) {
			return v["onNull"], nil
		}
		if null {
			return nil, nil
		}
		t, err := asTime(op, v["date"])
		if err != nil {
			return nil, err
		}
		format := "%Y-%m-%dT%H:%M:%S.%LZ"
		if f, ok := v["format"]; ok {
			if format, ok = f.(string); !ok {
				return nil, errf(18533, "$dateToString requires that 'format' be a string, found: %s", typeName(f))
			}
		}
		return formatDate(t, format)
	}), nil
}

func formatDate(t time.Time, format string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		if i++; i == len(format) {
			return "", errf(18535, "Unmatched '%%' at end of format string")
		}
		year, week := t.ISOWeek()
		switch format[i] {
		case '%':
			b.WriteByte('%')
		case 'Y':
			fmt.Fprintf(&b, "%04d", t.Year())
		case 'm':
			fmt.Fprintf(&b, "%02d", t.Month())
		case 'd':
			fmt.Fprintf(&b, "%02d", t.Day())
		case 'H':
			fmt.Fprintf(&b, "%02d", t.Hour())
		case 'M':
			fmt.Fprintf(&b, "%02d", t.Minute())
		case 'S':
			fmt.Fprintf(&b, "%02d", t.Second())
		case 'L':
			fmt.Fprintf(&b, "%03d", t.Nanosecond()/int(time.Millisecond))
		case 'j':
			fmt.Fprintf(&b, "%03d", t.YearDay())
		case 'w':
			fmt.Fprintf(&b, "%d", t.Weekday()+1)
		case 'u':
			fmt.Fprintf(&b, "%d", (t.Weekday()+6)%7+1)
		case 'G':
			fmt.Fprintf(&b, "%04d", year)
		case 'V':
			fmt.Fprintf(&b, "%02d", week)
		case 'z':
			b.WriteString("+0000")
		default:
			return "", errf(18536, "Invalid format character '%%%c' in format string (mongosim)", format[i])
		}
	}
	return b.String(), nil
}
