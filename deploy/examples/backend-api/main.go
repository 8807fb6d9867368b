// Command backend-api is a backend that wants a lab for every student of a class
// and asks for them by the HTTP API. In a terminal: make run. In another, with
// the server and the key that it names:
//
//	export KML_SERVER=http://127.0.0.1:8080 KML_API_KEY=kml_…
//	go run ./deploy/examples/backend-api ada grace edsger
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

func main() {
	students := os.Args[1:]
	if len(students) == 0 {
		students = []string{"ada", "grace", "edsger"}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := class(ctx, os.Getenv("KML_SERVER"), os.Getenv("KML_API_KEY"), students); err != nil {
		log.Fatal(err)
	}
}

// class requests the labs, then waits for each of them.
func class(ctx context.Context, server, key string, students []string) error {
	kml, err := apiclient.New(server, key, apiclient.Options{UserAgent: "backend-api-example"})
	if err != nil {
		return err
	}
	var labs []apitypes.Lab
	for _, student := range students {
		lab, err := kml.RequestLab(ctx, apitypes.LabRequest{Type: "ec2-basics", Student: student, Duration: apitypes.Duration(time.Hour)}, 0)
		if err != nil {
			return fmt.Errorf("lab of %s: %w", student, err)
		}
		labs = append(labs, lab)
	}
	for _, lab := range labs {
		if lab, err = kml.WaitLab(ctx, lab.ID, nil); err != nil {
			return fmt.Errorf("lab of %s: %w", lab.Student, err)
		}
		fmt.Printf("%s: lab %s is %s in account %s until %s %s\n", lab.Student, lab.ID, lab.State, lab.Account, lab.EndsAt.Format(time.RFC3339), lab.Reason)
	}
	return nil
}
