package iameval

import "slices"

// Covering lists the statements of an identity policy that cover a request, by
// their place in the document, those that allow and those that deny.
func (p *Policy) Covering(req Request) (allow, deny []int) {
	r := newRequest(&req)
	for i := range p.statements {
		switch s := &p.statements[i]; {
		case !s.applies(r):
		case s.deny:
			deny = append(deny, i)
		default:
			allow = append(allow, i)
		}
	}
	return allow, deny
}

// Missing lists the condition keys, as written, that statements ask for whose
// action and resource cover the request, and that the request does not have.
func (p *Policy) Missing(req Request) []string {
	r := newRequest(&req)
	var out []string
	for i := range p.statements {
		s := &p.statements[i]
		for _, c := range s.conditions {
			bare := *s
			bare.conditions = nil
			if len(r.lookup(c.key)) == 0 && bare.applies(r) && !slices.Contains(out, c.key.written) {
				out = append(out, c.key.written)
			}
		}
	}
	return out
}
