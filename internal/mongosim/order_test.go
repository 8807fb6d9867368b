package mongosim

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"
)

func genAny(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any](false), rapid.Just[any](bson.MinKey{}), rapid.Just[any](bson.MaxKey{}),
		rapid.Map(rapid.Int32(), func(v int32) any { return v }), rapid.Map(rapid.Int64(), func(v int64) any { return v }),
		rapid.Map(rapid.Float64(), func(v float64) any { return v }),
		rapid.Map(rapid.Int64Range(-2, 2), func(v int64) any { return v + math.MaxInt64/2 }),
		rapid.SampledFrom([]any{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), float64(1 << 62), int64(math.MaxInt64), int64(math.MinInt64), float64(1 << 63)}),
		rapid.Map(rapid.StringOfN(rapid.SampledFrom([]rune{0, 1, 'a', 'b', 0xff}), 0, 3, -1), func(v string) any { return v }),
		rapid.Map(rapid.Int64(), func(v int64) any { return bson.DateTime(v) }),
		rapid.Map(rapid.Uint32(), func(v uint32) any { return bson.Timestamp{T: v % 3, I: v} }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 3), func(v []byte) any { return bson.Binary{Subtype: byte(len(v)), Data: v} }),
		rapid.Map(rapid.Byte(), func(v byte) any { return bson.ObjectID{v, 1} }),
		rapid.Map(rapid.StringN(0, 2, -1), func(v string) any {
			return bson.Regex{Pattern: strings.ReplaceAll(v, "\x00", "")} // a C string in BSON: it cannot hold one
		}),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	return rapid.OneOf(append(scalars,
		rapid.Map(rapid.SliceOfN(genAny(depth-1), 0, 3), func(v []any) any { return bson.A(v) }),
		rapid.Custom(func(t *rapid.T) any {
			d := bson.D{}
			for range rapid.IntRange(0, 2).Draw(t, "n") {
				d = append(d, bson.E{Key: rapid.SampledFrom([]string{"", "a", "ab", "b"}).Draw(t, "k"), Value: genAny(depth-1).Draw(t, "v")})
			}
			return d
		}))...)
}

// Encoded keys are in the order of compare, and none is a prefix of another.
func TestKeysKeepOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := genAny(2).Draw(t, "a"), genAny(2).Draw(t, "b")
		ka, kb := appendKey(nil, a), appendKey(nil, b)
		want := compare(a, b)
		if got := bytes.Compare(ka, kb); got != want {
			t.Fatalf("keys of %v and %v compare %d, values %d", a, b, got, want)
		}
		if compare(b, a) != -want {
			t.Fatalf("compare(%v, %v) is not antisymmetric", a, b)
		}
		if want != 0 && (bytes.HasPrefix(ka, kb) || bytes.HasPrefix(kb, ka)) {
			t.Fatalf("a key of %v, %v is a prefix of the other", a, b)
		}
		if got := bytes.Compare(invert(bytes.Clone(ka)), invert(bytes.Clone(kb))); got != -want {
			t.Fatalf("inverted keys of %v and %v compare %d", a, b, got)
		}
	})
}

// What is stored comes back as it was.
func TestCodecRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := bson.D{{Key: "v", Value: genAny(3).Draw(t, "v")}}
		raw := encode(d)
		if err := raw.Validate(); err != nil {
			t.Fatal(err)
		}
		back, err := decode(raw)
		if err != nil || compareDocs(d, back) != 0 || !bytes.Equal(encode(back), raw) {
			t.Fatalf("%v became %v (%v)", d, back, err)
		}
	})
}

// Bytes from the network are refused or understood, and never a panic.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(encode(bson.D{{Key: "a", Value: bson.A{int32(1), bson.D{{Key: "b", Value: "c"}}}}})))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := decode(b); err == nil {
			encode(d)
		}
		var m message
		_ = m.parseMsg(b)
		_ = m.parseQuery(b)
	})
}

// The tree behaves as a sorted map.
func TestTree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var tr tree
		want := map[string]bool{}
		span := rapid.IntRange(10, 3000).Draw(t, "span")
		for i := range rapid.IntRange(0, 3000).Draw(t, "steps") {
			k := fmt.Sprintf("%05d", (i*7919)%span)
			if i%5 == 4 {
				tr.remove(k)
				delete(want, k)
			} else {
				tr.insert(entry{key: k})
				want[k] = true
			}
		}
		lo, hi := fmt.Sprintf("%05d", rapid.IntRange(0, span).Draw(t, "lo")), fmt.Sprintf("%05d", rapid.IntRange(0, span).Draw(t, "hi"))
		var in []string
		for _, k := range slices.Sorted(maps.Keys(want)) {
			if k >= lo && k < hi {
				in = append(in, k)
			}
		}
		var up, down []string
		tr.ascend(keyRange{lo, hi}, func(e entry) bool { up = append(up, e.key); return true })
		if lo <= hi {
			tr.descend(keyRange{lo, hi}, func(e entry) bool { down = append(down, e.key); return true })
			slices.Reverse(down)
			if !slices.Equal(down, in) {
				t.Fatalf("down %v, want %v", down, in)
			}
			if !slices.Equal(up, in) {
				t.Fatalf("up %v, want %v", up, in)
			}
		}
		if tr.size != len(want) {
			t.Fatalf("size %d, want %d", tr.size, len(want))
		}
	})
}

// A commit that fails leaves memory as it was, and the engine closed to
// writes.
func TestFailedCommitIsUndone(t *testing.T) {
	t.Parallel()
	e, err := openEngine(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	add := func(id int32) error {
		return e.write(func(tx *txn) error {
			c, err := tx.collection("a.b")
			if err != nil {
				return err
			}
			return tx.insert(c, bson.D{{Key: "_id", Value: id}})
		})
	}
	if err := add(1); err != nil {
		t.Fatal(err)
	}
	if err := e.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := add(2); err == nil {
		t.Fatal("a write to a closed file succeeded")
	}
	if n := e.colls["a.b"].rows.size; n != 1 {
		t.Errorf("%d documents in memory, want 1", n)
	}
	if n := e.colls["a.b"].indexes[0].keys.size; n != 1 {
		t.Errorf("%d index entries, want 1", n)
	}
	if err := add(3); err == nil {
		t.Error("the engine still takes writes")
	}
}

// Idle cursors and sessions end; used ones stay.
func TestExpiry(t *testing.T) {
	t.Parallel()
	table := newCursorTable(time.Minute)
	docs := []bson.Raw{encode(bson.D{}), encode(bson.D{})}
	table.first("a.b", docs, 1, false, false)
	table.first("a.b", docs, 1, false, true)
	for _, c := range table.open {
		c.used = c.used.Add(-2 * time.Minute)
	}
	table.first("a.b", docs, 1, false, false)
	table.expire()
	if len(table.open) != 2 {
		t.Errorf("%d cursors open, want the fresh one and the one without timeout", len(table.open))
	}
	s, err := Start(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.engine.sessions["old"] = &sessionRecord{used: time.Now().Add(-time.Hour)}
	s.engine.sessions["new"] = &sessionRecord{used: time.Now()}
	if err := s.Sweep(); err != nil {
		t.Fatal(err)
	}
	if len(s.engine.sessions) != 1 {
		t.Errorf("%d sessions left", len(s.engine.sessions))
	}
}
