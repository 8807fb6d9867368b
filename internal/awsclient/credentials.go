package awsclient

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// renewing keeps credentials and mints new ones when less than margin of their
// life is left. One caller mints, the others wait for it, each under its own
// context.
type renewing struct {
	clock  Clock
	margin time.Duration
	mint   func(ctx context.Context) (aws.Credentials, error)

	lock chan struct{} // holds one token; guards cur
	cur  aws.Credentials
}

func newRenewing(clock Clock, margin time.Duration, mint func(context.Context) (aws.Credentials, error)) *renewing {
	r := &renewing{clock: clock, margin: margin, mint: mint, lock: make(chan struct{}, 1)}
	r.lock <- struct{}{}
	return r
}

// Retrieve implements aws.CredentialsProvider.
func (r *renewing) Retrieve(ctx context.Context) (aws.Credentials, error) {
	select {
	case <-r.lock:
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
	defer func() { r.lock <- struct{}{} }()
	if r.cur.HasKeys() && r.left() >= r.margin {
		return r.cur, nil
	}
	c, err := r.mint(ctx)
	if err != nil {
		// A store or STS that is away for a moment costs nothing while the old
		// ones are good; a refusal is final.
		if r.usable() && Classify(err) == Retry && ctx.Err() == nil {
			return r.cur, nil
		}
		return aws.Credentials{}, err
	}
	r.cur = c
	return c, nil
}

// lastMoments of a life are not begun a call with.
const lastMoments = 10 * time.Second

func (r *renewing) left() time.Duration { return r.cur.Expires.Sub(r.clock.Now()) }

func (r *renewing) usable() bool { return r.cur.HasKeys() && r.left() > lastMoments }
