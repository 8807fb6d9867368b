package events

import (
	"testing"
	"time"
)

func TestSchedules(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 7, 30, 0, time.UTC) // a Friday
	for text, want := range map[string]string{
		"rate(1 minute)": "2026-11-20 12:08", "rate(5 minutes)": "2026-11-20 12:12", "rate(1 day)": "2026-11-21 12:07",
		"cron(0/15 * * * ? *)": "2026-11-20 12:15", "cron(0 9 ? * MON-FRI *)": "2026-11-23 09:00", "cron(0 0 1 * ? *)": "2026-12-01 00:00",
		"cron(30 23 L * ? *)": "2026-11-30 23:30", "cron(0 0 ? * 6L *)": "2026-11-27 00:00", "cron(0 0 ? * 3#2 *)": "2026-12-08 00:00",
		"cron(0 0 29 2 ? *)": "2028-02-29 00:00", "cron(8 12 * * ? *)": "2026-11-20 12:08", "cron(0 0 1 JAN ? 2030)": "2030-01-01 00:00",
	} {
		s, err := parseSchedule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := s.after(now).Format("2006-01-02 15:04"); got != want {
			t.Errorf("%s runs %s, want %s", text, got, want)
		}
	}
	past, err := parseSchedule("cron(0 0 1 1 ? 2020)")
	if err != nil || !past.after(now).IsZero() {
		t.Errorf("a year that is over = %v, %v", past, err)
	}
	for _, text := range []string{"", "rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "cron(* * * * *)", "cron(0 0 * * * *)", "cron(0 0 ? * ? *)",
		"cron(61 * * * ? *)", "cron(0 0 15W * ? *)", "every minute"} {
		if s, err := parseSchedule(text); err == nil {
			t.Errorf("%q = %v; want an error", text, s)
		}
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	event := map[string]any{"source": "lab", "detail": map[string]any{"n": 5.0, "name": "a/b.txt", "list": []any{"x", "y"}, "m": map[string]any{}}}
	for text, want := range map[string]bool{
		`{"source":["lab","other"]}`: true, `{"source":["other"]}`: false, `{"source":[{"prefix":"la"}],"detail":{"n":[{"numeric":[">",1,"<=",5]}]}}`: true,
		`{"detail":{"list":["y"]}}`: true, `{"detail":{"list":["z"]}}`: false, `{"detail":{"name":[{"wildcard":"a*.txt"}]}}`: true, `{"detail":{"name":[{"suffix":".md"}]}}`: false,
		`{"detail":{"gone":[{"exists":false}]}}`: true, `{"detail":{"n":[{"exists":false}]}}`: false, `{"source":[{"anything-but":["lab"]}]}`: false,
		`{"source":[{"anything-but":{"prefix":"x"}}]}`: true, `{"detail":{"m":["x"]}}`: false, `{"detail":{"deep":{"er":["x"]}}}`: false, `{"source":[{"equals-ignore-case":"LAB"}]}`: true,
	} {
		p, err := parsePattern(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := p(event); got != want {
			t.Errorf("%s = %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"", "[]", "{}", `{"a":"b"}`, `{"a":[]}`, `{"a":[[1]]}`, `{"$or":[{"a":["b"]}]}`, `{"a":[{"cidr":"10.0.0.0/8"}]}`, `{"a":[{"anything-but":[[1]]}]}`} {
		if _, err := parsePattern(text); err == nil {
			t.Errorf("pattern %q is taken", text)
		}
	}
}
