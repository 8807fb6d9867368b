package expr

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

var number = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE]([+-]?\d{1,4}))?$`)

// DynamoDB's numbers: 38 significant digits, 1E-130 to 9.99E+125.
const (
	maxDigits   = 38
	maxExponent = 126
	minExponent = -130
)

// canonical gives a number the way DynamoDB gives it back: "1.50" is "1.5".
func canonical(s string) (string, error) {
	s = strings.TrimSpace(s)
	m := number.FindStringSubmatch(s)
	if m == nil {
		return "", fmt.Errorf("The parameter cannot be converted to a numeric value: %s", s)
	}
	if e, _ := strconv.Atoi(m[3]); e > maxExponent+maxDigits || e < minExponent-maxDigits { // "" is 0
		return "", fmt.Errorf("Number overflow. Attempting to store a number with magnitude larger than supported range")
	}
	return decimal(rat(s))
}

// rat reads a number that has been checked.
func rat(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return new(big.Rat)
	}
	return r
}

func decimal(r *big.Rat) (string, error) {
	s := r.FloatString(-minExponent + maxDigits)
	s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	digits := strings.Trim(strings.Replace(strings.TrimPrefix(s, "-"), ".", "", 1), "0")
	if len(digits) > maxDigits {
		return "", fmt.Errorf("Attempting to store more than 38 significant digits in a Number")
	}
	whole, _, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if len(whole) > maxExponent {
		return "", fmt.Errorf("Number overflow. Attempting to store a number with magnitude larger than supported range")
	}
	if s == "" || s == "-0" || s == "-" {
		return "0", nil
	}
	return s, nil
}

// add gives a+b, or a-b if minus.
func add(a, b Value, minus bool) (Value, error) {
	if a.Type != "N" || b.Type != "N" {
		return Value{}, fmt.Errorf("An operand in the update expression has an incorrect data type")
	}
	x, y := rat(a.S), rat(b.S)
	if minus {
		y.Neg(y)
	}
	s, err := decimal(x.Add(x, y))
	return Value{Type: "N", S: s}, err
}
