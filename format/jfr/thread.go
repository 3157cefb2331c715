package jfr

// Thread is a thread as the JVM knew it. Equal constants of one chunk have the
// same pointer, and keeping one is safe, as with Stack.
type Thread struct {
	OSID   int64 // as the JVM's pid namespace numbers it; 0 for virtual threads
	JavaID int64 // 0 for threads of the JVM itself
	OSName string
	// JavaName is "" for threads of the JVM itself and for unnamed virtual ones.
	JavaName string
	Group    string // name of its thread group
	Virtual  bool
}

// Name is the Java name where there is one, else the operating system's.
func (t *Thread) Name() string {
	if t.JavaName != "" {
		return t.JavaName
	}
	return t.OSName
}
