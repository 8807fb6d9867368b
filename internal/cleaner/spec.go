package cleaner

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/fleet"
)

// Resource is one thing in an account.
type Resource struct {
	ID        string // what Delete needs
	Name      string
	ARN       string
	Region    string // filled in by the package
	CreatedAt time.Time
	Tags      map[string]string
	// State is the service's own word for it ("shutting-down"), or whatever else
	// Delete wants to know without asking again.
	State string
	// Keep is why it stays, where the list itself tells ("" to delete it).
	Keep string
}

// Place is where a cleaner works.
type Place struct {
	AccountID  string
	MemberRole string // name of the fleet's role in the account, which stays
	Region     string // "us-east-1" for global kinds
	Config     aws.Config
}

func (p Place) check() error {
	switch {
	case p.AccountID == "":
		return &fleet.FieldError{Field: "Place.AccountID", Remedy: "say which account is cleaned"}
	case p.MemberRole == "":
		return &fleet.FieldError{Field: "Place.MemberRole", Remedy: "name the fleet's role, which must stay"}
	case p.Region == "":
		return &fleet.FieldError{Field: "Place.Region", Remedy: "say which Region is cleaned"}
	}
	return nil
}

// Spec describes one kind of resource; C is the SDK client of its service.
type Spec[C any] struct {
	Kind   string   // "ec2.instance": service, dot, noun; unique
	Source string   // CloudTrail event source, "ec2.amazonaws.com"
	Also   []string // other event sources that make such things by themselves
	Global bool     // one list per account instead of one per Region
	After  []string // kinds that must go first

	// List gives every resource of the kind as a stream. After an error nothing
	// more is read.
	List func(ctx context.Context, c *C) iter.Seq2[Resource, error]

	// Delete asks for r to be deleted, protection first, and does not wait.
	// AWS's own not-found and dependency errors are understood; a kind whose
	// service has no code for them returns ErrGone or Blocked.
	Delete func(ctx context.Context, c *C, r Resource) error

	// Keep gives the reason why r stays ("" to delete it). May be nil.
	Keep func(p Place, r Resource) string

	// Stop makes r cease to act by itself, right after the freeze and before
	// anything is read. May be nil.
	Stop func(ctx context.Context, c *C, r Resource) error
}

// Kind is a Spec bound to its client.
type Kind struct {
	Name   string
	Source string
	Also   []string
	Global bool
	After  []string
	// Stops says that things of this kind act by themselves: see Stop.
	Stops bool

	list   func(context.Context, Place) iter.Seq2[Resource, error]
	delete func(context.Context, Place, Resource) error
	stop   func(context.Context, Place, Resource) error
}

// Service is the first part of the kind's name: "ec2".
func (k Kind) Service() string {
	s, _, _ := strings.Cut(k.Name, ".")
	return s
}

// List streams what is there, with the reason to stay filled in.
func (k Kind) List(ctx context.Context, p Place) iter.Seq2[Resource, error] { return k.list(ctx, p) }

// Delete asks for one resource to be deleted; see Sweep for all of them.
func (k Kind) Delete(ctx context.Context, p Place, r Resource) error { return k.delete(ctx, p, r) }

// Define binds s to the SDK's own constructor, such as sqs.NewFromConfig.
func Define[C, O any](newClient func(aws.Config, ...func(*O)) *C, s Spec[C]) Kind {
	k := Kind{Name: s.Kind, Source: s.Source, Also: s.Also, Global: s.Global, After: s.After, Stops: s.Stop != nil}
	k.list = func(ctx context.Context, p Place) iter.Seq2[Resource, error] {
		return func(yield func(Resource, error) bool) {
			for r, err := range s.List(ctx, newClient(p.Config)) {
				if err != nil {
					yield(Resource{}, fmt.Errorf("list %s: %w", s.Kind, err))
					return
				}
				r.Region = p.Region
				if r.Keep == "" && s.Keep != nil {
					r.Keep = s.Keep(p, r)
				}
				if !yield(r, nil) {
					return
				}
			}
		}
	}
	k.delete = func(ctx context.Context, p Place, r Resource) error {
		return wrap("delete", s.Kind, r, s.Delete(ctx, newClient(p.Config), r))
	}
	if s.Stop != nil {
		k.stop = func(ctx context.Context, p Place, r Resource) error {
			return wrap("stop", s.Kind, r, s.Stop(ctx, newClient(p.Config), r))
		}
	}
	return k
}

func wrap(verb, kind string, r Resource, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s %s: %w", verb, kind, r.ID, err)
}

// Errors for kinds whose service has no code for it.
var (
	ErrGone    = errors.New("no such resource")
	errBlocked = errors.New("something else must go first")
)

// Blocked says that a resource cannot be deleted yet, and why.
func Blocked(why string) error { return fmt.Errorf("%w: %s", errBlocked, why) }

// Classify is awsclient.Classify with the errors of this package.
func Classify(err error) awsclient.Class {
	switch {
	case errors.Is(err, ErrGone):
		return awsclient.Gone
	case errors.Is(err, errBlocked):
		return awsclient.Blocked
	}
	return awsclient.Classify(err)
}

// IgnoreGone turns an error that says "no such thing" into success: for the
// parts that a kind removes before the thing itself.
func IgnoreGone(err error) error {
	if Classify(err) == awsclient.Gone {
		return nil
	}
	return err
}
