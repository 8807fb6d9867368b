package core

import (
	"fmt"
	"net/http"
)

// Error is an answer that AWS gives when it refuses.
type Error struct {
	Code    string
	Status  int
	Message string
	// QueryCode is the code of the query protocol where it differs
	// (SQS: "AWS.SimpleQueueService.NonExistentQueue").
	QueryCode string
	// Extra fields of the error's body (JSON and XML).
	Extra map[string]any
	// Header goes out with the error (S3: "x-amz-bucket-region").
	Header http.Header
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf makes an error with AWS's code and HTTP status.
func Errorf(status int, code, format string, args ...any) *Error {
	return &Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// Denied is the refusal in the words and with the code of the service.
func (c *Call) denied(msg string) *Error {
	switch {
	case c.Service.Name == "ec2":
		return Errorf(403, "UnauthorizedOperation", "You are not authorized to perform this operation. %s", msg)
	case c.Service.QueryCompatible: // as when they spoke the query protocol only
		return Errorf(403, "AccessDenied", "%s", msg)
	case c.Protocol == JSON10 || c.Protocol == JSON11 || c.Protocol == RESTJSON || c.Protocol == CBOR:
		status := 400
		if c.Protocol == RESTJSON {
			status = 403
		}
		return Errorf(status, "AccessDeniedException", "%s", msg)
	case c.Service.Name == "sns":
		return Errorf(403, "AuthorizationError", "%s", msg)
	default:
		return Errorf(403, "AccessDenied", "%s", msg)
	}
}

// Throttled is the refusal of a service that is asked too often.
func (c *Call) throttled() *Error {
	switch {
	case c.Service.Name == "ec2":
		return Errorf(503, "RequestLimitExceeded", "Request limit exceeded.")
	case c.Service.Name == "s3":
		return Errorf(503, "SlowDown", "Please reduce your request rate.")
	case c.Service.Name == "organizations" || c.Service.Name == "lambda":
		return Errorf(429, "TooManyRequestsException", "Rate exceeded")
	case c.Protocol == Query:
		return Errorf(400, "Throttling", "Rate exceeded")
	default:
		return Errorf(400, "ThrottlingException", "Rate exceeded")
	}
}
