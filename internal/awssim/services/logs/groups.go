package logs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type group struct {
	Name               string `json:"logGroupName"`
	CreationTime       int64  `json:"creationTime"` // Unix milliseconds
	RetentionInDays    int    `json:"retentionInDays,omitempty"`
	MetricFilterCount  int    `json:"metricFilterCount"`
	Arn                string `json:"arn"` // ends in ":*"
	StoredBytes        int64  `json:"storedBytes"`
	KmsKeyId           string `json:"kmsKeyId,omitempty"`
	LogGroupClass      string `json:"logGroupClass"`
	LogGroupArn        string `json:"logGroupArn"`
	DeletionProtection bool   `json:"deletionProtectionEnabled"`

	tags          map[string]string
	streams       map[string]*stream
	metricFilters map[string]*MetricFilter
	subscriptions map[string]*SubscriptionFilter
}

// CreateLogGroupInput has Class STANDARD (default), INFREQUENT_ACCESS or DELIVERY.
type CreateLogGroupInput struct {
	LogGroupName              string            `json:"logGroupName"`
	KmsKeyId                  string            `json:"kmsKeyId"`
	Tags                      map[string]string `json:"tags"`
	LogGroupClass             string            `json:"logGroupClass"`
	DeletionProtectionEnabled bool              `json:"deletionProtectionEnabled"`
}

// GroupInput names one group.
type GroupInput struct {
	LogGroupName string `json:"logGroupName"`
}

// DescribeLogGroupsInput selects groups by prefix or by substring.
type DescribeLogGroupsInput struct {
	LogGroupNamePrefix  string   `json:"logGroupNamePrefix"`
	LogGroupNamePattern string   `json:"logGroupNamePattern"`
	LogGroupClass       string   `json:"logGroupClass"`
	LogGroupIdentifiers []string `json:"logGroupIdentifiers"`
	NextToken           string   `json:"nextToken"`
	Limit               *int     `json:"limit"`
}

// DescribeLogGroupsOutput is one page.
type DescribeLogGroupsOutput struct {
	LogGroups []*group `json:"logGroups"`
	NextToken string   `json:"nextToken,omitempty"`
}

// GroupSummary is a group in ListLogGroups.
type GroupSummary struct {
	LogGroupName  string `json:"logGroupName"`
	LogGroupArn   string `json:"logGroupArn"`
	LogGroupClass string `json:"logGroupClass"`
}

// ListLogGroupsOutput is one page.
type ListLogGroupsOutput struct {
	LogGroups []GroupSummary `json:"logGroups"`
	NextToken string         `json:"nextToken,omitempty"`
}

// ProtectionInput turns deletion protection on or off.
type ProtectionInput struct {
	LogGroupIdentifier        string `json:"logGroupIdentifier"`
	DeletionProtectionEnabled bool   `json:"deletionProtectionEnabled"`
}

// RetentionInput sets how many days events are kept.
type RetentionInput struct {
	LogGroupName    string `json:"logGroupName"`
	RetentionInDays int    `json:"retentionInDays"`
}

// KmsInput associates a key with a group.
type KmsInput struct {
	LogGroupName       string `json:"logGroupName"`
	ResourceIdentifier string `json:"resourceIdentifier"`
	KmsKeyId           string `json:"kmsKeyId"`
}

func (in *KmsInput) group() string { return in.LogGroupName + nameOf(in.ResourceIdentifier) }

// retentions are the only periods that AWS knows.
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

const groupsPerRegion = 1_000_000

func (s *Service) groupOps() []core.Op {
	one := func(in *GroupInput) string { return in.LogGroupName }
	anyGroup := core.On(func(c *core.Call, _ *DescribeLogGroupsInput) string {
		return groupARN(c.Region, c.Account.ID, "") + "*"
	})
	return []core.Op{
		core.Handle("CreateLogGroup", s.createLogGroup, onGroup(func(in *CreateLogGroupInput) string { return in.LogGroupName })),
		core.Handle("DeleteLogGroup", s.deleteLogGroup, onGroup(one)),
		core.Handle("DescribeLogGroups", s.describeLogGroups, core.ReadOnly, anyGroup),
		core.Handle("ListLogGroups", s.listLogGroups, core.ReadOnly, anyGroup),
		core.Handle("PutLogGroupDeletionProtection", s.putProtection, onGroup(func(in *ProtectionInput) string { return in.LogGroupIdentifier })),
		core.Handle("PutRetentionPolicy", s.putRetention, onGroup(func(in *RetentionInput) string { return in.LogGroupName })),
		core.Handle("DeleteRetentionPolicy", s.deleteRetention, onGroup(one)),
		core.Handle("AssociateKmsKey", s.associateKey, onGroup((*KmsInput).group)),
		core.Handle("DisassociateKmsKey", s.disassociateKey, onGroup((*KmsInput).group)),
	}
}

func (st *state) group(identifier string) (*group, error) {
	if g := st.groups[nameOf(identifier)]; g != nil {
		return g, nil
	}
	return nil, notFound("log group")
}

// newGroup puts an empty group into the state.
func (st *state) newGroup(name string, createdMilli int64) *group {
	arn := groupARN(st.region, st.account, name)
	g := &group{
		Name: name, CreationTime: createdMilli, Arn: arn + ":*", LogGroupArn: arn, LogGroupClass: "STANDARD",
		tags: map[string]string{}, streams: map[string]*stream{},
		metricFilters: map[string]*MetricFilter{}, subscriptions: map[string]*SubscriptionFilter{},
	}
	st.groups[name] = g
	return g
}

