// Package storetest is one conformance suite per store interface of package
// fleet. Every implementation runs the same ones; what a test of a service
// assumes of a store, it may assume because it stands here.
//
// It also holds [Memory], the account store, lease table and activity log for
// tests of services that need no database. It passes the same suites.
package storetest
