package logs

import (
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// QueryDefinition is a saved Logs Insights query.
type QueryDefinition struct {
	ID            string   `json:"queryDefinitionId"`
	Name          string   `json:"name"`
	QueryLanguage string   `json:"queryLanguage"`
	QueryString   string   `json:"queryString"`
	LastModified  int64    `json:"lastModified"`
	LogGroupNames []string `json:"logGroupNames"`
}

// PutQueryDefinitionInput makes a definition, or changes the one with the given ID.
type PutQueryDefinitionInput struct {
	QueryDefinitionID string   `json:"queryDefinitionId"`
	QueryLanguage     string   `json:"queryLanguage"`
	Name              string   `json:"name"`
	QueryString       string   `json:"queryString"`
	LogGroupNames     []string `json:"logGroupNames"`
}

// QueryDefinitionID names a definition.
type QueryDefinitionID struct {
	QueryDefinitionID string `json:"queryDefinitionId"`
}

// DescribeQueryDefinitionsInput selects by name.
type DescribeQueryDefinitionsInput struct {
	Prefix     string `json:"queryDefinitionNamePrefix"`
	MaxResults *int   `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

// DescribeQueryDefinitionsOutput is one page.
type DescribeQueryDefinitionsOutput struct {
	QueryDefinitions []*QueryDefinition `json:"queryDefinitions"`
	NextToken        string             `json:"nextToken,omitempty"`
}

// SuccessOutput says that it was done.
type SuccessOutput struct {
	Success bool `json:"success"`
}

func (s *Service) queryOps() []core.Op {
	return []core.Op{
		core.Handle("PutQueryDefinition", s.putQuery),
		core.Handle("DescribeQueryDefinitions", s.describeQueries, core.ReadOnly),
		core.Handle("DeleteQueryDefinition", s.deleteQuery),
	}
}

func (s *Service) putQuery(c *core.Call, in *PutQueryDefinitionInput) (*QueryDefinitionID, error) {
	st := s.at(c)
	if in.Name == "" || in.QueryString == "" {
		return nil, invalid("A query definition needs name and queryString.")
	}
	id := in.QueryDefinitionID
	if id == "" {
		id = c.World.UUID()
	} else if st.queries[id] == nil {
		return nil, core.Errorf(400, "ResourceNotFoundException", "Query definition %s does not exist.", id)
	}
	q := &QueryDefinition{id, in.Name, in.QueryLanguage, in.QueryString, c.Now.UnixMilli(), append([]string{}, in.LogGroupNames...)}
	if q.QueryLanguage == "" {
		q.QueryLanguage = "CWLI"
	}
	st.queries[id] = q
	return &QueryDefinitionID{id}, nil
}

func (s *Service) describeQueries(c *core.Call, in *DescribeQueryDefinitionsInput) (*DescribeQueryDefinitionsOutput, error) {
	match := []*QueryDefinition{}
	for _, q := range sorted(s.at(c).queries) {
		if strings.HasPrefix(q.Name, in.Prefix) {
			match = append(match, q)
		}
	}
	out, next, err := page(match, func(q *QueryDefinition) string { return q.ID }, in.NextToken, in.MaxResults, 1000)
	if err != nil {
		return nil, err
	}
	return &DescribeQueryDefinitionsOutput{out, next}, nil
}

func (s *Service) deleteQuery(c *core.Call, in *QueryDefinitionID) (*SuccessOutput, error) {
	st := s.at(c)
	if st.queries[in.QueryDefinitionID] == nil {
		return nil, core.Errorf(400, "ResourceNotFoundException", "Query definition %s does not exist.", in.QueryDefinitionID)
	}
	delete(st.queries, in.QueryDefinitionID)
	return &SuccessOutput{true}, nil
}
