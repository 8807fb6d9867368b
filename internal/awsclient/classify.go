package awsclient

import (
	"errors"

	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/fleet"
)

// Class says what a caller should do about an error.
type Class string

// The classes. An error that nobody has classified is Retry, never Gone.
const (
	None      Class = ""          // no error
	Gone      Class = "gone"      // there is no such thing: a delete has succeeded
	Blocked   Class = "blocked"   // something else must go first: later
	Throttled Class = "throttled" // slow down
	Denied    Class = "denied"    // not allowed: a person or another order of things
	Permanent Class = "permanent" // wrong, and wrong again when repeated
	Retry     Class = "retry"     // may be cured by trying again
)

// Classify says what err means. Errors of the network and of contexts are Retry.
func Classify(err error) Class {
	switch {
	case err == nil:
		return None
	case errors.Is(err, fleet.ErrProtected), errors.Is(err, fleet.ErrStaleEpoch), errors.Is(err, ErrReadOnly):
		return Permanent
	}
	return codes[Code(err)].orRetry()
}

// Code gives the AWS error code of err, or "".
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func (c Class) orRetry() Class {
	if c == None {
		return Retry
	}
	return c
}

// codes is the one table of AWS error codes. Sources: the "Errors" section of
// each API reference, "Error codes for the Amazon EC2 API", "Error responses"
// of Amazon S3. A service's codes that share a meaning stand together.
var codes = table(map[Class][]string{
	Gone: {
		// IAM, S3, general
		"NoSuchEntity", "NoSuchBucket", "NoSuchKey", "NoSuchUpload", "NoSuchVersion", "NotFound", "NotFoundException",
		"NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration", "NoSuchTagSet", "ObjectLockConfigurationNotFoundError",
		"ResourceNotFoundException", "ResourceNotFound", "NoSuchResource",
		// SQS in both protocol generations
		"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist",
		// DynamoDB backups
		"BackupNotFoundException", "TableNotFoundException",
		// EC2
		"InvalidInstanceID.NotFound", "InvalidSpotInstanceRequestID.NotFound", "InvalidLaunchTemplateId.NotFound",
		"InvalidLaunchTemplateName.NotFoundException", "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable",
		"InvalidSnapshot.NotFound", "InvalidVolume.NotFound", "InvalidKeyPair.NotFound", "InvalidAllocationID.NotFound",
		"InvalidAddress.NotFound", "InvalidAssociationID.NotFound", "InvalidAttachmentID.NotFound",
		"NatGatewayNotFound", "InvalidNatGatewayID.NotFound", "InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound",
		"InvalidVpcPeeringConnectionID.NotFound", "InvalidNetworkInterfaceID.NotFound", "InvalidGroup.NotFound",
		"InvalidGroupId.NotFound", "InvalidSecurityGroupID.NotFound", "InvalidSecurityGroupRuleId.NotFound",
		"InvalidPermission.NotFound", "InvalidSubnetID.NotFound", "InvalidRouteTableID.NotFound", "InvalidRouteTableId.NotFound",
		"InvalidRoute.NotFound", "InvalidNetworkAclID.NotFound", "InvalidNetworkAclEntry.NotFound",
		"InvalidInternetGatewayID.NotFound", "InvalidInternetGatewayId.NotFound", "Gateway.NotAttached", "InvalidVpcID.NotFound",
		"InvalidDhcpOptionID.NotFound", "InvalidDhcpOptionsID.NotFound", "InvalidFlowLogId.NotFound", "InvalidPlacementGroup.Unknown",
		"InvalidEgressOnlyInternetGatewayId.NotFound",
	},
	Blocked: {
		"DependencyViolation", "DeleteConflict", "DeleteConflictException", "ResourceInUse", "ResourceInUseException", "ResourceInUseFault",
		"BucketNotEmpty", "ScalingActivityInProgress", "ScalingActivityInProgressFault", "OperationAborted",
		"IncorrectState", "IncorrectInstanceState", "InvalidStateTransition", "InvalidSnapshot.InUse", "InvalidVolume.InUse", "VolumeInUse", "InvalidAMIID.InUse",
		"InvalidIPAddress.InUse", "InvalidNetworkInterface.InUse", "InvalidPlacementGroup.InUse", "InvalidKeyPair.InUse",
		"InvalidGroup.InUse", "InvalidGroup.Reserved", "Resource.AlreadyAssociated", "ResourceConflictException", "ConcurrentModification",
		"ConcurrentModificationException", "OperationNotPermitted", "InvalidAddress.Locked", "AuthFailure.ServiceManaged",
		"BackupInUseException", "EntityTemporarilyUnmodifiable", "ConflictException", "OperationAbortedException",
		"QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently",
	},
	Throttled: {
		"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException", "RequestLimitExceeded",
		"TooManyRequestsException", "TooManyRequests", "ProvisionedThroughputExceededException", "TransactionInProgressException",
		"BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete", "SlowDown", "EC2ThrottledException",
	},
	Denied: {
		"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "AuthorizationErrorException", "AuthFailure", "UnauthorizedAccess",
		"AllAccessDisabled", "AccountProblem", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch",
		"InvalidSignatureException", "ExpiredToken", "ExpiredTokenException", "RequestExpired", "OptInRequired", "SubscriptionRequiredException",
		"PendingVerification", "Blocked", "NotAuthorized", "KMSAccessDeniedException", "PolicyNotAttachable", "UnmodifiableEntity", "RegionDisabledException",
	},
	Permanent: {
		"ValidationError", "ValidationException", "InvalidParameterValue", "InvalidParameterValueException", "InvalidParameter", "InvalidParameterException",
		"InvalidParameterCombination", "InvalidRequest", "InvalidRequestException", "InvalidInput", "InvalidAction", "MalformedPolicyDocument", "MalformedPolicy",
		"PackedPolicyTooLarge", "MissingParameter", "MissingAction", "UnknownOperationException", "UnsupportedOperation", "UnsupportedOperationException", "NotImplemented", "Unsupported",
		"EntityAlreadyExists", "ResourceAlreadyExistsException", "ResourceAlreadyExists", "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "LimitExceeded",
		"SerializationException", "ObjectLocked", "InvalidAttributeName", "InvalidState",
		"InvalidInstanceID.Malformed", "InvalidVolumeID.Malformed", "DefaultVpcAlreadyExists", "CannotDelete",
	},
})

func table(by map[Class][]string) map[string]Class {
	m := map[string]Class{}
	for class, list := range by {
		for _, code := range list {
			if _, dup := m[code]; dup {
				panic("awsclient: error code classified twice: " + code)
			}
			m[code] = class
		}
	}
	return m
}
