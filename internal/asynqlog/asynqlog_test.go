package asynqlog_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/asynqlog"
)

// Every level keeps its meaning, and a fatal line does not end the process.
func TestLevels(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := asynqlog.New(zerolog.New(&out))
	for _, c := range []struct {
		say   func(...any)
		level string
		fatal bool
	}{{log.Debug, "debug", false}, {log.Info, "info", false}, {log.Warn, "warn", false}, {log.Error, "error", false}, {log.Fatal, "error", true}} {
		out.Reset()
		c.say("queue ", 3, " of ", asynq.ErrQueueNotFound)
		var line struct {
			Level, Part, Message string
			Fatal                bool
		}
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Level != c.level || line.Fatal != c.fatal || line.Part != "asynq" || line.Message != "queue 3 of "+asynq.ErrQueueNotFound.Error() {
			t.Errorf("%s: %s", c.level, out.String())
		}
	}
}
