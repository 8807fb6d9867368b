package mongosim

import "go.mongodb.org/mongo-driver/v2/bson"

// accumulator folds the values of a group.
type accumulator interface {
	add(v any)
	result() any
}

// newAccumulator is nil for an unknown operator.
func newAccumulator(op string) accumulator {
	switch op {
	case "$sum", "$count":
		return &sumAcc{total: int32(0)}
	case "$avg":
		return &avgAcc{}
	case "$min":
		return &extremeAcc{sign: -1}
	case "$max":
		return &extremeAcc{sign: 1}
	case "$first":
		return &firstAcc{}
	case "$last":
		return &lastAcc{}
	case "$push":
		return &pushAcc{list: bson.A{}}
	case "$addToSet":
		return &setAcc{pushAcc: pushAcc{list: bson.A{}}, seen: map[string]bool{}}
	}
	return nil
}

type sumAcc struct{ total any }

func (a *sumAcc) add(v any) {
	if !isNumber(v) {
		return // what is not a number does not count
	}
	x, _ := numberParts(a.total)
	y, _ := numberParts(v)
	sum, ok := addNumbers(a.total, v)
	a.total = overflowToDouble(sum, ok, x+y)
}

func (a *sumAcc) result() any { return a.total }

type avgAcc struct {
	sum float64
	n   int
}

func (a *avgAcc) add(v any) {
	if isNumber(v) {
		f, rest := numberParts(v)
		a.sum += f + float64(rest)
		a.n++
	}
}

func (a *avgAcc) result() any {
	if a.n == 0 {
		return nil
	}
	return a.sum / float64(a.n)
}

type extremeAcc struct {
	sign int
	v    any
	any  bool
}

func (a *extremeAcc) add(v any) {
	if !isNullish(v) && (!a.any || compare(v, a.v)*a.sign > 0) {
		a.v, a.any = v, true
	}
}

func (a *extremeAcc) result() any { return a.v }

type firstAcc struct {
	v   any
	any bool
}

func (a *firstAcc) add(v any) {
	if !a.any {
		a.v, a.any = v, true
	}
}

func (a *firstAcc) result() any { return nullIfMissing(a.v) }

type lastAcc struct{ v any }

func (a *lastAcc) add(v any)   { a.v = v }
func (a *lastAcc) result() any { return nullIfMissing(a.v) }

func nullIfMissing(v any) any {
	if v == any(missing) {
		return nil
	}
	return v
}

type pushAcc struct{ list bson.A }

func (a *pushAcc) add(v any) {
	if v != any(missing) {
		a.list = append(a.list, v)
	}
}

func (a *pushAcc) result() any { return a.list }

type setAcc struct {
	pushAcc
	seen map[string]bool
}

func (a *setAcc) add(v any) {
	if k := keyOf(v); !a.seen[k] {
		a.seen[k] = true
		a.pushAcc.add(v)
	}
}
