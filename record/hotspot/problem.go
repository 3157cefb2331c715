package hotspot

import (
	"errors"
	"fmt"
)

// ProblemKind is why a JVM cannot be seen, or not fully.
type ProblemKind string

const (
	AttachDisabled ProblemKind = "attach-disabled" // -XX:+DisableAttachMechanism
	AttachUnproven ProblemKind = "attach-unproven" // nothing proves that SIGQUIT would be safe, so it is not sent
	NotPermitted   ProblemKind = "not-permitted"   // ids or capabilities
	ReadOnlyTmp    ProblemKind = "read-only-tmp"   // the JVM cannot create its socket, or we not the trigger file
	NoJFR          ProblemKind = "no-jfr"          // the runtime image has no jdk.jfr module, or JFR is switched off
	Gone           ProblemKind = "gone"            // the process ended, or its pid now belongs to another one
	Starting       ProblemKind = "starting"        // the JVM is not far enough to be talked to; try again
	Stopped        ProblemKind = "stopped"         // SIGSTOP, a debugger or a frozen container
	StaleSocket    ProblemKind = "stale-socket"    // a dead JVM's socket is in the way and may not be removed
	ForeignSocket  ProblemKind = "foreign-socket"  // the socket of this name belongs to another process
	NotJVM         ProblemKind = "not-jvm"
	TooOld         ProblemKind = "too-old"
	Timeout        ProblemKind = "timeout"
	Busy           ProblemKind = "busy"     // too many clients are queued on the attach socket
	TooLong        ProblemKind = "too-long" // the command exceeds what this JVM's protocol takes
	Protocol       ProblemKind = "protocol" // the reply is not what a HotSpot JVM sends
)

// Problem is an error an operator can act on.
type Problem struct {
	Kind   ProblemKind
	Reason string // one sentence: what is wrong
	Remedy string // one sentence: what to do; "" when there is nothing to do
	Err    error  // what the system said, nil when nothing did
}

func (p *Problem) Error() string {
	if p.Err == nil {
		return p.Reason
	}
	return p.Reason + " (" + p.Err.Error() + ")"
}

func (p *Problem) Unwrap() error { return p.Err }

// KindOf returns the kind of the first Problem in err's chain, "" when there
// is none.
func KindOf(err error) ProblemKind {
	var p *Problem
	if errors.As(err, &p) {
		return p.Kind
	}
	return ""
}

func gone(p Process, err error) *Problem {
	return &Problem{Gone, fmt.Sprintf("Process %d has ended.", p.PID), "", err}
}

// CommandError is a command the JVM understood and answered with an error.
type CommandError struct {
	Command string
	Code    int
	Text    string // what the JVM said, at most maxErrorText bytes
}

const maxErrorText = 4096

func (e *CommandError) Error() string {
	return fmt.Sprintf("the JVM answered %s with code %d: %s", e.Command, e.Code, e.Text)
}
