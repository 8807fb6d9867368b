package api

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

const (
	usagePath  = "/v1/usage"
	usageDays  = 400 // most days of a report
	usageLimit = 30 * time.Second
	day        = 24 * time.Hour
)

func (s *Server) usageRoutes() {
	register(s, op{id: "get-usage", method: http.MethodGet, path: usagePath, tag: "Usage", summary: "Sum up labs and cleanings", needs: access.UsageRead, limit: usageLimit,
		detail: fmt.Sprintf("By day, lab type and organization, or by some of them. Days are those of UTC, at most %d of them. JSON, or CSV by format or Accept.", usageDays)}, s.usage)
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[apitypes.Page[apitypes.Usage]](), true, "PageUsage")
	s.api.OpenAPI().Paths[usagePath].Get.Responses["200"].Content = map[string]*huma.MediaType{
		"application/json": {Schema: schema},
		"text/csv":         {Schema: &huma.Schema{Type: huma.TypeString}},
	}
}

type usageQuestion struct {
	From   string   `query:"from" format:"date" doc:"first day; default: 30 days before the last" example:"2026-11-01"`
	To     string   `query:"to" format:"date" doc:"last day; default today" example:"2026-11-30"`
	By     []string `query:"by" enum:"day,lab_type,organization,total" maxItems:"4" default:"day,lab_type,organization" doc:"what to sum up by; total sums up everything"`
	Format string   `query:"format" enum:"json,csv" doc:"default: what Accept asks for, else json"`
	Accept string   `header:"Accept" hidden:"true"`
}

func (s *Server) usage(ctx context.Context, in *usageQuestion) (*struct{ Body func(huma.Context) }, error) {
	from, to, err := in.days(s.Clock.Now().UTC())
	if err != nil {
		return nil, err
	}
	rows, err := s.Reports.Usage(ctx, from, to.Add(day))
	if err != nil {
		return nil, fmt.Errorf("usage from %s to %s: %w", from.Format(time.DateOnly), to.Format(time.DateOnly), err)
	}
	sums := sumUp(rows, in.By)
	contentType, write := "application/json", usageJSON
	if in.Format == "csv" || in.Format == "" && strings.Contains(in.Accept, "text/csv") {
		contentType, write = "text/csv; charset=utf-8", usageCSV
	}
	return &struct{ Body func(huma.Context) }{func(hc huma.Context) {
		hc.SetHeader("Content-Type", contentType)
		hc.SetHeader("Vary", "Accept")
		hc.SetStatus(http.StatusOK)
		if err := write(hc.BodyWriter(), sums); err != nil {
			s.Log.Debug().Err(err).Msg("whoever asked for the usage is gone")
		}
	}}, nil
}

// days are the first and the last day of a report, as their beginnings.
func (q *usageQuestion) days(now time.Time) (from, to time.Time, err error) {
	to = now.Truncate(day)
	if q.To != "" {
		if to, err = dayOf("query.to", q.To); err != nil {
			return from, to, err
		}
	}
	from = to.AddDate(0, 0, -30)
	if q.From != "" {
		if from, err = dayOf("query.from", q.From); err != nil {
			return from, to, err
		}
	}
	if to.Before(from) {
		return from, to, &fleet.FieldError{Field: "query.to", Value: to.Format(time.DateOnly), Remedy: "give a day that is not before from"}
	}
	if to.Sub(from) >= usageDays*day {
		return from, to, &fleet.FieldError{Field: "query.from", Value: from.Format(time.DateOnly), Remedy: fmt.Sprintf("ask for at most %d days at once", usageDays)}
	}
	return from, to, nil
}

func dayOf(field, value string) (time.Time, error) {
	at, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return at, &fleet.FieldError{Field: field, Value: value, Remedy: "give a day such as 2026-11-21"}
	}
	return at, nil
}

// sumUp adds up rows that are the same by what is asked for, in its order: day,
// lab type, organization.
func sumUp(rows []fleet.Usage, by []string) []apitypes.Usage {
	type group struct{ day, labType, org string }
	sums := map[group]*apitypes.Usage{}
	for _, r := range rows {
		row := toUsage(r)
		for name, field := range map[string]*string{"day": &row.Day, "lab_type": &row.Type, "organization": &row.Org} {
			if !slices.Contains(by, name) {
				*field = ""
			}
		}
		key := group{row.Day, row.Type, row.Org}
		sum, ok := sums[key]
		if !ok {
			sums[key] = &row
			continue
		}
		sum.Labs += row.Labs
		sum.Minutes += row.Minutes
		sum.Failed += row.Failed
		sum.Expired += row.Expired
		sum.Cancelled += row.Cancelled
		sum.Cleanings += row.Cleanings
		sum.CleaningMinutes += row.CleaningMinutes
	}
	out := make([]apitypes.Usage, 0, len(sums))
	for _, sum := range sums {
		out = append(out, *sum)
	}
	slices.SortFunc(out, func(x, y apitypes.Usage) int {
		return cmp.Or(cmp.Compare(x.Day, y.Day), cmp.Compare(x.Type, y.Type), cmp.Compare(x.Org, y.Org))
	})
	return out
}

func usageJSON(w io.Writer, rows []apitypes.Usage) error {
	return json.NewEncoder(w).Encode(apitypes.Page[apitypes.Usage]{Items: rows})
}

func usageCSV(w io.Writer, rows []apitypes.Usage) error {
	out := csv.NewWriter(w)
	lines := [][]string{{"day", "lab_type", "organization", "labs", "minutes", "failed", "expired", "cancelled", "cleanings", "cleaning_minutes"}}
	for _, r := range rows {
		lines = append(lines, []string{cell(r.Day), cell(r.Type), cell(r.Org), strconv.Itoa(r.Labs), minutes(r.Minutes), strconv.Itoa(r.Failed),
			strconv.Itoa(r.Expired), strconv.Itoa(r.Cancelled), strconv.Itoa(r.Cleanings), minutes(r.CleaningMinutes)})
	}
	return out.WriteAll(lines)
}

func minutes(m float64) string { return strconv.FormatFloat(m, 'f', 2, 64) }

// cell keeps a spreadsheet from taking a text for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// toUsage is a row of the report as JSON.
func toUsage(u fleet.Usage) apitypes.Usage {
	return apitypes.Usage{Day: u.Day, Type: u.LabType, Org: u.Org, Labs: u.Labs, Minutes: u.Minutes, Failed: u.Failed, Expired: u.Expired, Cancelled: u.Cancelled,
		Cleanings: u.Cleanings, CleaningMinutes: u.Cleaning.Minutes()}
}
