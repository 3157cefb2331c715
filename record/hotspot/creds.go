package hotspot

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// connectAs connects with other effective ids, because that is whom the JVM
// sees at the other end. JDK 8 takes only a client of exactly its own euid and
// egid, and a JVM in a user namespace sees our root as nobody.
//
// Credentials belong to a thread for the kernel and to the process for
// everybody else, so the switch happens by raw system calls on a thread of its
// own, which puts them back and then ends: a goroutine that returns without
// unlocking takes its thread with it.
func connectAs(uid, gid, fd int, addr unix.Sockaddr) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked
		done <- switched(uid, gid, func() error { return unix.Connect(fd, addr) })
	}()
	return <-done
}

// switched runs f with the effective ids given. Real and saved ids stay, which
// is what permits the way back.
func switched(uid, gid int, f func() error) (err error) {
	dumpable, derr := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	euid, egid := unix.Geteuid(), unix.Getegid()
	defer func() {
		if back := setEffective(unix.SYS_SETRESUID, euid); back != nil && err == nil {
			err = fmt.Errorf("return to the user id %d: %w", euid, back)
		}
		if back := setEffective(unix.SYS_SETRESGID, egid); back != nil && err == nil {
			err = fmt.Errorf("return to the group id %d: %w", egid, back)
		}
		// Every switch marks the whole process as not dumpable, which closes
		// its /proc/PID to its own user.
		if derr == nil && dumpable == 1 {
			unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
		}
	}()
	if err := setEffective(unix.SYS_SETRESGID, gid); err != nil {
		return fmt.Errorf("take the group id %d of the JVM: %w", gid, err)
	}
	if err := setEffective(unix.SYS_SETRESUID, uid); err != nil {
		return fmt.Errorf("take the user id %d of the JVM: %w", uid, err)
	}
	return f()
}

func setEffective(call uintptr, id int) error {
	if _, _, errno := unix.RawSyscall(call, ^uintptr(0), uintptr(id), ^uintptr(0)); errno != 0 {
		return errno
	}
	return nil
}
