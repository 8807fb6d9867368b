package mongosim

import (
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// MongoDB's error codes, as listed in its manual ("Error Codes").
const (
	codeInternalError           int32 = 1
	codeBadValue                int32 = 2
	codeFailedToParse           int32 = 9
	codeTypeMismatch            int32 = 14
	codeInvalidLength           int32 = 16
	codeNamespaceNotFound       int32 = 26
	codeIndexNotFound           int32 = 27
	codePathNotViable           int32 = 28
	codeConflictingUpdate       int32 = 40
	codeCursorNotFound          int32 = 43
	codeNamespaceExists         int32 = 48
	codeMaxTimeMSExpired        int32 = 50
	codeDollarPrefixedFieldName int32 = 52
	codeInvalidIDField          int32 = 53
	codeNotSingleValueField     int32 = 54
	codeEmptyFieldName          int32 = 56
	codeCommandNotFound         int32 = 59
	codeImmutableField          int32 = 66
	codeCannotCreateIndex       int32 = 67
	codeInvalidOptions          int32 = 72
	codeInvalidNamespace        int32 = 73
	codeIndexOptionsConflict    int32 = 85
	codeIndexKeySpecsConflict   int32 = 86
	codeShutdownInProgress      int32 = 91
	codeCommandNotSupported     int32 = 115
	codeCannotIndexParallel     int32 = 171
	codeTransactionTooOld       int32 = 225
	codeNotImplemented          int32 = 238
	codeDuplicateKey            int32 = 11000
	codeObjectTooLarge          int32 = 10334
	codeInterruptedAtShutdown   int32 = 11600
	codeUnknownField            int32 = 40415
)

var codeNames = map[int32]string{
	codeInternalError:           "InternalError",
	codeBadValue:                "BadValue",
	codeFailedToParse:           "FailedToParse",
	codeTypeMismatch:            "TypeMismatch",
	codeInvalidLength:           "InvalidLength",
	codeNamespaceNotFound:       "NamespaceNotFound",
	codeIndexNotFound:           "IndexNotFound",
	codePathNotViable:           "PathNotViable",
	codeConflictingUpdate:       "ConflictingUpdateOperators",
	codeCursorNotFound:          "CursorNotFound",
	codeNamespaceExists:         "NamespaceExists",
	codeMaxTimeMSExpired:        "MaxTimeMSExpired",
	codeDollarPrefixedFieldName: "DollarPrefixedFieldName",
	codeInvalidIDField:          "InvalidIdField",
	codeNotSingleValueField:     "NotSingleValueField",
	codeEmptyFieldName:          "EmptyFieldName",
	codeCommandNotFound:         "CommandNotFound",
	codeImmutableField:          "ImmutableField",
	codeCannotCreateIndex:       "CannotCreateIndex",
	codeInvalidOptions:          "InvalidOptions",
	codeInvalidNamespace:        "InvalidNamespace",
	codeIndexOptionsConflict:    "IndexOptionsConflict",
	codeIndexKeySpecsConflict:   "IndexKeySpecsConflict",
	codeShutdownInProgress:      "ShutdownInProgress",
	codeCommandNotSupported:     "CommandNotSupported",
	codeCannotIndexParallel:     "CannotIndexParallelArrays",
	codeTransactionTooOld:       "TransactionTooOld",
	codeNotImplemented:          "NotImplemented",
	10107:                       "NotWritablePrimary",
	codeDuplicateKey:            "DuplicateKey",
	codeObjectTooLarge:          "BSONObjectTooLarge",
	codeInterruptedAtShutdown:   "InterruptedAtShutdown",
}

// retryableWriteCodes are the errors after which a driver repeats a write. A
// server labels them itself: drivers look at the label, not at the code.
var retryableWriteCodes = map[int32]bool{
	6: true, 7: true, 89: true, 91: true, 134: true, 189: true, 262: true, 9001: true,
	10107: true, 11600: true, 11602: true, 13435: true, 13436: true,
}

// cmdError is an error that the client sees: of the whole command, or of one
// statement in its writeErrors.
type cmdError struct {
	code   int32
	msg    string
	labels []string
	extra  bson.D // keyPattern and keyValue of a duplicate key
}

func (e *cmdError) Error() string { return fmt.Sprintf("(%s) %s", codeName(e.code), e.msg) }

func codeName(code int32) string {
	if name, ok := codeNames[code]; ok {
		return name
	}
	return fmt.Sprintf("Location%d", code)
}

func errf(code int32, format string, args ...any) *cmdError {
	return &cmdError{code: code, msg: fmt.Sprintf(format, args...)}
}

// asCmdError finds the client's error in err; anything else is an internal
// error of this server.
func asCmdError(err error) *cmdError {
	var ce *cmdError
	if errors.As(err, &ce) {
		return ce
	}
	return errf(codeInternalError, "mongosim: %v", err)
}

// reply is the command reply that reports e.
func (e *cmdError) reply(retryableWrite bool) bson.D {
	d := bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: e.msg},
		{Key: "code", Value: e.code}, {Key: "codeName", Value: codeName(e.code)}}
	d = append(d, e.extra...)
	labels := bson.A{}
	for _, l := range e.labels {
		labels = append(labels, l)
	}
	if retryableWrite && len(labels) == 0 && retryableWriteCodes[e.code] {
		labels = append(labels, "RetryableWriteError")
	}
	if len(labels) > 0 {
		d = append(d, bson.E{Key: "errorLabels", Value: labels})
	}
	return d
}

// writeError is the entry of a reply's writeErrors for statement index.
func (e *cmdError) writeError(index int) bson.D {
	d := bson.D{{Key: "index", Value: int32(index)}, {Key: "code", Value: e.code}}
	d = append(d, e.extra...)
	return append(d, bson.E{Key: "errmsg", Value: e.msg})
}
