package apitypes

import "time"

// BookingRequest books seats for a class.
type BookingRequest struct {
	Type     string    `json:"lab_type" minLength:"1" maxLength:"64" doc:"lab type" example:"ec2-basics"`
	Seats    int       `json:"seats" minimum:"1" maximum:"10000" example:"120"`
	Start    time.Time `json:"start" example:"2026-12-01T10:00:00Z"`
	End      time.Time `json:"end" example:"2026-12-01T12:00:00Z"`
	Title    string    `json:"title,omitempty" maxLength:"200"`
	Purpose  string    `json:"purpose,omitempty" enum:"production,development,testing" doc:"default production"`
	Students []string  `json:"students,omitempty" maxItems:"10000" doc:"the fleet asks for their labs itself when the class starts; at most as many as seats"`
	NoShow   Duration  `json:"no_show,omitempty" maxLength:"32" doc:"seats nobody took are let go so long after the start; default 30m"`
}

// BookingChange changes a booking; what is left out stays.
type BookingChange struct {
	Seats    *int       `json:"seats,omitempty" minimum:"1" maximum:"10000"`
	Start    *time.Time `json:"start,omitempty"`
	End      *time.Time `json:"end,omitempty"`
	Title    *string    `json:"title,omitempty" maxLength:"200"`
	Students *[]string  `json:"students,omitempty" maxItems:"10000"`
}

// Booking is a class.
type Booking struct {
	ID        string    `json:"id"`
	Owner     string    `json:"owner"`
	Title     string    `json:"title,omitempty"`
	Type      string    `json:"lab_type"`
	Seats     int       `json:"seats"`
	Purpose   string    `json:"purpose"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	WarmFrom  time.Time `json:"warm_from" doc:"from then on accounts are held for it"`
	NoShow    time.Time `json:"no_show_at" doc:"seats nobody took are let go then"`
	Students  []string  `json:"students,omitempty"`
	State     string    `json:"state" enum:"booked,open,done,cancelled"`
	Reason    string    `json:"reason,omitempty"`
	Held      int       `json:"held" doc:"accounts held for it now"`
	Labs      int       `json:"labs" doc:"labs that took a seat"`
	CreatedAt time.Time `json:"created_at"`
	Version   int64     `json:"version"`
}

// Slot is a time at which seats are free.
type Slot struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Seats int       `json:"seats" doc:"free seats at that time"`
}
