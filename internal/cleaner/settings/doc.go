// Package settings is the table of account settings that a lab may have changed
// and that are brought back to what AWS gives a new account.
//
// Invariants: a setting is believed only when it was read; it is restored only
// when it differs, and then read once more; a read that failed is Unknown and
// never "as it should be".
package settings
