package core

import (
	"bytes"
	"compress/gzip"
	"io"
)

// gunzip undoes the compression that SDKs apply to large requests of some
// operations (cloudwatch:PutMetricData beyond 10 KB). REST bodies stay as they
// are: there the encoding belongs to the object.
func (c *Call) gunzip() *Error {
	if c.Service.REST != "" || c.Request.Header.Get("Content-Encoding") != "gzip" {
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(c.Body))
	if err == nil {
		c.Body, err = io.ReadAll(io.LimitReader(z, maxBody))
	}
	if err != nil {
		return Errorf(400, "SerializationException", "the request says Content-Encoding: gzip: %v", err)
	}
	return nil
}
