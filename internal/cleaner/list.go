package cleaner

import (
	"context"
	"iter"
)

// Pager is any SDK paginator.
type Pager[Out, O any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*O)) (*Out, error)
}

// Pages streams what page makes of every page; the first error ends it.
func Pages[Out, O any](ctx context.Context, p Pager[Out, O], page func(*Out) ([]Resource, error)) iter.Seq2[Resource, error] {
	return func(yield func(Resource, error) bool) {
		for p.HasMorePages() {
			out, err := p.NextPage(ctx)
			var rs []Resource
			if err == nil {
				rs, err = page(out)
			}
			if err != nil {
				yield(Resource{}, err)
				return
			}
			for _, r := range rs {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// Tokens streams pages of an operation that the SDK has no paginator for: page
// gives what a page holds and the token of the next one ("" at the end).
func Tokens(page func(token *string) ([]Resource, *string, error)) iter.Seq2[Resource, error] {
	return func(yield func(Resource, error) bool) {
		var token *string
		for {
			rs, next, err := page(token)
			if err != nil {
				yield(Resource{}, err)
				return
			}
			for _, r := range rs {
				if !yield(r, nil) {
					return
				}
			}
			if next == nil || *next == "" {
				return
			}
			token = next
		}
	}
}

// Once streams a list that AWS gives in one answer.
func Once(list func() ([]Resource, error)) iter.Seq2[Resource, error] {
	return Tokens(func(*string) ([]Resource, *string, error) {
		rs, err := list()
		return rs, nil, err
	})
}

// Collect gives the items of every page: for lists that are short by nature. An
// empty page may stand in the middle.
func Collect[Out, O, T any](ctx context.Context, p Pager[Out, O], items func(*Out) []T) ([]T, error) {
	var all []T
	for p.HasMorePages() {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, items(out)...)
	}
	return all, nil
}

// Each calls f with every item of every page, for the parts of a resource that
// Delete removes first. What is gone meanwhile is no error.
func Each[Out, O, T any](ctx context.Context, p Pager[Out, O], items func(*Out) []T, f func(T) error) error {
	for p.HasMorePages() {
		out, err := p.NextPage(ctx)
		if err != nil {
			return IgnoreGone(err)
		}
		for _, item := range items(out) {
			if err := IgnoreGone(f(item)); err != nil {
				return err
			}
		}
	}
	return nil
}

// batches cuts a stream into slices of at most size.
func batches(s iter.Seq2[Resource, error], size int) iter.Seq2[[]Resource, error] {
	return func(yield func([]Resource, error) bool) {
		var batch []Resource
		for r, err := range s {
			if err != nil {
				// The part that came is real and may be deleted; the error makes
				// sure that nobody takes it for the whole.
				if len(batch) > 0 && !yield(batch, nil) {
					return
				}
				yield(nil, err)
				return
			}
			if batch = append(batch, r); len(batch) == size {
				if !yield(batch, nil) {
					return
				}
				batch = nil
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}
