package core

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// find recognises service, protocol and operation of a request. Clients differ:
// the signature's scope is asked first, then target header, path and host.
func (w *World) find(r *http.Request, s *signature, body []byte) (*Call, *Error) {
	c := &Call{World: w, Request: r, Body: body, SourceIP: sourceIP(r), Region: "us-east-1"}
	target := r.Header.Get("X-Amz-Target")
	prefix, opName := cutLast(target, ".")
	switch {
	case s != nil:
		c.Service, c.Region = w.services[s.service], s.region
	case target != "":
		c.Service = w.targets[prefix]
	default:
		c.Service = w.anonymousService(r)
	}
	if svc := w.targets[prefix]; target != "" && svc != nil {
		c.Service = svc
	}
	if c.Service == nil {
		name := "(unsigned)"
		if s != nil {
			name = s.service
		}
		c.Service, c.Protocol = &Service{Name: name}, Query
		return c, Errorf(400, "UnknownService", "the simulated AWS has no service %q", name)
	}
	if err := c.gunzip(); err != nil {
		return c, err
	}
	form, err := c.protocol(target)
	if err != nil {
		return c, err
	}
	switch {
	case c.Protocol == RESTJSON || c.Protocol == RESTXML:
		opName, c.Params = c.Service.route(r)
	case c.Protocol == CBOR:
		opName = afterLast(r.URL.Path, '/')
	case form != nil:
		opName = form.Get("Action")
	}
	c.Op = c.Service.byName[opName]
	if c.Op == nil {
		return c, Errorf(400, "UnknownOperationException", "The simulated %s has no operation %q (%s %s)", c.Service.Name, opName, r.Method, r.URL.Path)
	}
	return c, nil
}

// anonymousService is where unsigned requests go: function URLs by host, web
// identity and the like by form, all else to S3.
func (w *World) anonymousService(r *http.Request) *Service {
	switch {
	case strings.Contains(r.Host, ".lambda-url."):
		return w.services["lambda"]
	case r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return w.services["sts"]
	}
	return w.services["s3"]
}

func (c *Call) protocol(target string) (url.Values, *Error) {
	r := c.Request
	ct := r.Header.Get("Content-Type")
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		c.Protocol = CBOR
	case target != "" && strings.Contains(ct, "json-1.0"):
		c.Protocol = JSON10
	case target != "":
		c.Protocol = JSON11
	case c.Service.REST != "":
		c.Protocol = c.Service.REST
	default:
		c.Protocol = Query
		if c.Service.Name == "ec2" {
			c.Protocol = EC2Query
		}
		form, err := url.ParseQuery(string(c.Body))
		if err != nil {
			return nil, Errorf(400, "MalformedQueryString", "%v", err)
		}
		for k, v := range r.URL.Query() {
			form[k] = append(form[k], v...)
		}
		return form, nil
	}
	return nil, nil
}

func cutLast(s, sep string) (string, string) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+len(sep):]
}

// route finds a REST operation by the service's own Route or by templates.
func (s *Service) route(r *http.Request) (string, map[string]string) {
	if s.Route != nil {
		if op, params := s.Route(r); op != "" {
			return op, params
		}
	}
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	best, bestFixed := "", -1
	var bestParams map[string]string
	for i := range s.Ops {
		o := &s.Ops[i]
		if o.Method != r.Method {
			continue
		}
		if params, fixed, ok := matchPath(strings.Split(strings.Trim(o.Path, "/"), "/"), path); ok && fixed > bestFixed {
			best, bestFixed, bestParams = o.Name, fixed, params
		}
	}
	return best, bestParams
}

func matchPath(tmpl, path []string) (map[string]string, int, bool) {
	params, fixed := map[string]string{}, 0
	for i, t := range tmpl {
		name, isParam := strings.CutPrefix(t, "{")
		name = strings.TrimSuffix(name, "}")
		if isParam && strings.HasSuffix(name, "+") {
			params[strings.TrimSuffix(name, "+")] = unescapePath(strings.Join(path[min(i, len(path)):], "/"))
			return params, fixed, i < len(path)
		}
		if i >= len(path) {
			return nil, 0, false
		}
		switch {
		case isParam:
			params[name] = unescapePath(path[i])
		case t != path[i]:
			return nil, 0, false
		default:
			fixed++
		}
	}
	return params, fixed, len(path) == len(tmpl)
}

// decode fills the operation's input from the request.
func (c *Call) decode() (any, *Error) {
	in := c.Op.newIn()
	var err error
	switch c.Protocol {
	case Query, EC2Query:
		form, perr := c.protocol("")
		if perr != nil {
			return nil, perr
		}
		err = decodeForm(form, in)
	case CBOR:
		if len(c.Body) > 0 {
			err = cbor.Unmarshal(c.Body, in)
		}
	case RESTXML, RESTJSON:
		err = c.decodeREST(in)
	default:
		if len(c.Body) > 0 {
			err = json.Unmarshal(c.Body, in)
		}
	}
	if err != nil {
		return nil, Errorf(400, "SerializationException", "%v", err)
	}
	return in, nil
}

func (c *Call) decodeREST(in any) error {
	v := reflect.ValueOf(in).Elem()
	if len(c.Body) > 0 && c.Protocol == RESTJSON && v.NumField() > 0 && looksJSON(c.Body) {
		if err := json.Unmarshal(c.Body, in); err != nil {
			return err
		}
	}
	if len(c.Body) > 0 && c.Protocol == RESTXML && hasXMLBody(v.Type()) {
		if err := xml.Unmarshal(c.Body, in); err != nil {
			return fmt.Errorf("MalformedXML: %w", err)
		}
	}
	return c.fillREST(v)
}

func (c *Call) fillREST(v reflect.Value) error {
	t := v.Type()
	query := c.Request.URL.Query()
	f := formDecoder{form: query, has: map[string]bool{}}
	for k := range query {
		f.has[k] = true
	}
	for i := range t.NumField() {
		sf := t.Field(i)
		if !sf.IsExported() {
			continue
		}
		if name := sf.Tag.Get("path"); name != "" {
			if s, ok := c.Params[name]; ok {
				v.Field(i).SetString(s)
			}
		}
		if name := sf.Tag.Get("header"); name != "" && c.Request.Header.Get(name) != "" {
			hd := formDecoder{form: url.Values{name: {c.Request.Header.Get(name)}}, has: map[string]bool{name: true}}
			if err := hd.value(name, v.Field(i)); err != nil {
				return err
			}
		}
		name := sf.Tag.Get("q")
		if name == "" || !f.has[name] {
			continue
		}
		if sf.Type.Kind() == reflect.Slice && sf.Type.Elem().Kind() == reflect.String {
			v.Field(i).Set(reflect.ValueOf(query[name]))
			continue
		}
		if err := f.value(name, v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

// hasXMLBody: only inputs with an XMLName take the body; others (object data) do not.
func hasXMLBody(t reflect.Type) bool {
	_, ok := t.FieldByName("XMLName")
	return ok
}

func looksJSON(b []byte) bool {
	s := strings.TrimSpace(string(b[:min(len(b), 64)]))
	return strings.HasPrefix(s, "{")
}
