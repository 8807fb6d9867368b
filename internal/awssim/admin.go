package awssim

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// adminPath is where the admin door is.
const adminPath = "/_sim/"

// admin serves the admin door:
//
//	GET  /_sim/inventory?account=ID   everything that exists, told from the state
//	GET  /_sim/trail?account=ID       every event, visible or not, oldest first
//	GET  /_sim/counters               calls by account, service, operation, code
//	GET  /_sim/seeded                 organizations with their ids, and the fleet's key
//	GET  /_sim/clock                  the world's time
//	POST /_sim/clock {"advance":"10m"}  move it forward
//	GET, PUT /_sim/faults             fault rules with their hits
//	PUT  /_sim/latency {"s3":{"min":"5ms","max":"20ms"}}
func (s *Server) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/inventory", func(w http.ResponseWriter, r *http.Request) {
		answer(w, s.World.Inventory(r.URL.Query().Get("account")))
	})
	mux.HandleFunc("GET /_sim/trail", func(w http.ResponseWriter, r *http.Request) {
		s.World.Do(func() { answer(w, s.World.Trail.All(r.URL.Query().Get("account"))) })
	})
	mux.HandleFunc("GET /_sim/counters", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.World.Counters()) })
	mux.HandleFunc("GET /_sim/seeded", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.Seeded) })
	mux.HandleFunc("GET /_sim/clock", func(w http.ResponseWriter, _ *http.Request) { answer(w, clockAnswer{s.World.Clock.Now()}) })
	mux.HandleFunc("POST /_sim/clock", s.moveClock)
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.World.Faults()) })
	mux.HandleFunc("PUT /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		var rules []core.FaultRule
		if read(w, r, &rules) {
			s.World.SetFaults(rules)
			answer(w, s.World.Faults())
		}
	})
	mux.HandleFunc("PUT /_sim/latency", s.setLatency)
	return mux
}

type clockAnswer struct {
	Now time.Time `json:"now"`
}

func (s *Server) moveClock(w http.ResponseWriter, r *http.Request) {
	var in struct{ Advance string }
	if !read(w, r, &in) {
		return
	}
	d, err := time.ParseDuration(in.Advance)
	if err != nil || d <= 0 {
		http.Error(w, `advance: give a positive duration, such as "10m"`, http.StatusBadRequest)
		return
	}
	s.World.Clock.Advance(d)
	answer(w, clockAnswer{s.World.Clock.Now()})
}

func (s *Server) setLatency(w http.ResponseWriter, r *http.Request) {
	var in map[string]struct{ Min, Max string }
	if !read(w, r, &in) {
		return
	}
	out := map[string]core.Distribution{}
	for service, d := range in {
		low, err := time.ParseDuration(d.Min)
		high, err2 := time.ParseDuration(d.Max)
		if err != nil || err2 != nil || low < 0 || high < low {
			http.Error(w, service+`: give durations with min <= max, such as {"min":"5ms","max":"20ms"}`, http.StatusBadRequest)
			return
		}
		out[service] = core.Distribution{Min: low, Max: high}
	}
	s.World.SetLatency(out)
	w.WriteHeader(http.StatusNoContent)
}

func read(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		http.Error(w, "body: "+err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that went away is its own affair
}
