package lambda

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// URLRequest is a request to a function URL; everything is in the call.
type URLRequest struct{}

// owner finds whose function URL a host name is.
func (s *Service) owner(r *http.Request) (urlOwner, bool) {
	id, _, _ := strings.Cut(r.Host, ".")
	o, ok := s.urls[strings.ToLower(id)]
	return o, ok
}

// urlNeeds: since October 2025 a function URL needs both lambda:InvokeFunctionUrl
// and lambda:InvokeFunction ("Control access to Lambda function URLs").
func (s *Service) urlNeeds(c *core.Call, _ *URLRequest) []core.Permission {
	o, ok := s.owner(c.Request)
	if !ok {
		return nil // the handler answers
	}
	arn := o.qualified()
	return []core.Permission{
		{Action: "lambda:InvokeFunctionUrl", Resource: arn, Context: map[string][]string{"lambda:FunctionUrlAuthType": {o.url.AuthType}}},
		{Action: "lambda:InvokeFunction", Resource: arn, Context: map[string][]string{"lambda:InvokedViaFunctionUrl": {"true"}}},
	}
}

// urlEvent is what a function gets from its URL: payload format 2.0.
type urlEvent struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Headers         map[string]string `json:"headers"`
	RequestContext  urlContext        `json:"requestContext"`
	Body            string            `json:"body,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type urlContext struct {
	AccountID  string  `json:"accountId"`
	APIID      string  `json:"apiId"`
	DomainName string  `json:"domainName"`
	HTTP       urlHTTP `json:"http"`
	RequestID  string  `json:"requestId"`
	TimeEpoch  int64   `json:"timeEpoch"` // Unix milliseconds
}

type urlHTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

func (s *Service) invokeURL(c *core.Call, _ *URLRequest) (*core.Raw, error) {
	o, ok := s.owner(c.Request)
	if !ok {
		return nil, core.Errorf(403, "AccessDeniedException", "Forbidden")
	}
	if o.url.AuthType == "AWS_IAM" && c.Principal == nil {
		return nil, core.Errorf(403, "AccessDeniedException", "Forbidden")
	}
	f := s.at(o.ref)
	v, err := f.at(o.ref)
	if err != nil {
		return nil, err
	}
	if err := s.runnable(f, v, c.Now); err != nil {
		return nil, err
	}
	r := c.Request
	event := urlEvent{
		Version: "2.0", RouteKey: "$default", RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Headers: map[string]string{}, Body: string(c.Body),
		RequestContext: urlContext{AccountID: "anonymous", APIID: o.url.id, DomainName: r.Host, RequestID: c.RequestID, TimeEpoch: c.Now.UnixMilli(),
			HTTP: urlHTTP{r.Method, r.URL.Path, c.SourceIP, r.UserAgent()}},
	}
	for k := range r.Header {
		event.Headers[strings.ToLower(k)] = r.Header.Get(k)
	}
	body, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	s.execute(o.ref, f, v, c.RequestID, c.Now)
	return &core.Raw{Status: 200, Body: body, Header: http.Header{"Content-Type": {"application/json"}}}, nil
}
