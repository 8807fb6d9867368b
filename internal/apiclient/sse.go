package apiclient

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"
)

// frame is one message of Server-Sent Events.
type frame struct {
	id, kind, data string
}

// frames reads a stream of Server-Sent Events, as the HTML standard says in its
// section 9.2.
type frames struct {
	in    *bufio.Scanner
	id    string        // the place after the last whole message, which may have been a place alone
	retry time.Duration // what the server asks to wait before coming again, 0: nothing
}

// longestLine bounds a line of a stream: an event is far shorter.
const longestLine = 1 << 20

func newFrames(r io.Reader) *frames {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 4096), longestLine)
	return &frames{in: in}
}

// next gives the next message; io.EOF when the stream is over. What was begun
// and not finished is dropped.
func (f *frames) next() (frame, error) {
	var out frame
	var data []string
	id := f.id
	for f.in.Scan() {
		line := f.in.Text()
		if line == "" {
			f.id = id
			if data == nil && out.kind == "" {
				continue
			}
			out.id, out.data = f.id, strings.Join(data, "\n")
			return out, nil
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name { // "" is a comment
		case "id":
			id = value
		case "event":
			out.kind = value
		case "data":
			data = append(data, value)
		case "retry":
			if ms, err := strconv.Atoi(value); err == nil && ms >= 0 {
				f.retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
	if err := f.in.Err(); err != nil {
		return out, err
	}
	return out, io.EOF
}
