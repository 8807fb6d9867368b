package ec2

import (
	"reflect"
	"sort"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// state is EC2 in one account and Region.
type state struct {
	svc             *Service
	account, region string
	now             time.Time // of the call or settlement at work
	seq             uint64
	objects         map[string]Object
	lists           map[*kind][]Object
	agenda          []event
	settings        settings
	tokens          map[string]remembered // by operation and client token
	addresses       uint32                // public addresses handed out
	macs            uint32
	modifications   map[string]*VolumeModification // by volume
}

// event is something that happens by itself at a time.
type event struct {
	at time.Time
	do func()
}

// remembered is the result of a request with a client token.
type remembered struct{ in, out any }

// after does f when n state delays have passed; at the next look at the soonest.
func (st *state) after(n float64, f func()) {
	st.at(st.now.Add(time.Duration(n*float64(st.svc.w.Options.StateDelay))), f)
}

func (st *state) at(t time.Time, f func()) {
	i := sort.Search(len(st.agenda), func(i int) bool { return st.agenda[i].at.After(t) })
	st.agenda = append(st.agenda, event{})
	copy(st.agenda[i+1:], st.agenda[i:])
	st.agenda[i] = event{at: t, do: f}
}

// settle does what is due at now, in order of time.
func (st *state) settle(now time.Time) {
	for len(st.agenda) > 0 && !st.agenda[0].at.After(now) {
		e := st.agenda[0]
		st.agenda = st.agenda[1:]
		st.now = e.at
		e.do()
	}
	st.now = now
}

// once makes a request idempotent by its client token: the same token with the
// same parameters gives the same answer, with others IdempotentParameterMismatch.
func once[In, Out any](c *call, token string, in *In, do func() (Out, error)) (Out, error) {
	if token == "" {
		return do()
	}
	key := c.Op.Name + "/" + token
	if r, ok := c.tokens[key]; ok {
		if !reflect.DeepEqual(r.in, *in) {
			var none Out
			return none, core.Errorf(400, "IdempotentParameterMismatch",
				"The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical")
		}
		return r.out.(Out), nil
	}
	copied := *in
	out, err := do()
	if err == nil {
		c.tokens[key] = remembered{in: copied, out: out}
	}
	return out, err
}
