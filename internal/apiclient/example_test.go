package apiclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

// kml is a server that hands out the same lab to everybody, in place of a real one.
func kml() *httptest.Server {
	mux := http.NewServeMux()
	lab := apitypes.Lab{ID: "lab-1", Type: "ec2-basics", Student: "ada@example.org", State: "waiting", Account: "123456789012"}
	mux.HandleFunc("POST /v1/labs", func(w http.ResponseWriter, r *http.Request) {
		var asked apitypes.LabRequest
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Type != "ec2-basics" {
			refuse(w, http.StatusUnprocessableEntity, "invalid")
			return
		}
		tell(w, lab)
	})
	active := lab
	active.State = "active"
	mux.HandleFunc("GET /v1/labs/{id}", func(w http.ResponseWriter, _ *http.Request) { tell(w, active) })
	mux.HandleFunc("GET /v1/labs", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, apitypes.Page[apitypes.Lab]{Items: []apitypes.Lab{active}})
	})
	mux.HandleFunc("GET /v1/events", func(w http.ResponseWriter, _ *http.Request) {
		stream(w, "id: 1-0\nevent: lab.active\ndata: {\"type\":\"lab.active\",\"lab\":\"lab-1\",\"student\":\"ada@example.org\"}\n\n")
	})
	return httptest.NewServer(mux)
}

// A backend requests a lab and waits until its student can work.
func Example() {
	server := kml()
	defer server.Close()
	client, err := apiclient.New(server.URL, "kml_id_secret", apiclient.Options{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	lab, err := client.RequestLab(ctx, apitypes.LabRequest{Type: "ec2-basics", Student: "ada@example.org", Duration: apitypes.Duration(time.Hour)}, apiclient.LongestWait)
	if err != nil {
		log.Fatal(err)
	}
	if lab, err = client.WaitLab(ctx, lab.ID, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(lab.Student, "is", lab.State, "in account", lab.Account)
	// Output: ada@example.org is active in account 123456789012
}

// An error of the server says which it is, and what to do.
func ExampleClient_RequestLab() {
	server := kml()
	defer server.Close()
	client, err := apiclient.New(server.URL, "kml_id_secret", apiclient.Options{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.RequestLab(context.Background(), apitypes.LabRequest{Type: "no-such-type"}, 0)
	var p *apitypes.Problem
	if errors.As(err, &p) {
		fmt.Println(p.Code, apiclient.IsInvalid(err))
	}
	// Output: invalid true
}

// A list is read page by page, as it is gone through.
func ExampleClient_Labs() {
	server := kml()
	defer server.Close()
	client, err := apiclient.New(server.URL, "kml_id_secret", apiclient.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for lab, err := range client.Labs(context.Background(), apiclient.LabQuery{State: []string{"active"}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(lab.ID, lab.State)
	}
	// Output: lab-1 active
}

// A stream goes on where it was when the connection breaks.
func ExampleClient_Events() {
	server := kml()
	defer server.Close()
	client, err := apiclient.New(server.URL, "kml_id_secret", apiclient.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range client.Events(context.Background(), apiclient.EventQuery{Types: []string{"lab.active"}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Event.Student, e.Event.Type)
		break
	}
	// Output: ada@example.org lab.active
}
