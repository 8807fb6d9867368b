package api

import "net/http"

// permitted refuses whose role may not.
func (s *Server) permitted(o op, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if who := callOf(r.Context()).who; !who.Role.May(o.needs) {
			detail := "the role " + string(who.Role) + " lacks the permission " + string(o.needs)
			if who.Role == "" {
				detail = "the token gives no role here"
			}
			s.refuse(w, r, newProblem(http.StatusForbidden, "forbidden", detail, "use a key whose role has the permission "+string(o.needs)))
			return
		}
		next.ServeHTTP(w, r)
	})
}
