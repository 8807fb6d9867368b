package awsclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/fleet"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	api := func(code string) error {
		return &smithy.OperationError{ServiceID: "X", OperationName: "Y", Err: &smithy.GenericAPIError{Code: code}}
	}
	for _, c := range []struct {
		err  error
		want Class
	}{
		{nil, None},
		{api("NoSuchEntity"), Gone},
		{api("InvalidVpcID.NotFound"), Gone},
		{api("QueueDoesNotExist"), Gone},
		{api("DependencyViolation"), Blocked},
		{api("DeleteConflict"), Blocked},
		{api("SlowDown"), Throttled},
		{api("RequestLimitExceeded"), Throttled},
		{api("UnauthorizedOperation"), Denied},
		{api("ValidationError"), Permanent},
		{api("InternalError"), Retry},
		{api("SomethingNotFoundThatNobodyKnows"), Retry},
		{errors.New("NoSuchEntity"), Retry}, // words are no code
		{io.ErrUnexpectedEOF, Retry},
		{context.DeadlineExceeded, Retry},
		{context.Canceled, Retry},
		{fmt.Errorf("x: %w", fleet.ErrProtected), Permanent},
		{fmt.Errorf("x: %w", fleet.ErrStaleEpoch), Permanent},
		{final{api("NoSuchBucket")}, Gone},
	} {
		if got := Classify(c.err); got != c.want {
			t.Errorf("Classify(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}

func TestIsRead(t *testing.T) {
	t.Parallel()
	for op, want := range map[string]bool{
		"DescribeInstances": true, "ListBuckets": true, "GetCallerIdentity": true, "HeadBucket": true, "LookupEvents": true,
		"DeleteVpc": false, "GetFederationToken": false, "GetSessionToken": false, "RunInstances": false, "AssumeRole": false,
		"PurgeQueue": false, "ReceiveMessage": false, "Invoke": false, "": false,
	} {
		if got := isRead(op); got != want {
			t.Errorf("isRead(%q) = %v, want %v", op, got, want)
		}
	}
}
