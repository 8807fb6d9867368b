package core

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

func setBlob(key, s string, v reflect.Value) error {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return wrapField(key, err)
	}
	v.SetBytes(b)
	return nil
}

// answer is what goes back over the wire.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// encode turns a handler's output into the protocol's answer. Lock held: out
// may point into the world's state.
func (c *Call) encode(out any) (answer, error) {
	a := answer{status: 200, header: http.Header{}}
	if c.Op.Status != 0 {
		a.status = c.Op.Status
	}
	switch raw := out.(type) {
	case *Raw:
		return rawAnswer(raw), nil
	case Raw:
		return rawAnswer(&raw), nil
	}
	var err error
	switch c.Protocol {
	case Query, EC2Query, RESTXML:
		a.header.Set("Content-Type", "text/xml;charset=UTF-8")
		a.body, err = c.encodeXML(out)
	case CBOR:
		a.header.Set("Content-Type", "application/cbor")
		a.header.Set("Smithy-Protocol", "rpc-v2-cbor")
		a.body, err = cbor.Marshal(out)
	default:
		a.header.Set("Content-Type", c.jsonType())
		a.body, err = json.Marshal(out)
		if err == nil && bytes.Equal(a.body, []byte("null")) {
			a.body = []byte("{}")
		}
	}
	if err != nil {
		return a, fmt.Errorf("encode %s:%s: %w", c.Service.Name, c.Op.Name, err)
	}
	return a, nil
}

func rawAnswer(r *Raw) answer {
	a := answer{status: r.Status, header: r.Header, body: r.Body}
	if a.status == 0 {
		a.status = 200
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	return a
}

func (c *Call) jsonType() string {
	switch c.Protocol {
	case JSON10:
		return "application/x-amz-json-1.0"
	case JSON11:
		return "application/x-amz-json-1.1"
	default:
		return "application/json"
	}
}

func (c *Call) encodeXML(out any) ([]byte, error) {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	name := c.Op.Name + "Response"
	switch c.Protocol {
	case EC2Query:
		fmt.Fprintf(&b, `<%s xmlns="%s"><requestId>%s</requestId>`, name, c.Service.Namespace, c.RequestID)
	case Query:
		fmt.Fprintf(&b, `<%s xmlns="%s"><%sResult>`, name, c.Service.Namespace, c.Op.Name)
	case RESTXML:
		b.WriteString(xml.Header)
		if reflect.Indirect(reflect.ValueOf(out)).Kind() != reflect.Struct {
			return nil, nil
		}
		if err := e.Encode(out); err != nil { // the root is the struct's XMLName
			return nil, err
		}
		return b.Bytes(), nil
	}
	if err := xmlFields(e, &b, out); err != nil {
		return nil, err
	}
	if c.Protocol == Query {
		fmt.Fprintf(&b, `</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>`, c.Op.Name, c.RequestID)
	}
	fmt.Fprintf(&b, `</%s>`, name)
	return b.Bytes(), nil
}

// xmlFields writes the fields of out without an element of its own around them.
func xmlFields(e *xml.Encoder, b *bytes.Buffer, out any) error {
	v := reflect.ValueOf(out)
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	const wrap = "wrap"
	var inner bytes.Buffer
	ie := xml.NewEncoder(&inner)
	if err := ie.EncodeElement(v.Interface(), xml.StartElement{Name: xml.Name{Local: wrap}}); err != nil {
		return err
	}
	s := inner.Bytes()
	s = bytes.TrimSuffix(bytes.TrimPrefix(s, []byte("<"+wrap+">")), []byte("</"+wrap+">"))
	b.Write(s)
	return nil
}

// encodeError writes a refusal in the protocol's form.
func (c *Call) encodeError(e *Error) answer {
	a := answer{status: e.Status, header: http.Header{}}
	if a.status == 0 {
		a.status = 400
	}
	for k, v := range e.Header {
		a.header[k] = v
	}
	if c.Service.ErrorBody != nil {
		if body := c.Service.ErrorBody(c, e); body != nil {
			a.header.Set("Content-Type", "application/xml")
			a.body = body
			return a
		}
	}
	code := e.Code
	switch c.Protocol {
	case EC2Query:
		a.header.Set("Content-Type", "text/xml;charset=UTF-8")
		a.body = fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>`,
			code, escape(e.Message), c.RequestID)
	case RESTXML:
		a.header.Set("Content-Type", "application/xml")
		var extra bytes.Buffer
		for k, v := range e.Extra {
			fmt.Fprintf(&extra, "<%s>%s</%s>", k, escape(fmt.Sprint(v)), k)
		}
		a.body = fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message>%s<RequestId>%s</RequestId><HostId>sim</HostId></Error>`,
			code, escape(e.Message), extra.String(), c.RequestID)
	case JSON10, JSON11, RESTJSON, CBOR:
		return c.encodeJSONError(e, a)
	default:
		if e.QueryCode != "" {
			code = e.QueryCode
		}
		a.header.Set("Content-Type", "text/xml")
		a.body = fmt.Appendf(nil, `<ErrorResponse xmlns="%s"><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			c.Service.Namespace, e.fault(), code, escape(e.Message), c.RequestID)
	}
	return a
}

func (c *Call) encodeJSONError(e *Error, a answer) answer {
	m := map[string]any{"__type": e.Code, "message": e.Message, "Message": e.Message}
	if c.Protocol == RESTJSON {
		m["Type"] = map[string]string{"Sender": "User", "Receiver": "Server"}[e.fault()]
	}
	for k, v := range e.Extra {
		m[k] = v
	}
	a.header.Set("x-amzn-ErrorType", e.Code)
	if c.Service.QueryCompatible {
		code := e.QueryCode
		if code == "" {
			code = e.Code
		}
		a.header.Set("x-amzn-query-error", code+";"+e.fault())
	}
	var err error
	if c.Protocol == CBOR {
		a.header.Set("Content-Type", "application/cbor")
		a.header.Set("Smithy-Protocol", "rpc-v2-cbor")
		a.body, err = cbor.Marshal(m)
	} else {
		a.header.Set("Content-Type", c.jsonType())
		a.body, err = json.Marshal(m)
	}
	if err != nil { // Extra holds something that cannot be encoded: a bug of the service
		a.status, a.body = 500, nil
	}
	return a
}

func (e *Error) fault() string {
	if e.Status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

func escape(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}
