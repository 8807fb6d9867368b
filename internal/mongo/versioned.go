package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// versioned keeps documents that are written whole, by their version.
type versioned[T any] struct {
	coll collection
	what string // such a document, for errors
	head func(*T) head
	keep []string // fields that swap leaves alone
}

// head points into a document at what every versioned document has.
type head struct {
	id      string
	version int64
	writes  *[]string
}

// get reads a document. Errors: ErrNotFound.
func (s versioned[T]) get(ctx context.Context, id string) (*T, error) {
	found, err := get[T](ctx, s.coll, bson.D{{Key: "_id", Value: id}})
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", s.what, id, err)
	}
	return found, nil
}

// insert adds a document. On success doc is what is stored. Errors: ErrExists.
func (s versioned[T]) insert(ctx context.Context, doc *T) error {
	next := *doc
	h := s.head(&next)
	var write string
	*h.writes, write = withWrite(nil)
	if err := s.coll.insert(ctx, h.id, write, &next); err != nil {
		return fmt.Errorf("insert %s %s: %w", s.what, h.id, err)
	}
	return replace(doc, &next)
}

// swap replaces old by next if the stored version is still old's. On success
// next is what is stored, but for the fields that are kept. Errors: ErrNotFound,
// ErrConflict.
func (s versioned[T]) swap(ctx context.Context, old, next *T) error {
	was, stored := s.head(old), *next
	var write string
	*s.head(&stored).writes, write = withWrite(*was.writes)
	update, err := replacement(&stored, s.keep...)
	if err != nil {
		return fmt.Errorf("write %s %s: %w", s.what, was.id, err)
	}
	filter := bson.D{{Key: "_id", Value: was.id}, {Key: "version", Value: was.version}}
	if err := s.coll.do(ctx, swap{was.id, write, was.version, filter, update}); err != nil {
		return fmt.Errorf("write %s %s: %w", s.what, was.id, err)
	}
	return replace(next, &stored)
}

// page lists documents in an order; a limit of 0 is [defaultLimit].
func (s versioned[T]) page(ctx context.Context, filter, sort bson.D, limit int) ([]*T, error) {
	if limit == 0 {
		limit = defaultLimit
	}
	found, err := list[T](ctx, s.coll, filter, sort, limit)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", s.what, err)
	}
	return found, nil
}
