package api

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/kodekloud/kml/internal/access"
)

// limited takes each call from its key's budget. If Redis is down there are no
// limits: MongoDB holds the truth, labs must still be ended, and a limit is for
// fairness, not for safety.
func (s *Server) limited(o op, next http.Handler) http.Handler {
	if s.Limiter == nil || o.needs == access.Anybody {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := access.From(r.Context())
		ok, again, err := s.Limiter.Allow(r.Context(), "calls/"+who.ID, s.PerMinute, s.Burst)
		if err != nil {
			s.logger(r.Context()).Warn().Err(err).Msg("calls are not limited at present")
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("RateLimit-Policy", `"key";q=`+strconv.Itoa(s.PerMinute)+`;w=60`)
		if !ok {
			again = max(again, time.Second)
			h.Set("RateLimit", `"key";r=0;t=`+seconds(again))
			h.Set("Retry-After", seconds(again))
			s.refuse(w, r, newProblem(http.StatusTooManyRequests, "rate_limited", "this key has used up its calls: "+strconv.Itoa(s.PerMinute)+" a minute, "+strconv.Itoa(s.Burst)+" at once", "wait as long as Retry-After says"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// seconds writes a duration as headers want it, rounded up.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(max(d, 0).Seconds())))
}
