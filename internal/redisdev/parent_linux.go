package redisdev

import "syscall"

// endWithParent lets the kernel end the child when this process dies without
// saying so.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
