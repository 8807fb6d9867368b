package awsclient

import (
	"context"
	"errors"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ErrReadOnly is given by a reader's configuration for a call that is no read.
var ErrReadOnly = errors.New("a read-only session makes no changes")

// How often one call is attempted.
const (
	readAttempts     = 5
	mutationAttempts = 3
)

type noRetryKey struct{}

// NoRetry makes calls under the context be attempted once: for calls that are
// unsafe to repeat when their reply was lost (iam:CreateAccessKey).
func NoRetry(ctx context.Context) context.Context {
	return context.WithValue(ctx, noRetryKey{}, true)
}

// attempt is one sending of one call.
type attempt struct {
	service, op, region string
	read                bool
}

// gate stands before every attempt of every client made from a configuration.
type gate struct {
	p *Provider
	// account is what budgets are counted by.
	account string
	// admit asks whether the attempt may be sent, and is told by done how it
	// went: known is false if it was sent and AWS did not answer. May be nil.
	admit func(ctx context.Context, a attempt) (done func(known bool), err error)
}

type callKey struct{}

// call counts the attempts of one call.
type call struct{ attempts, limit int }

// install puts the gate into a client's stack: the call's limit at the very
// beginning, the gate itself right behind the SDK's retry loop.
func (g *gate) install(stack *middleware.Stack) error {
	err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("KMLCall", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		c := &call{limit: mutationAttempts}
		if isRead(awsmiddleware.GetOperationName(ctx)) {
			c.limit = readAttempts
		}
		if ctx.Value(noRetryKey{}) != nil {
			c.limit = 1
		}
		return next.HandleInitialize(context.WithValue(ctx, callKey{}, c), in)
	}), middleware.After)
	if err != nil {
		return err
	}
	err = stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("KMLSent", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		if sent, ok := ctx.Value(sentKey{}).(*bool); ok {
			*sent = true
		}
		return next.HandleDeserialize(ctx, in)
	}), middleware.After)
	if err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("KMLGate", g.handle), "Retry", middleware.After)
}

// sentKey finds the flag that says whether an attempt reached the transport.
type sentKey struct{}

func (g *gate) handle(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (out middleware.FinalizeOutput, md middleware.Metadata, err error) {
	a := attempt{
		service: strings.ToLower(strings.ReplaceAll(awsmiddleware.GetServiceID(ctx), " ", "")),
		op:      awsmiddleware.GetOperationName(ctx),
		region:  awsmiddleware.GetRegion(ctx),
	}
	a.read = isRead(a.op)
	if err := g.takeBudget(ctx, a); err != nil {
		return out, md, final{err}
	}
	done := func(bool) {}
	if g.admit != nil {
		if done, err = g.admit(ctx, a); err != nil {
			return out, md, final{err}
		}
	}
	start := g.p.clock.Now()
	sent := false
	out, md, err = next.HandleFinalize(context.WithValue(ctx, sentKey{}, &sent), in)
	resp, _ := awsmiddleware.GetRawResponse(md).(*smithyhttp.Response)
	// Where nothing came back smithy makes up a response without a status.
	done(!sent || resp != nil && resp.StatusCode != 0 || Code(err) != "")
	if g.p.observe != nil {
		g.p.observe(a.service, a.op, outcome(err), g.p.clock.Now().Sub(start))
	}
	if c, ok := ctx.Value(callKey{}).(*call); ok && err != nil {
		if c.attempts++; c.attempts >= c.limit {
			err = final{err}
		}
	}
	return out, md, err
}

func (g *gate) takeBudget(ctx context.Context, a attempt) error {
	r, ok := budgets[a.service+":"+a.op]
	if !ok || g.p.budget == nil {
		return nil
	}
	key := a.service + ":" + a.op + "/" + g.account
	if a.service == "cloudtrail" {
		key += "/" + a.region
	}
	return g.p.budget.Take(ctx, key, r.perSecond, r.burst)
}

// outcome is the code that an observer sees: "" for success, "error" where AWS
// gave none.
func outcome(err error) string {
	switch {
	case err == nil:
		return ""
	case Code(err) != "":
		return Code(err)
	}
	return "error"
}

// final is an error after which the SDK's retry loop ends.
type final struct{ error }

func (f final) Unwrap() error        { return f.error }
func (f final) RetryableError() bool { return false }

// Observer is told of every attempt that was sent: the service's id in lower
// case without spaces, the operation, AWS's error code ("" for success, "error"
// if there was none), and how long it took.
type Observer func(service, op, code string, d time.Duration)
