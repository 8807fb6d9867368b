package awsclient

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// override sends every client to u instead of AWS. Bucket names and account ids
// then must not become parts of the host's name: S3 goes by path, and the host
// that S3 Control makes (account id, dot, host) is put back.
func override(cfg *aws.Config, u *url.URL) {
	cfg.BaseEndpoint = aws.String(u.String())
	cfg.ServiceOptions = append(cfg.ServiceOptions[:len(cfg.ServiceOptions):len(cfg.ServiceOptions)], func(_ string, o any) {
		if o, ok := o.(*s3.Options); ok {
			o.UsePathStyle = true
		}
	})
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("KMLHost", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if r, ok := in.Request.(*smithyhttp.Request); ok && awsmiddleware.GetServiceID(ctx) == "S3 Control" {
				r.URL.Host = u.Host
				r.Host = u.Host
			}
			return next.HandleFinalize(ctx, in)
		}), "Signing", middleware.Before)
	})
}
