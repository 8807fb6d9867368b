package mongosim

//lint:file-ignore SA1019 drivers greet with OP_QUERY to this day

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

const maxMessageSize = 48000000

// message is a command as it came over the wire.
type message struct {
	id      int32
	legacy  bool // OP_QUERY, which drivers use for their first hello
	noReply bool // the client does not wait (write concern 0)
	body    bson.D
	refused *cmdError // the message is well formed, but holds what mongosim does not take
}

// serve answers one connection's commands in turn.
func (s *Server) serve(c net.Conn) {
	defer s.forget(c)
	r := bufio.NewReaderSize(c, 32<<10)
	for s.ctx.Err() == nil {
		m, err := readMessage(r)
		if err != nil {
			if s.ctx.Err() == nil && err != io.EOF {
				s.cfg.Log.Debug("mongosim: connection", "error", err)
			}
			return
		}
		reply, ok := s.handle(m)
		if !ok {
			return
		}
		if m.noReply {
			continue
		}
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}

func readMessage(r io.Reader) (message, error) {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return message{}, err
	}
	length, id, _, opcode, _, _ := wiremessage.ReadHeader(head[:])
	if length < 16 || length > maxMessageSize {
		return message{}, fmt.Errorf("message of %d bytes", length)
	}
	body := make([]byte, length-16)
	if _, err := io.ReadFull(r, body); err != nil {
		return message{}, err
	}
	m := message{id: id}
	var err error
	switch opcode {
	case wiremessage.OpMsg:
		err = m.parseMsg(body)
	case wiremessage.OpQuery:
		m.legacy = true
		err = m.parseQuery(body)
	default:
		err = fmt.Errorf("mongosim does not support %s", opcode)
	}
	if errors.As(err, &m.refused) {
		return m, nil
	}
	if err == nil && len(m.body) == 0 {
		err = errors.New("empty command")
	}
	return m, err
}

// parseMsg joins an OP_MSG's sections into one command document.
func (m *message) parseMsg(b []byte) error {
	flags, b, ok := wiremessage.ReadMsgFlags(b)
	if !ok {
		return fmt.Errorf("OP_MSG without flags")
	}
	if flags&wiremessage.ChecksumPresent != 0 { // TCP has its own
		if len(b) < 4 {
			return fmt.Errorf("OP_MSG without checksum")
		}
		b = b[:len(b)-4]
	}
	if unknown := flags &^ (wiremessage.ChecksumPresent | wiremessage.MoreToCome | wiremessage.ExhaustAllowed); unknown != 0 {
		return fmt.Errorf("OP_MSG with unknown flags %#x", uint32(unknown))
	}
	m.noReply = flags&wiremessage.MoreToCome != 0
	var sequences bson.D
	for len(b) > 0 {
		var kind wiremessage.SectionType
		kind, b, _ = wiremessage.ReadMsgSectionType(b)
		switch kind {
		case wiremessage.SingleDocument:
			raw, rest, ok := wiremessage.ReadMsgSectionSingleDocument(b)
			if !ok {
				return fmt.Errorf("OP_MSG with a bad body")
			}
			body, err := decode(raw)
			if err != nil {
				return fmt.Errorf("OP_MSG body: %w", err)
			}
			m.body, b = body, rest
		case wiremessage.DocumentSequence:
			name, raws, rest, ok := wiremessage.ReadMsgSectionDocumentSequence(b)
			if !ok {
				return fmt.Errorf("OP_MSG with a bad document sequence")
			}
			list := make(bson.A, len(raws))
			for i, raw := range raws {
				d, err := decode(raw)
				if err != nil {
					return fmt.Errorf("OP_MSG %s: %w", name, err)
				}
				list[i] = d
			}
			sequences, b = append(sequences, bson.E{Key: name, Value: list}), rest
		default:
			return fmt.Errorf("OP_MSG with unknown section kind %d", kind)
		}
	}
	m.body = append(m.body, sequences...)
	return nil
}

func (m *message) parseQuery(b []byte) error {
	_, b, ok1 := wiremessage.ReadQueryFlags(b)
	ns, b, ok2 := wiremessage.ReadQueryFullCollectionName(b)
	if !ok1 || !ok2 || len(b) < 8 {
		return fmt.Errorf("bad OP_QUERY")
	}
	raw, _, ok := wiremessage.ReadQueryQuery(b[8:])
	if !ok {
		return fmt.Errorf("bad OP_QUERY")
	}
	body, err := decode(raw)
	if err != nil {
		return err
	}
	if len(body) == 0 || ns != "admin.$cmd" || !isHello(body[0].Key) {
		return fmt.Errorf("mongosim takes OP_QUERY for hello only, not for %s", ns)
	}
	m.body = append(body, bson.E{Key: "$db", Value: "admin"})
	return nil
}

// encodeReply makes the message that answers m.
func (m message) encodeReply(body bson.Raw) []byte {
	dst := make([]byte, 0, len(body)+64)
	opcode := wiremessage.OpMsg
	if m.legacy {
		opcode = wiremessage.OpReply
	}
	_, dst = wiremessage.AppendHeaderStart(dst, wiremessage.NextRequestID(), m.id, opcode)
	if m.legacy {
		dst = wiremessage.AppendReplyFlags(dst, 0)
		dst = wiremessage.AppendReplyCursorID(dst, 0)
		dst = wiremessage.AppendReplyStartingFrom(dst, 0)
		dst = wiremessage.AppendReplyNumberReturned(dst, 1)
	} else {
		dst = wiremessage.AppendMsgFlags(dst, 0)
		dst = wiremessage.AppendMsgSectionType(dst, wiremessage.SingleDocument)
	}
	dst = append(dst, body...)
	binary.LittleEndian.PutUint32(dst, uint32(len(dst)))
	return dst
}
