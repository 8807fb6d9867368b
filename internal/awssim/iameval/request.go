package iameval

import "strings"

// Request is one call to be authorized.
type Request struct {
	Action    string // "s3:GetObject" as sent; compared without regard to case
	Resource  string // an ARN, or "*" when the action has none
	Principal Principal
	// Context holds the condition keys of the request, in any case, but for
	// those that say who is calling: Principal provides them.
	Context map[string][]string
}

// request is a Request being evaluated.
type request struct {
	*Request
	action string // lower case
	kind   principalKind
	folded map[string][]string // Context by lower-case key, made when first needed
}

func newRequest(req *Request) *request {
	return &request{Request: req, action: strings.ToLower(req.Action), kind: req.Principal.kind()}
}

// contextKey is a condition key as a policy writes it and in lower case.
type contextKey struct{ written, lower string }

func newContextKey(s string) contextKey { return contextKey{s, strings.ToLower(s)} }

// lookup returns the values of a condition key; none means that the key is not
// in the request. Policy and caller mostly spell a key alike, so that is tried
// before the context is folded to lower case.
func (r *request) lookup(key contextKey) []string {
	if value, present, derived := r.Principal.fact(key.lower, r.kind); derived {
		if !present {
			return nil
		}
		return []string{value}
	}
	if values, ok := r.Context[key.written]; ok {
		return values
	}
	if r.folded == nil {
		r.folded = make(map[string][]string, len(r.Context))
		for k, v := range r.Context {
			r.folded[strings.ToLower(k)] = v
		}
	}
	return r.folded[key.lower]
}

// variable returns the value of a key used as a policy variable. Keys with
// several values cannot be variables.
func (r *request) variable(key contextKey) (string, bool) {
	values := r.lookup(key)
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}
