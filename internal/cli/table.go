package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kodekloud/kml/internal/apitypes"
)

// column is one of a table, and one line of a single thing.
type column[T any] struct {
	head string
	wide bool // in a list only with -o wide
	cell func(T) any
}

func col[T any](head string, cell func(T) any) column[T] {
	return column[T]{head: head, cell: cell}
}

func wide[T any](head string, cell func(T) any) column[T] {
	return column[T]{head: head, wide: true, cell: cell}
}

// state is a cell that is coloured by what it says.
type state string

// view is how cells are written.
type view struct {
	now    time.Time
	wide   bool
	colour bool
}

func (a *app) view() view {
	return view{now: a.Now(), wide: a.format.kind == "wide", colour: a.OutTerminal && a.env("NO_COLOR") == "" && a.env("TERM") != "dumb"}
}

// renderTable writes a line for each item, under a line of heads.
func renderTable[T any](v view, cols []column[T], items []T) string {
	var shown []column[T]
	var rows [][]string
	head := []string{}
	for _, c := range cols {
		if !c.wide || v.wide {
			shown = append(shown, c)
			head = append(head, strings.ToUpper(c.head))
		}
	}
	rows = append(rows, head)
	for _, item := range items {
		row := make([]string, len(shown))
		for i, c := range shown {
			row[i] = v.text(c.cell(item))
		}
		rows = append(rows, row)
	}
	return align(rows, func(row, column int, padded string) string {
		if row == 0 {
			return v.paint(bold, padded)
		}
		return v.paintState(shown[column].cell(items[row-1]), padded)
	})
}

// renderOne writes a line for each column that has something to say.
func renderOne[T any](v view, cols []column[T], item T) string {
	var rows [][]string
	var shown []column[T]
	for _, c := range cols {
		if text := v.text(c.cell(item)); text != nothing {
			rows, shown = append(rows, []string{c.head + ":", text}), append(shown, c)
		}
	}
	return align(rows, func(row, column int, padded string) string {
		if column == 0 {
			return v.paint(bold, padded)
		}
		return v.paintState(shown[row].cell(item), padded)
	})
}

// align pads the cells of each column to one width; paint colours what is padded.
func align(rows [][]string, paint func(row, column int, padded string) string) string {
	if len(rows) == 0 {
		return ""
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for r, row := range rows {
		for i, cell := range row {
			if i == len(row)-1 {
				b.WriteString(paint(r, i, cell))
				break
			}
			b.WriteString(paint(r, i, cell))
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// text writes a cell.
func (v view) text(cell any) string {
	s := ""
	switch x := cell.(type) {
	case string:
		s = x
	case state:
		s = string(x)
	case time.Time:
		s = v.time(x)
	case apitypes.Duration:
		if x != 0 {
			s = short(time.Duration(x))
		}
	case bool:
		if s = "no"; x {
			s = "yes"
		}
	case []string:
		s = strings.Join(x, ",")
	case map[string]int:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			parts = append(parts, k+"="+strconv.Itoa(x[k]))
		}
		s = strings.Join(parts, " ")
	case float64:
		s = strconv.FormatFloat(x, 'f', -1, 64)
	default:
		s = fmt.Sprint(x)
	}
	return cmp.Or(clean(s), nothing)
}

// nothing is a cell that says nothing.
const nothing = "-"

// clean keeps what others wrote from steering the terminal: a name may hold
// escape sequences.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return '�'
		}
		return r
	}, s)
}

// time writes a time: beside now, or with -o wide as it is.
func (v view) time(t time.Time) string {
	switch d := t.Sub(v.now); {
	case t.IsZero():
		return ""
	case v.wide:
		return stamp(t)
	case d > 0:
		return "in " + short(d)
	default:
		return short(-d) + " ago"
	}
}

// stamp writes a time in full.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// short writes a duration by its two largest units.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return d.String()
	case d < time.Hour:
		return units(d, time.Minute, "m", time.Second, "s")
	case d < 2*day:
		return units(d, time.Hour, "h", time.Minute, "m")
	}
	return units(d, day, "d", time.Hour, "h")
}

func units(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	out := strconv.Itoa(int(d/big)) + bigName
	if rest := d % big / small; rest > 0 {
		out += strconv.Itoa(int(rest)) + smallName
	}
	return out
}

// The colours, as terminals know them.
const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

var colours = map[state]string{
	"active": green, "in_use": green, "user_created": green, "ok": green, "delivered": green, "open": green, "allowed": green,
	"waiting": yellow, "assigning": yellow, "scheduled": yellow, "account_assigning": yellow, "account_cleanup": yellow, "user_creating": yellow,
	"pending": yellow, "booked": yellow, "warning": yellow, "paused": yellow, "off": yellow,
	"failed": red, "expired": red, "account_assigning_failed": red, "dead": red, "error": red, "explicitDeny": red, "implicitDeny": red, "revoked": red,
}

func (v view) paintState(cell any, s string) string {
	if st, ok := cell.(state); ok && colours[st] != "" {
		return v.paint(colours[st], s)
	}
	return s
}

func (v view) paint(code, s string) string {
	if !v.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
