package mongosim

import (
	"crypto/rand"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// maxWireVersion says MongoDB 7.0, whose behaviour is the model throughout.
const maxWireVersion = 21

func isHello(name string) bool {
	return strings.EqualFold(name, "hello") || strings.EqualFold(name, "isMaster")
}

// hello describes a primary that is its replica set's only member: that is
// what makes drivers use sessions and retry writes.
func (s *Server) hello(req *request) (bson.D, error) {
	primary := "isWritablePrimary"
	if req.command != "hello" {
		primary = "ismaster"
	}
	return bson.D{
		{Key: "helloOk", Value: true},
		{Key: primary, Value: true},
		{Key: "secondary", Value: false},
		{Key: "setName", Value: "mongosim"},
		{Key: "setVersion", Value: int32(1)},
		{Key: "hosts", Value: bson.A{s.addr}},
		{Key: "primary", Value: s.addr},
		{Key: "me", Value: s.addr},
		{Key: "maxBsonObjectSize", Value: int32(maxDocumentSize)},
		{Key: "maxMessageSizeBytes", Value: int32(maxMessageSize)},
		{Key: "maxWriteBatchSize", Value: int32(maxWriteBatch)},
		{Key: "localTime", Value: req.env.now},
		{Key: "logicalSessionTimeoutMinutes", Value: int32(sessionTimeout.Minutes())},
		{Key: "minWireVersion", Value: int32(0)},
		{Key: "maxWireVersion", Value: int32(maxWireVersion)},
		{Key: "readOnly", Value: false},
	}, nil
}

func ok(*Server, *request) (bson.D, error) { return bson.D{}, nil }

func buildInfo(*Server, *request) (bson.D, error) {
	return bson.D{
		{Key: "version", Value: "7.0.0"},
		{Key: "gitVersion", Value: "mongosim"},
		{Key: "modules", Value: bson.A{"mongosim"}},
		{Key: "versionArray", Value: bson.A{int32(7), int32(0), int32(0), int32(0)}},
		{Key: "maxBsonObjectSize", Value: int32(maxDocumentSize)},
	}, nil
}

func getParameter(_ *Server, req *request) (bson.D, error) {
	if _, ok := lookup(req.body, "featureCompatibilityVersion"); !ok {
		return nil, errf(codeInvalidOptions, "mongosim knows the parameter featureCompatibilityVersion only")
	}
	return bson.D{{Key: "featureCompatibilityVersion", Value: bson.D{{Key: "version", Value: "7.0"}}}}, nil
}

func startSession(*Server, *request) (bson.D, error) {
	data := make([]byte, 16)
	_, _ = rand.Read(data) // never fails
	return bson.D{
		{Key: "id", Value: bson.D{{Key: "id", Value: bson.Binary{Subtype: bson.TypeBinaryUUID, Data: data}}}},
		{Key: "timeoutMinutes", Value: int32(sessionTimeout.Minutes())},
	}, nil
}
