package sqs

import (
	"encoding/xml"
	"maps"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// nameValues is a map that the query protocol writes as repeated elements with
// Name and Value.
type nameValues map[string]string

// MarshalXML writes one element per entry, in order of the names.
func (m nameValues) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if err := e.EncodeElement(struct{ Name, Value string }{k, m[k]}, start); err != nil {
			return err
		}
	}
	return nil
}

// keyValues is the same with Key and Value: tags.
type keyValues map[string]string

// MarshalXML writes one element per entry, in order of the keys.
func (m keyValues) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if err := e.EncodeElement(struct{ Key, Value string }{k, m[k]}, start); err != nil {
			return err
		}
	}
	return nil
}

// attributeValue is one message attribute.
type attributeValue struct {
	DataType    string
	StringValue string `json:",omitempty" xml:",omitempty"`
	BinaryValue []byte `json:",omitempty" xml:"-"`
}

type messageAttributes map[string]attributeValue

// MarshalXML writes one element per entry, in order of the names; blobs in Base64.
func (m messageAttributes) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	type value struct {
		DataType    string
		StringValue string `xml:",omitempty"`
		BinaryValue string `xml:",omitempty"`
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := m[k]
		entry := struct {
			Name  string
			Value value
		}{k, value{v.DataType, v.StringValue, encode64(v.BinaryValue)}}
		if err := e.EncodeElement(entry, start); err != nil {
			return err
		}
	}
	return nil
}

// refuse makes an error; queryCode is the code of the query protocol where it
// differs ("" where not). Source: "Error code mappings", SQS API reference.
func refuse(code, queryCode, format string, args ...any) *core.Error {
	e := core.Errorf(400, code, format, args...)
	e.QueryCode = queryCode
	return e
}

func noQueue() *core.Error {
	return refuse("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

func missingParameter(name string) *core.Error {
	return refuse("MissingParameter", "", "The request must contain the parameter %s.", name)
}

func invalidParameter(name string, value any, reason string) *core.Error {
	return refuse("InvalidParameterValue", "", "Value %v for parameter %s is invalid. Reason: %s", value, name, reason)
}
