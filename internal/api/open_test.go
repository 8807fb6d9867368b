package api

import "testing"

// A caller holds so much and no more; what others hold is their own, and what is
// given back can be taken again.
func TestPerCaller(t *testing.T) {
	t.Parallel()
	var open perCaller
	first, ok := open.take("a", 2)
	_, again := open.take("a", 2)
	if _, third := open.take("a", 2); !ok || !again || third {
		t.Errorf("taken: %v, %v, %v; want two of three", ok, again, third)
	}
	if _, other := open.take("b", 2); !other {
		t.Error("another caller is refused")
	}
	first()
	if _, ok := open.take("a", 2); !ok {
		t.Error("what was given back cannot be taken")
	}
}
