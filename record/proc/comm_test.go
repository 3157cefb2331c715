package proc

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// setComm names the calling thread.
func setComm(name string) {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		panic(err)
	}
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(p)), 0, 0, 0)
	runtime.KeepAlive(p)
}
