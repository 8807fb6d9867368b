package api

import "sync"

// perCaller counts what each caller holds open in this process.
type perCaller struct {
	mu sync.Mutex
	by map[string]int
}

// take counts one more of a caller's, unless it holds the most already; release
// gives it back.
func (h *perCaller) take(who string, most int) (release func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by[who] >= most {
		return nil, false
	}
	if h.by == nil {
		h.by = map[string]int{}
	}
	h.by[who]++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.by[who]--; h.by[who] == 0 {
			delete(h.by, who)
		}
	}, true
}
