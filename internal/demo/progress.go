package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Progress is how the class and the fleet stand.
type Progress struct {
	Elapsed  time.Duration
	Accounts map[fleet.State]int
	Sessions map[fleet.SessionState]int
	Served   int
	Students int
	Err      error // why the stand could not be read
}

// watch shows the progress every second until the returned function is called.
func (c *class) watch(ctx context.Context, show func(Progress)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	start := time.Now()
	wg.Go(func() {
		for sleepUntil(ctx, time.Now().Add(time.Second)) == nil {
			p := c.stand(ctx)
			p.Elapsed = time.Since(start)
			if ctx.Err() == nil {
				show(p)
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

func (c *class) stand(ctx context.Context) Progress {
	p := Progress{Accounts: map[fleet.State]int{}, Students: c.Students}
	counts, err := c.fleet.Accounts.Count(ctx)
	for _, x := range counts {
		p.Accounts[x.State] += x.N
	}
	if err == nil {
		p.Sessions, err = c.fleet.Sessions.Count(ctx)
	}
	p.Err = err
	c.note(func(r *Report) { p.Served = r.Served })
	return p
}

// Show gives a function that shows progress: a block that is redrawn on a
// terminal, a plain line every five seconds elsewhere.
func Show(w io.Writer, terminal bool) func(Progress) {
	lines, last := 0, time.Duration(-time.Hour)
	return func(p Progress) {
		if terminal {
			if lines > 0 {
				_, _ = fmt.Fprintf(w, "\x1b[%dA\x1b[J", lines)
			}
			text := block(p)
			lines = strings.Count(text, "\n")
			_, _ = io.WriteString(w, text)
			return
		}
		if p.Elapsed-last < 5*time.Second {
			return
		}
		last = p.Elapsed
		_, _ = fmt.Fprintf(w, "%4.0f s  %s\n", p.Elapsed.Seconds(), line(p))
	}
}

func line(p Progress) string {
	if p.Err != nil {
		return "not readable: " + p.Err.Error()
	}
	var parts []string
	for _, s := range fleet.States {
		if n := p.Accounts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", s, n))
		}
	}
	return fmt.Sprintf("served %d of %d, waiting %d | %s", p.Served, p.Students, p.Sessions[fleet.SessionWaiting], strings.Join(parts, ", "))
}

func block(p Progress) string {
	if p.Err != nil {
		return line(p) + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  %3.0f s   students served %d of %d, on the waiting list %d\n", p.Elapsed.Seconds(), p.Served, p.Students, p.Sessions[fleet.SessionWaiting])
	for _, s := range fleet.States {
		fmt.Fprintf(&b, "  %-26s %4d %s\n", s, p.Accounts[s], strings.Repeat("█", min(p.Accounts[s], 80)))
	}
	return b.String()
}
