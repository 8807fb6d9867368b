package logs

import "time"

// HasGroup tells whether a group exists. Lock held, as in all of this file:
// it is how other services write their logs.
func (s *Service) HasGroup(account, region, name string) bool {
	st := s.shelf.Peek(account, region)
	return st != nil && st.groups[name] != nil
}

// HasStream tells whether a stream exists.
func (s *Service) HasStream(account, region, groupName, name string) bool {
	return s.HasGroup(account, region, groupName) && s.shelf.At(account, region).groups[groupName].streams[name] != nil
}

// Append writes lines at now, making the group and the stream if they are not
// there. Whoever calls it has checked that the writer may.
func (s *Service) Append(account, region, groupName, streamName string, now time.Time, lines ...string) {
	st := s.shelf.At(account, region)
	g := st.groups[groupName]
	if g == nil {
		g = st.newGroup(groupName, now.UnixMilli())
	}
	stream := g.streams[streamName]
	if stream == nil {
		stream = g.newStream(streamName, now.UnixMilli())
	}
	events := make([]event, 0, len(lines))
	for _, l := range lines {
		events = append(events, event{Timestamp: now.UnixMilli(), Message: l, IngestionTime: now.UnixMilli()})
	}
	s.append(st, g, stream, now, events)
}
