package lambda

import (
	"errors"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// LayerPermissionInput lets an account use a layer version, or takes it back.
type LayerPermissionInput struct {
	Layer          string `json:"-" path:"LayerName"`
	Version        string `json:"-" path:"VersionNumber"`
	PathSid        string `json:"-" path:"StatementId"`
	StatementId    string
	Action         string
	Principal      string
	OrganizationId string
}

// LayerPermissionOutput is the statement as JSON.
type LayerPermissionOutput struct {
	Statement  string
	RevisionId string
}

func (s *Service) addLayerPermission(c *core.Call, in *LayerPermissionInput) (*LayerPermissionOutput, error) {
	_, v, err := s.layerVersion(c, in.Layer, in.Version, "")
	if err != nil {
		return nil, err
	}
	if in.Action != "lambda:GetLayerVersion" {
		return nil, constraint("action", in.Action, "Member must satisfy regular expression pattern: lambda:GetLayerVersion")
	}
	st := statement{Sid: in.StatementId, Effect: "Allow", Principal: principal(in.Principal), Action: in.Action, Resource: v.LayerVersionArn}
	if in.OrganizationId != "" {
		st.Condition = map[string]map[string]string{"StringEquals": {"aws:PrincipalOrgID": in.OrganizationId}}
	}
	text, err := v.policy.add(c, st)
	if err != nil {
		return nil, err
	}
	return &LayerPermissionOutput{text, v.policy.revision}, nil
}

func (s *Service) getLayerPolicy(c *core.Call, in *LayerInput) (*PolicyOutput, error) {
	_, v, err := s.layerVersion(c, in.Layer, in.Version, "")
	if err != nil {
		return nil, err
	}
	if len(v.policy.statements) == 0 {
		return nil, notFound("No policy is associated with the given resource.")
	}
	doc, err := v.policy.document()
	return &PolicyOutput{doc, v.policy.revision}, err
}

func (s *Service) removeLayerPermission(c *core.Call, in *LayerPermissionInput) (core.None, error) {
	_, v, err := s.layerVersion(c, in.Layer, in.Version, "")
	if err != nil {
		return core.None{}, err
	}
	found, err := v.policy.remove(c, in.PathSid)
	if err == nil && !found {
		err = notFound("Statement %s is not found in resource policy.", in.PathSid)
	}
	return core.None{}, err
}

// layerRefs checks the layers that a function wants. Those of other accounts
// are taken as given.
func (s *Service) layerRefs(arns []string) ([]LayerRef, error) {
	out := make([]LayerRef, 0, len(arns))
	for _, arn := range arns {
		parts := strings.Split(arn, ":")
		if len(parts) != 8 || parts[5] != "layer" || !allDigits.MatchString(parts[7]) {
			return nil, constraint("layers", arn, "Member must be the ARN of a layer version")
		}
		ref := LayerRef{Arn: arn}
		if st := s.shelf.Peek(parts[4], parts[3]); st != nil {
			l := st.layers[parts[6]]
			v := l.at(parts[7])
			if v == nil {
				return nil, invalid("Layer version %s does not exist.", arn)
			}
			ref.CodeSize = v.Content.CodeSize
		}
		out = append(out, ref)
	}
	return out, nil
}

func (l *layer) at(number string) *LayerVersion {
	if l == nil {
		return nil
	}
	for _, v := range l.versions {
		if strings.HasSuffix(v.LayerVersionArn, ":"+number) {
			return v
		}
	}
	return nil
}

// asError gives the AWS error in err; there is always one.
func asError(err error) *core.Error {
	var e *core.Error
	if errors.As(err, &e) {
		return e
	}
	return core.Errorf(500, "ServiceException", "%v", err)
}
