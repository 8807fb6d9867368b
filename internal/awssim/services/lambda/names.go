package lambda

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Named is the input of every operation on one function. FunctionName is a
// name, a partial ARN (account:function:name) or an ARN, each with or without
// a qualifier.
type Named struct {
	FunctionName string `json:"-" path:"FunctionName"`
	Qualifier    string `json:"-" q:"Qualifier"`
}

// ref is a function's name taken apart.
type ref struct{ account, region, name, qualifier string }

var functionName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)

func parseRef(c *core.Call, name, qualifier string) (ref, error) {
	r := ref{region: c.Region}
	if c.Account != nil {
		r.account = c.Account.ID
	}
	rest := name
	if arn, ok := strings.CutPrefix(name, "arn:aws:lambda:"); ok {
		parts := strings.SplitN(arn, ":", 3)
		if len(parts) < 3 {
			return r, badName(name)
		}
		r.region, r.account, rest = parts[0], parts[1], parts[2]
	} else if i := strings.Index(name, ":function:"); i == 12 {
		r.account, rest = name[:i], name[i+1:]
	}
	rest = strings.TrimPrefix(rest, "function:")
	r.name, r.qualifier, _ = strings.Cut(rest, ":")
	if !functionName.MatchString(r.name) {
		return r, badName(name)
	}
	if r.qualifier != "" && qualifier != "" && r.qualifier != qualifier {
		return r, invalid("The derived qualifier from the function name does not match the specified qualifier.")
	}
	if r.qualifier == "" {
		r.qualifier = qualifier
	}
	if r.region != c.Region {
		return r, notFound("Functions from '%s' are not reachable in this region ('%s')", r.region, c.Region)
	}
	return r, nil
}

func badName(name string) error {
	return core.Errorf(400, "ValidationException", `1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`, name)
}

// arn is without the qualifier.
func (r ref) arn() string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", r.region, r.account, r.name)
}

// qualified is the ARN with the qualifier, if any.
func (r ref) qualified() string {
	if r.qualifier == "" {
		return r.arn()
	}
	return r.arn() + ":" + r.qualifier
}

// find gives the function that an input names.
func (s *Service) find(c *core.Call, n Named) (*function, ref, error) {
	r, err := parseRef(c, n.FunctionName, n.Qualifier)
	if err != nil {
		return nil, r, err
	}
	f := s.at(r)
	if f == nil {
		return nil, r, notFound("Function not found: %s", r.qualified())
	}
	return f, r, nil
}

func (s *Service) at(r ref) *function {
	if st := s.shelf.Peek(r.account, r.region); st != nil {
		return st.functions[r.name]
	}
	return nil
}

// on says that an operation acts on the function its input names.
func on[In any](s *Service, named func(*In) Named) core.Option {
	return core.Needs(func(c *core.Call, in *In) []core.Permission {
		return []core.Permission{s.permission(c, named(in))}
	})
}

// permission is for the operation's own action on a function, with the
// function's tags as condition keys.
func (s *Service) permission(c *core.Call, n Named) core.Permission {
	r, err := parseRef(c, n.FunctionName, n.Qualifier)
	if err != nil {
		return core.Permission{Resource: "*"} // the handler refuses it
	}
	p := core.Permission{Resource: r.arn()}
	if f := s.at(r); f != nil {
		p.Context = core.TagKeys(nil, f.tags)
	}
	return p
}

func itself(n *Named) Named { return *n }
