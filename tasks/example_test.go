package tasks_test

import (
	"errors"
	"fmt"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/tasks"
)

// A request that cannot be right says which field is wrong.
func ExampleAssign_Validate() {
	err := tasks.Assign{RequestID: "class-7/ada", LabType: "ec2-basics", Student: "ada"}.Validate()
	var field *fleet.FieldError
	if errors.As(err, &field) {
		fmt.Println(field.Field+":", field.Remedy)
	}
	// Output: duration: give a positive duration, such as 1h
}