func (s *Service) createLogGroup(c *core.Call, in *CreateLogGroupInput) (core.None, error) {
	st := s.at(c)
	if !groupName.MatchString(in.LogGroupName) {
		return core.None{}, constraint("logGroupName", in.LogGroupName, `Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`)
	}
	if strings.HasPrefix(in.LogGroupName, "aws/") {
		return core.None{}, invalid("Log groups starting with AWS/ are reserved for AWS.")
	}
	class := in.LogGroupClass
	if class == "" {
		class = "STANDARD"
	}
	if !slices.Contains([]string{"STANDARD", "INFREQUENT_ACCESS", "DELIVERY"}, class) {
		return core.None{}, constraint("logGroupClass", class, "Member must satisfy enum value set: [STANDARD, INFREQUENT_ACCESS, DELIVERY]")
	}
	if st.groups[in.LogGroupName] != nil {
		return core.None{}, exists("log group")
	}
	if len(st.groups) >= groupsPerRegion {
		return core.None{}, core.Errorf(400, "LimitExceededException", "Resource limit exceeded.")
	}
	g := st.newGroup(in.LogGroupName, c.Now.UnixMilli())
	g.LogGroupClass, g.KmsKeyId, g.DeletionProtection = class, in.KmsKeyId, in.DeletionProtectionEnabled
	for k, v := range in.Tags {
		g.tags[k] = v
	}
	return core.None{}, nil
}

func (s *Service) deleteLogGroup(c *core.Call, in *GroupInput) (core.None, error) {
	st := s.at(c)
	g, err := st.group(in.LogGroupName)
	if err != nil {
		return core.None{}, err
	}
	if g.DeletionProtection {
		// "Protecting log groups from deletion", error handling.
		return core.None{}, core.Errorf(400, "ValidationException", "Cannot delete log group with deletion protection enabled. Disable deletion protection first.")
	}
	delete(st.groups, g.Name)
	return core.None{}, nil
}

func (s *Service) describeLogGroups(c *core.Call, in *DescribeLogGroupsInput) (*DescribeLogGroupsOutput, error) {
	groups, next, err := s.selectGroups(c, in, 50)
	if err != nil {
		return nil, err
	}
	return &DescribeLogGroupsOutput{LogGroups: groups, NextToken: next}, nil
}

func (s *Service) listLogGroups(c *core.Call, in *DescribeLogGroupsInput) (*ListLogGroupsOutput, error) {
	groups, next, err := s.selectGroups(c, in, 1000)
	if err != nil {
		return nil, err
	}
	out := &ListLogGroupsOutput{LogGroups: make([]GroupSummary, 0, len(groups)), NextToken: next}
	for _, g := range groups {
		out.LogGroups = append(out.LogGroups, GroupSummary{g.Name, g.LogGroupArn, g.LogGroupClass})
	}
	return out, nil
}

// selectGroups gives one page of at most most (or in.Limit) groups by name.
func (s *Service) selectGroups(c *core.Call, in *DescribeLogGroupsInput, most int) ([]*group, string, error) {
	if in.LogGroupNamePrefix != "" && in.LogGroupNamePattern != "" {
		return nil, "", invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	named := map[string]bool{}
	for _, id := range in.LogGroupIdentifiers {
		named[nameOf(id)] = true
	}
	var match []*group
	for _, g := range sorted(s.at(c).groups) {
		switch {
		case !strings.HasPrefix(g.Name, in.LogGroupNamePrefix),
			!strings.Contains(strings.ToLower(g.Name), strings.ToLower(in.LogGroupNamePattern)),
			in.LogGroupClass != "" && g.LogGroupClass != in.LogGroupClass,
			len(named) > 0 && !named[g.Name]:
			continue
		}
		g.MetricFilterCount = len(g.metricFilters)
		match = append(match, g)
	}
	out, next, err := page(match, func(g *group) string { return g.Name }, in.NextToken, in.Limit, most)
	if out == nil {
		out = []*group{}
	}
	return out, next, err
}

func (s *Service) putProtection(c *core.Call, in *ProtectionInput) (core.None, error) {
	g, err := s.at(c).group(in.LogGroupIdentifier)
	if err == nil {
		g.DeletionProtection = in.DeletionProtectionEnabled
	}
	return core.None{}, err
}

func (s *Service) putRetention(c *core.Call, in *RetentionInput) (core.None, error) {
	g, err := s.at(c).group(in.LogGroupName)
	if err != nil {
		return core.None{}, err
	}
	if !slices.Contains(retentions, in.RetentionInDays) {
		return core.None{}, constraint("retentionInDays", fmt.Sprint(in.RetentionInDays),
			"Member must satisfy enum value set: "+strings.ReplaceAll(fmt.Sprint(retentions), " ", ", "))
	}
	g.RetentionInDays = in.RetentionInDays
	return core.None{}, nil
}

func (s *Service) deleteRetention(c *core.Call, in *GroupInput) (core.None, error) {
	g, err := s.at(c).group(in.LogGroupName)
	if err == nil {
		g.RetentionInDays = 0
	}
	return core.None{}, err
}

func (s *Service) associateKey(c *core.Call, in *KmsInput) (core.None, error) {
	g, err := s.at(c).group(in.group())
	if err == nil {
		g.KmsKeyId = in.KmsKeyId
	}
	return core.None{}, err
}

func (s *Service) disassociateKey(c *core.Call, in *KmsInput) (core.None, error) {
	g, err := s.at(c).group(in.group())
	if err == nil {
		g.KmsKeyId = ""
	}
	return core.None{}, err
}
