package mongosim

import (
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// command is one entry of the command table. Exactly one of run, which takes
// the engine's lock itself, and write, which runs alone under it, is set.
type command struct {
	run    func(*Server, *request) (bson.D, error)
	write  func(*txn, *request) (bson.D, error)
	fields string // the fields it takes beside the common ones
	// retryable commands take a txnNumber.
	retryable bool
}

// commonFields are taken by every command; check looks into them.
const commonFields = "$db lsid txnNumber $clusterTime $readPreference readConcern writeConcern maxTimeMS comment " +
	"apiVersion apiStrict apiDeprecationErrors startTransaction autocommit"

var commands map[string]command

func init() { // a variable initialised by functions that read it would be a cycle
	hello := command{run: (*Server).hello, fields: "helloOk client compression speculativeAuthenticate saslSupportedMechs loadBalanced topologyVersion maxAwaitTimeMS backpressure"}
	commands = map[string]command{
		"hello": hello, "isMaster": hello, "ismaster": hello,
		"ping":         {run: ok},
		"buildInfo":    {run: buildInfo},
		"buildinfo":    {run: buildInfo},
		"getParameter": {run: getParameter, fields: "featureCompatibilityVersion allParameters"},
		"startSession": {run: startSession},
		"endSessions":  {write: endSessions},

		"find":        {run: (*Server).find, fields: "filter sort projection hint skip limit batchSize singleBatch allowDiskUse noCursorTimeout allowPartialResults let"},
		"getMore":     {run: (*Server).getMore, fields: "collection batchSize"},
		"killCursors": {run: (*Server).killCursors, fields: "cursors"},
		"count":       {run: (*Server).count, fields: "query limit skip hint fields"},
		"distinct":    {run: (*Server).distinct, fields: "key query hint"},
		"aggregate":   {run: (*Server).aggregate, fields: "pipeline cursor hint allowDiskUse bypassDocumentValidation let"},

		"insert":        {write: insert, fields: "documents ordered bypassDocumentValidation", retryable: true},
		"update":        {write: update, fields: "updates ordered bypassDocumentValidation let", retryable: true},
		"delete":        {write: deleteDocs, fields: "deletes ordered let", retryable: true},
		"findAndModify": {write: findAndModify, fields: "query sort remove update new fields upsert bypassDocumentValidation hint arrayFilters let", retryable: true},
		"findandmodify": {write: findAndModify, fields: "query sort remove update new fields upsert bypassDocumentValidation hint arrayFilters let", retryable: true},

		"createIndexes":   {write: createIndexes, fields: "indexes commitQuorum"},
		"dropIndexes":     {write: dropIndexes, fields: "index"},
		"listIndexes":     {run: (*Server).listIndexes, fields: "cursor"},
		"create":          {write: create},
		"drop":            {write: drop},
		"dropDatabase":    {write: dropDatabase},
		"listCollections": {run: (*Server).listCollections, fields: "filter nameOnly authorizedCollections cursor"},
		"listDatabases":   {run: (*Server).listDatabases, fields: "filter nameOnly authorizedDatabases"},
	}
}

// request is one command being carried out.
type request struct {
	server    *Server
	command   string
	body      bson.D
	db        string
	session   string // encoded lsid
	txnNumber *int64
	deadline  time.Time // zero if none
	env       *env
}

// handle answers a message; ok is false if the connection must be dropped.
func (s *Server) handle(m message) (reply []byte, ok bool) {
	if m.refused != nil {
		return m.encodeReply(encode(m.refused.reply(false))), true
	}
	req := &request{server: s, command: m.body[0].Key, body: m.body, env: &env{now: bson.NewDateTimeFromTime(s.cfg.Now())}}
	s.stats.update(func(st *Stats) { st.Commands[req.command]++ })
	if e, drop := s.fault(req, false); drop {
		return nil, false
	} else if e != nil {
		return m.encodeReply(encode(e.reply(req.retried()))), true
	}
	body, err := s.execute(req)
	if e, drop := s.fault(req, true); drop {
		return nil, false
	} else if e != nil {
		err = e
	}
	if err != nil {
		body = encode(asCmdError(err).reply(req.retried()))
	}
	return m.encodeReply(body), true
}

// retried reports whether the client would repeat the command as a retryable
// write.
func (r *request) retried() bool {
	_, ok := lookup(r.body, "txnNumber")
	return ok
}

func (s *Server) execute(req *request) (bson.Raw, error) {
	cmd, known := commands[req.command]
	if !known {
		return nil, errf(codeCommandNotFound, "no such command: '%s' (mongosim)", req.command)
	}
	if err := req.check(cmd); err != nil {
		return nil, err
	}
	if cmd.write != nil {
		return s.runWrite(req, cmd.write)
	}
	d, err := cmd.run(s, req)
	if err != nil {
		return nil, err
	}
	return encode(append(d, bson.E{Key: "ok", Value: 1.0})), nil
}

// check refuses fields that nobody would look at, and reads the common ones.
func (r *request) check(cmd command) error {
	for _, name := range []string{"startTransaction", "autocommit"} {
		if _, there := lookup(r.body, name); there {
			return errf(codeCommandNotSupported, "mongosim does not support transactions (%s)", name)
		}
	}
	for _, e := range r.body[1:] {
		if !hasWord(commonFields, e.Key) && !hasWord(cmd.fields, e.Key) && !harmless(e) {
			return errf(codeUnknownField, "BSON field '%s.%s' is an unknown field (mongosim).", r.command, e.Key)
		}
		switch e.Key {
		case "$db":
			r.db, _ = e.Value.(string)
		case "lsid":
			id, ok := e.Value.(bson.D)
			if !ok {
				return errf(codeTypeMismatch, "lsid must be an object")
			}
			r.session = keyOf(id)
		case "txnNumber":
			n, ok := toInt64(e.Value)
			if !ok || !cmd.retryable {
				return errf(codeInvalidOptions, "txnNumber is not allowed with %s", r.command)
			}
			r.txnNumber = &n
		case "maxTimeMS":
			ms, ok := toInt64(e.Value)
			if !ok || ms < 0 {
				return errf(codeBadValue, "maxTimeMS must be a non-negative number")
			}
			if ms > 0 {
				r.deadline = time.Now().Add(time.Duration(ms) * time.Millisecond)
			}
		case "readConcern":
			if err := checkReadConcern(e.Value); err != nil {
				return err
			}
		case "writeConcern":
			if err := checkWriteConcern(e.Value); err != nil {
				return err
			}
		case "apiVersion":
			if e.Value != "1" {
				return errf(322, "API version must be \"1\"")
			}
		case "let":
			if d, ok := e.Value.(bson.D); !ok || len(d) > 0 {
				return errf(codeNotImplemented, "mongosim does not support let")
			}
		}
	}
	if r.txnNumber != nil && r.session == "" {
		return errf(codeInvalidOptions, "Transaction number requires a session ID to also be specified")
	}
	return nil
}

// harmless lets an option pass that is switched off.
func harmless(e bson.E) bool { return e.Value == false }

func hasWord(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

func checkReadConcern(v any) error {
	d, _ := v.(bson.D)
	for _, e := range d {
		if e.Key != "level" {
			return errf(codeNotImplemented, "mongosim does not support readConcern.%s", e.Key)
		}
		switch e.Value {
		case "local", "available", "majority", "linearizable":
		default:
			return errf(codeNotImplemented, "mongosim does not support readConcern level %v", e.Value)
		}
	}
	return nil
}

func checkWriteConcern(v any) error {
	d, _ := v.(bson.D)
	for _, e := range d {
		switch e.Key {
		case "w":
			if n, ok := toInt64(e.Value); e.Value != "majority" && (!ok || n < 0 || n > 1) {
				return errf(100, "Not enough data-bearing nodes for write concern w: %v", e.Value)
			}
		case "j", "wtimeout", "provenance":
		default:
			return errf(codeNotImplemented, "mongosim does not support writeConcern.%s", e.Key)
		}
	}
	return nil
}

// interrupted is the reason to stop early, nil if there is none.
func (r *request) interrupted() error {
	if r.server.ctx.Err() != nil {
		return errf(codeInterruptedAtShutdown, "interrupted at shutdown")
	}
	if !r.deadline.IsZero() && time.Now().After(r.deadline) {
		return errf(codeMaxTimeMSExpired, "operation exceeded time limit")
	}
	return nil
}

func (r *request) examined(ns string, n uint64, scan bool) {
	r.server.stats.update(func(st *Stats) {
		st.Examined[r.command] += n
		if scan {
			st.Scans[r.command+" "+ns]++
		}
	})
}
