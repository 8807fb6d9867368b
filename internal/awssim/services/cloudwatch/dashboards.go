package cloudwatch

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// boards are an account's dashboards.
type boards struct{ m map[string]*dashboard }

type dashboard struct {
	name, arn, body string
	modified        time.Time
	tags            map[string]string
}

// DashboardInput makes or names a dashboard; the body is JSON.
type DashboardInput struct {
	DashboardName string
	DashboardBody string
	Tags          []Tag
}

// Message is a hint about a body.
type Message struct{ DataPath, Message string }

// PutDashboardOutput holds hints.
type PutDashboardOutput struct {
	DashboardValidationMessages []Message `xml:"DashboardValidationMessages>member"`
}

// GetDashboardOutput is the dashboard.
type GetDashboardOutput struct{ DashboardArn, DashboardBody, DashboardName string }

// ListDashboardsInput selects by prefix.
type ListDashboardsInput struct{ DashboardNamePrefix, NextToken string }

// DashboardEntry is one in a list; Size is in bytes.
type DashboardEntry struct {
	DashboardName string
	DashboardArn  string
	LastModified  *core.Time
	Size          int
}

// ListDashboardsOutput is one page.
type ListDashboardsOutput struct {
	DashboardEntries []DashboardEntry `xml:"DashboardEntries>member"`
	NextToken        string           `json:",omitempty" xml:",omitempty"`
}

// DeleteDashboardsInput names them.
type DeleteDashboardsInput struct{ DashboardNames []string }

var boardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

const boardsPerPage = 1000

func boardARN(c *core.Call, name string) string { return c.GlobalARN("cloudwatch", "dashboard/"+name) }

func (s *Service) dashboardOps() []core.Op {
	one := core.On(func(c *core.Call, in *DashboardInput) string { return boardARN(c, in.DashboardName) })
	return []core.Op{
		core.Handle("PutDashboard", s.putDashboard, one),
		core.Handle("GetDashboard", s.getDashboard, core.ReadOnly, one),
		core.Handle("ListDashboards", s.listDashboards, core.ReadOnly),
		core.Handle("DeleteDashboards", s.deleteDashboards, core.Needs(func(c *core.Call, in *DeleteDashboardsInput) []core.Permission {
			var need []core.Permission
			for _, n := range in.DashboardNames {
				need = append(need, core.Permission{Resource: boardARN(c, n)})
			}
			return need
		})),
	}
}

func (s *Service) board(c *core.Call, name string) (*dashboard, error) {
	if d := s.boards.At(c.Account.ID, "").m[name]; d != nil {
		return d, nil
	}
	return nil, coded(404, "DashboardNotFoundError", "ResourceNotFound", "Dashboard %s does not exist", name)
}

func (s *Service) putDashboard(c *core.Call, in *DashboardInput) (*PutDashboardOutput, error) {
	if !boardName.MatchString(in.DashboardName) {
		return nil, coded(400, "DashboardInvalidInputError", "InvalidParameterInput", "The value %s for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).", in.DashboardName)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(in.DashboardBody), &body); err != nil {
		return nil, coded(400, "DashboardInvalidInputError", "InvalidParameterInput", "The field DashboardBody must be a valid JSON object: %v", err)
	}
	m := s.boards.At(c.Account.ID, "").m
	d := m[in.DashboardName]
	if d == nil {
		d = &dashboard{name: in.DashboardName, arn: boardARN(c, in.DashboardName), tags: map[string]string{}}
		if err := addTags(d.tags, in.Tags); err != nil {
			return nil, err
		}
		m[d.name] = d
	}
	d.body, d.modified = in.DashboardBody, c.Now
	return &PutDashboardOutput{[]Message{}}, nil
}

func (s *Service) getDashboard(c *core.Call, in *DashboardInput) (*GetDashboardOutput, error) {
	d, err := s.board(c, in.DashboardName)
	if err != nil {
		return nil, err
	}
	return &GetDashboardOutput{d.arn, d.body, d.name}, nil
}

func (s *Service) listDashboards(c *core.Call, in *ListDashboardsInput) (*ListDashboardsOutput, error) {
	var match []DashboardEntry
	for _, d := range sorted(s.boards.At(c.Account.ID, "").m) {
		if strings.HasPrefix(d.name, in.DashboardNamePrefix) {
			match = append(match, DashboardEntry{d.name, d.arn, core.Ptr(d.modified), len(d.body)})
		}
	}
	out, next, err := page(match, func(d DashboardEntry) string { return d.DashboardName }, in.NextToken, nil, boardsPerPage, boardsPerPage)
	if err != nil {
		return nil, err
	}
	return &ListDashboardsOutput{out, next}, nil
}

// deleteDashboards deletes all or none.
func (s *Service) deleteDashboards(c *core.Call, in *DeleteDashboardsInput) (core.None, error) {
	for _, name := range in.DashboardNames {
		if _, err := s.board(c, name); err != nil {
			return core.None{}, err
		}
	}
	for _, name := range in.DashboardNames {
		delete(s.boards.At(c.Account.ID, "").m, name)
	}
	return core.None{}, nil
}
