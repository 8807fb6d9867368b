package cleaner

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/fleet"
)

// Bounds of one run.
const (
	parallel  = 8    // deletions of one kind at a time
	batchSize = 2000 // resources held in memory
	passes    = 3    // tries of what is blocked, while others still go
	maxErrors = 10   // errors told of one kind
	maxLeft   = 50   // resources told that are left
)

// Event is one thing that a run did or found out.
type Event struct {
	Action   string // planned, stopped, deleted, kept, blocked, failed, verified, restored
	Kind     string
	Region   string
	Resource string
	Detail   string
}

// Recorder takes evidence; it is called by one goroutine at a time. May be nil.
type Recorder func(Event)

// Result is what a sweep did. Only Verify says whether anything is left.
type Result struct {
	Kind      string
	Region    string
	Listed    int
	Kept      int
	Deleted   int // asked to be deleted, or gone already
	Blocked   int // something else must go first
	Throttled int // AWS asks to slow down
	Failed    int
	// Err joins what went wrong: the list, and the first failures.
	Err error
}

// Finding is what Verify knows of a kind. Err says why it is Unknown.
type Finding struct {
	Kind      string
	Region    string
	Verdict   fleet.Verdict
	Listed    int
	Kept      int
	LeftCount int
	Left      []Resource // the first fifty
	Err       error
}

// Verify lists again and says what is known. It changes nothing.
func Verify(ctx context.Context, p Place, k Kind) Finding {
	f := Finding{Kind: k.Name, Region: p.Region, Verdict: fleet.Clean}
	if err := p.check(); err != nil {
		return f.unknown(err)
	}
	for r, err := range k.list(ctx, p) {
		if err != nil {
			return f.unknown(err)
		}
		f.Listed++
		if r.Keep != "" {
			f.Kept++
			continue
		}
		f.Verdict = fleet.Remaining
		if f.LeftCount++; len(f.Left) < maxLeft {
			f.Left = append(f.Left, r)
		}
	}
	return f
}

func (f Finding) unknown(err error) Finding {
	f.Verdict, f.Err = fleet.Unknown, err
	return f
}

// Sweep asks for everything of a kind to be deleted that does not belong to the
// account.
func Sweep(ctx context.Context, p Place, k Kind, rec Recorder) Result {
	return newRun(ctx, p, k, rec, "deleted", k.delete).all()
}

// Stop makes everything of a kind cease to act by itself; for a kind whose
// things do not, it does nothing.
func Stop(ctx context.Context, p Place, k Kind, rec Recorder) Result {
	if !k.Stops {
		return Result{Kind: k.Name, Region: p.Region}
	}
	return newRun(ctx, p, k, rec, "stopped", k.stop).all()
}

// Plan tells what Sweep would delete and keep (events "planned" and "kept"), and
// changes nothing.
func Plan(ctx context.Context, p Place, k Kind, rec Recorder) Result {
	r := newRun(ctx, p, k, rec, "planned", func(context.Context, Place, Resource) error { return nil }).all()
	r.Deleted = 0
	return r
}

// run is one pass of a verb over all resources of a kind.
type run struct {
	ctx  context.Context
	halt context.CancelCauseFunc // ends the run: nothing more may be done here
	p    Place
	k    Kind
	rec  Recorder
	done string // the action that is recorded for success
	act  func(context.Context, Place, Resource) error

	mu   sync.Mutex
	res  Result
	errs []error
}

func newRun(ctx context.Context, p Place, k Kind, rec Recorder, done string, act func(context.Context, Place, Resource) error) *run {
	r := &run{p: p, k: k, rec: rec, done: done, act: act, res: Result{Kind: k.Name, Region: p.Region}}
	r.ctx, r.halt = context.WithCancelCause(ctx)
	return r
}

func (r *run) all() Result {
	defer r.halt(nil)
	if err := r.p.check(); err != nil {
		r.res.Err = err
		return r.res
	}
	for batch, err := range batches(r.k.list(r.ctx, r.p), batchSize) {
		if err != nil {
			r.fail(err)
			break
		}
		r.batch(batch)
		if cause := context.Cause(r.ctx); cause != nil {
			if !mustHalt(cause) { // that one was told already
				r.fail(cause)
			}
			break
		}
	}
	r.res.Err = errors.Join(r.errs...)
	return r.res
}

// batch acts on the resources of a batch. What is blocked is tried again as long
// as others go: security groups name each other, images hold snapshots.
func (r *run) batch(batch []Resource) {
	var pending []Resource
	for _, x := range batch {
		r.res.Listed++
		if x.Keep != "" {
			r.res.Kept++
			r.record("kept", x, x.Keep)
			continue
		}
		pending = append(pending, x)
	}
	for pass := 1; len(pending) > 0; pass++ {
		before := r.res.Deleted
		blocked := r.pass(pending)
		last := pass == passes || r.res.Deleted == before || r.ctx.Err() != nil
		if !last {
			pending = pending[:0]
			for _, b := range blocked {
				pending = append(pending, b.Resource)
			}
			continue
		}
		r.res.Blocked += len(blocked)
		for _, b := range blocked {
			r.record("blocked", b.Resource, awsDetail(b.err))
		}
		return
	}
}

type blockedResource struct {
	Resource
	err error
}

// pass acts on each resource once, a few at a time, and gives those that are
// blocked.
func (r *run) pass(pending []Resource) []blockedResource {
	var (
		wg      sync.WaitGroup
		blocked []blockedResource
		queue   = make(chan Resource)
	)
	for range min(parallel, len(pending)) {
		wg.Go(func() {
			for x := range queue {
				if err := r.one(x); err != nil {
					r.mu.Lock()
					blocked = append(blocked, blockedResource{x, err})
					r.mu.Unlock()
				}
			}
		})
	}
	for _, x := range pending {
		if r.ctx.Err() != nil {
			break
		}
		queue <- x
	}
	close(queue)
	wg.Wait()
	return blocked
}

// one acts on one resource; only what is blocked is given back as an error.
func (r *run) one(x Resource) error {
	err := r.act(r.ctx, r.p, x)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch class := Classify(err); class {
	case awsclient.None, awsclient.Gone:
		r.res.Deleted++
		r.record(r.done, x, "")
	case awsclient.Blocked:
		return err
	case awsclient.Throttled:
		r.res.Throttled++
	default:
		r.res.Failed++
		r.record("failed", x, awsDetail(err))
		r.fail(err)
		if mustHalt(err) {
			r.halt(err)
		}
	}
	return nil
}

// mustHalt says that this account is none of ours any more.
func mustHalt(err error) bool {
	return errors.Is(err, fleet.ErrProtected) || errors.Is(err, fleet.ErrStaleEpoch) || errors.Is(err, awsclient.ErrClosed)
}

func (r *run) fail(err error) {
	if len(r.errs) < maxErrors {
		r.errs = append(r.errs, err)
	}
}

func (r *run) record(action string, x Resource, detail string) {
	if r.rec != nil {
		r.rec(Event{Action: action, Kind: r.k.Name, Region: r.p.Region, Resource: x.ID, Detail: detail})
	}
}

// awsDetail is AWS's code with the error's words.
func awsDetail(err error) string {
	if c := awsclient.Code(err); c != "" {
		return fmt.Sprintf("%s: %v", c, err)
	}
	return err.Error()
}
