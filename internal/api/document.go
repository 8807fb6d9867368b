package api

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kodekloud/kml/internal/access"
)

// document is the beginning of the document that describes the API.
func document(c Config) huma.Config {
	hc := huma.DefaultConfig("KML", c.Version)
	hc.Info.Description = "Managed labs: AWS accounts, ready for students. Errors are application/problem+json with a stable code; lists go on with the cursor of the page before; " +
		"a POST with an Idempotency-Key may be repeated."
	hc.RejectUnknownQueryParameters = true
	hc.CreateHooks = nil // no $schema fields in answers
	hc.DocsPath = ""     // huma's pages load from elsewhere; ours is in docs.go
	hc.SchemasPath = ""
	hc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":   {Type: "http", Scheme: "bearer", BearerFormat: "kml_<id>_<secret>", Description: "An API key."},
		"token": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "A token of the identity provider that the fleet is configured with."},
	}
	hc.Security = []map[string][]string{{"key": {}}, {"token": {}}}
	return hc
}

// describe adds what every operation has to the document.
func (o op) describe(ho *huma.Operation) {
	permission := string(o.needs)
	if o.needs == access.Anybody {
		permission = "none"
		ho.Security = []map[string][]string{}
	} else {
		ho.Errors = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}
	}
	ho.Extensions = map[string]any{"x-kml-permission": permission}
	if o.mutates() {
		ho.Errors = append(ho.Errors, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity)
	}
	if hasParameter(o.path) {
		ho.Errors = append(ho.Errors, http.StatusNotFound)
	}
	slices.Sort(ho.Errors)
}

// describeAlso adds the other answers of success to those of the document. Each is
// as the usual one, or, if there is nothing new to tell, without a body.
func (o op) describeAlso(answers map[string]*huma.Response) {
	for status, meaning := range o.also {
		like := answers[strconv.Itoa(cmp.Or(o.status, http.StatusOK))]
		also := &huma.Response{Description: meaning, Headers: like.Headers}
		if status != http.StatusNotModified {
			also.Content = like.Content
		}
		answers[strconv.Itoa(status)] = also
	}
}

func hasParameter(path string) bool { return slices.Contains([]byte(path), '{') }

// describeHeaders adds the header that the chain reads.
func (s *Server) describeHeaders(o op) {
	if o.method != http.MethodPost {
		return
	}
	ho := s.api.OpenAPI().Paths[o.path].Post
	if !slices.ContainsFunc(ho.Parameters, func(p *huma.Param) bool { return p.Name == idempotencyKey }) {
		most, least := 128, 1
		ho.Parameters = append(ho.Parameters, &huma.Param{Name: idempotencyKey, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MinLength: &least, MaxLength: &most},
			Description: "Under the same key the same call is done once, for a day: a repetition gets the same answer, with Idempotency-Replayed: true."})
	}
}
