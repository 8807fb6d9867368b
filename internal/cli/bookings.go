package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

var bookingColumns = []column[apitypes.Booking]{
	col("id", func(b apitypes.Booking) any { return b.ID }),
	col("title", func(b apitypes.Booking) any { return b.Title }),
	col("type", func(b apitypes.Booking) any { return b.Type }),
	col("seats", func(b apitypes.Booking) any { return b.Seats }),
	col("state", func(b apitypes.Booking) any { return state(b.State) }),
	col("start", func(b apitypes.Booking) any { return b.Start }),
	col("end", func(b apitypes.Booking) any { return b.End }),
	col("held", func(b apitypes.Booking) any { return b.Held }),
	col("labs", func(b apitypes.Booking) any { return b.Labs }),
	wide("owner", func(b apitypes.Booking) any { return b.Owner }),
	wide("purpose", func(b apitypes.Booking) any { return b.Purpose }),
	wide("warm from", func(b apitypes.Booking) any { return b.WarmFrom }),
	wide("let go", func(b apitypes.Booking) any { return b.NoShow }),
	wide("students", func(b apitypes.Booking) any { return b.Students }),
	wide("made", func(b apitypes.Booking) any { return b.CreatedAt }),
	wide("reason", func(b apitypes.Booking) any { return b.Reason }),
}

var slotColumns = []column[apitypes.Slot]{
	col("start", func(s apitypes.Slot) any { return s.Start }),
	col("end", func(s apitypes.Slot) any { return s.End }),
	col("seats", func(s apitypes.Slot) any { return s.Seats }),
}

func (a *app) bookings() *cobra.Command {
	g := a.group("bookings", "Seats booked for classes", a.bookingMake(), a.bookingList(), a.bookingGet(), a.bookingChange(), a.bookingCancel(), a.bookingSlots())
	g.Aliases = []string{"booking"}
	return g
}

// readStudents reads a list of students, one a line; - is standard input.
func (a *app) readStudents(path string) ([]string, error) {
	in := a.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, &usageError{err: err}
		}
		defer func() { _ = f.Close() }() // nothing was written to it
		in = f
	}
	var out []string
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if s := strings.TrimSpace(lines.Text()); s != "" {
			out = append(out, s)
		}
	}
	return out, lines.Err()
}

func (a *app) bookingMake() *cobra.Command {
	var r apitypes.BookingRequest
	var start, end, students string
	var length, noShow time.Duration
	return a.command(spec{use: "create", short: "Book seats for a class",
		example: "  kmlctl bookings create --type ec2-basics --seats 120 --start 2026-12-01T10:00:00Z --for 2h --title \"EC2, Tuesday\"",
		flags: func(c *cobra.Command) {
			f := c.Flags()
			f.StringVar(&r.Type, "type", "", "lab type")
			f.IntVar(&r.Seats, "seats", 0, "how many labs")
			f.StringVar(&start, "start", "", "when the class starts, such as 2026-12-01T10:00:00Z or +24h")
			f.StringVar(&end, "end", "", "when it ends")
			f.DurationVar(&length, "for", 0, "how long it is, instead of --end")
			f.StringVar(&r.Title, "title", "", "what it is called")
			f.StringVar(&r.Purpose, "purpose", "", "production, development or testing")
			f.DurationVar(&noShow, "no-show", 0, "seats nobody took are let go so long after the start (default: the server's)")
			f.StringVar(&students, "students", "", "file with a student a line, or -: their labs are requested when the class starts")
			mustComplete(c, "type", flagNames(a, listLabTypes, labTypeChoice))
		},
		call: func(ctx context.Context, c *apiclient.Client, _ []string) (err error) {
			switch {
			case r.Type == "":
				return need("type")
			case r.Seats <= 0:
				return need("seats")
			case start == "":
				return need("start")
			case (end == "") == (length == 0):
				return usagef("give --end or --for, one of them")
			}
			if r.Start, err = a.parseTime("start", start); err != nil {
				return err
			}
			if r.End, err = a.parseTime("end", end); err != nil {
				return err
			}
			if length != 0 {
				r.End = r.Start.Add(length)
			}
			if students != "" {
				if r.Students, err = a.readStudents(students); err != nil {
					return err
				}
			}
			r.NoShow = apitypes.Duration(noShow)
			b, err := c.Book(ctx, r)
			if err != nil {
				return err
			}
			return printOne(a, bookingColumns, b)
		}})
}

func (a *app) bookingList() *cobra.Command {
	var q apiclient.BookingQuery
	var from, to string
	return a.command(spec{use: "list", short: "List bookings by their start", flags: func(c *cobra.Command) {
		f := c.Flags()
		f.StringVar(&q.State, "state", "", "booked, open, done or cancelled")
		f.StringVar(&from, "from", "", "that start then or later, such as 2026-12-01T10:00:00Z or -24h")
		f.StringVar(&to, "to", "", "that start before")
		limitFlag(c, &q.Limit, 100)
	}, call: func(ctx context.Context, c *apiclient.Client, _ []string) (err error) {
		if q.From, err = a.parseTime("from", from); err != nil {
			return err
		}
		if q.To, err = a.parseTime("to", to); err != nil {
			return err
		}
		all, err := apiclient.Collect(c.Bookings(ctx, q))
		if err != nil {
			return err
		}
		return printList(a, bookingColumns, all)
	}})
}

func (a *app) bookingGet() *cobra.Command {
	return a.command(spec{use: "get ID", short: "Show a booking", args: cobra.ExactArgs(1), complete: a.completeBookings,
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			b, err := c.Booking(ctx, args[0])
			if err != nil {
				return err
			}
			return printOne(a, bookingColumns, b)
		}})
}

func (a *app) bookingChange() *cobra.Command {
	var seats int
	var start, end, title, students string
	var given func(string) bool
	return a.command(spec{use: "change ID", short: "Change what is given of a booking", args: cobra.ExactArgs(1), complete: a.completeBookings,
		flags: func(c *cobra.Command) {
			f := c.Flags()
			f.IntVar(&seats, "seats", 0, "how many labs")
			f.StringVar(&start, "start", "", "when the class starts")
			f.StringVar(&end, "end", "", "when it ends")
			f.StringVar(&title, "title", "", "what it is called")
			f.StringVar(&students, "students", "", "file with a student a line, or -")
			c.MarkFlagsOneRequired("seats", "start", "end", "title", "students")
			given = f.Changed
		},
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			var ch apitypes.BookingChange
			if given("seats") {
				ch.Seats = &seats
			}
			if given("title") {
				ch.Title = &title
			}
			for _, t := range []struct {
				flag, value string
				to          **time.Time
			}{{"start", start, &ch.Start}, {"end", end, &ch.End}} {
				at, err := a.parseTime(t.flag, t.value)
				if err != nil {
					return err
				}
				if !at.IsZero() {
					*t.to = &at
				}
			}
			if students != "" {
				all, err := a.readStudents(students)
				if err != nil {
					return err
				}
				ch.Students = &all
			}
			now, err := c.Booking(ctx, args[0])
			if err != nil {
				return err
			}
			b, err := c.ChangeBooking(ctx, args[0], now.Version, ch)
			if err != nil {
				return err
			}
			return printOne(a, bookingColumns, b)
		}})
}

func (a *app) bookingCancel() *cobra.Command {
	var reason string
	return a.command(spec{use: "cancel ID", short: "Give a booking's seats back", args: cobra.ExactArgs(1), complete: a.completeBookings, asks: true,
		flags: func(c *cobra.Command) { reasonFlag(c, &reason) },
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			if reason == "" {
				return need("reason")
			}
			err := a.confirm(ctx, "booking's id", args[0], func() (string, error) {
				b, err := c.Booking(ctx, args[0])
				return fmt.Sprintf("cancel booking %s (%s, %d seats of %s from %s)", clean(b.ID), clean(b.Title), b.Seats, clean(b.Type), stamp(b.Start)), err
			})
			if err != nil {
				return err
			}
			b, err := c.CancelBooking(ctx, args[0], reason)
			if err != nil {
				return err
			}
			return printOne(a, bookingColumns, b)
		}})
}

func (a *app) bookingSlots() *cobra.Command {
	var q apiclient.SlotQuery
	var from string
	length := 2 * time.Hour
	return a.command(spec{use: "slots", short: "Find the nearest times at which a class fits",
		flags: func(c *cobra.Command) {
			f := c.Flags()
			f.StringVar(&q.Type, "type", "", "lab type")
			f.IntVar(&q.Seats, "seats", 0, "how many labs")
			f.DurationVar(&length, "for", length, "how long the class is")
			f.StringVar(&from, "from", "", "not before then (default: now)")
			f.StringVar(&q.Purpose, "purpose", "", "production, development or testing")
			mustComplete(c, "type", flagNames(a, listLabTypes, labTypeChoice))
		},
		call: func(ctx context.Context, c *apiclient.Client, _ []string) (err error) {
			switch {
			case q.Type == "":
				return need("type")
			case q.Seats <= 0:
				return need("seats")
			}
			if q.From, err = a.parseTime("from", from); err != nil {
				return err
			}
			q.Duration = apitypes.Duration(length)
			all, err := c.Slots(ctx, q)
			if err != nil {
				return err
			}
			return printList(a, slotColumns, all)
		}})
}
