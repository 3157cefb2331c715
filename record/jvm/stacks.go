package jvm

import (
	"tacho"
	"tacho/record"
)

// stackRef is a stack shared by all samples that saw it; its identity stands
// for its contents within one chunk.
type stackRef struct {
	frames tacho.Stack
	est    *stackRef
}

// estimated is the same stack with its leaf marked as inferred.
func (r *stackRef) estimated() *stackRef {
	if r.est == nil {
		fs := make(tacho.Stack, len(r.frames))
		copy(fs, r.frames)
		fs[0].Kind = tacho.KindEstimated
		r.est = &stackRef{frames: fs}
	}
	return r.est
}

var (
	unsampledStack = &stackRef{frames: tacho.Stack{record.RuntimeFrame("")}}
	nativeStack    = &stackRef{frames: tacho.Stack{{Function: "[native]", Kind: tacho.KindNative}}}
	endedStack     = &stackRef{frames: tacho.Stack{{Function: "[ended threads]", Kind: tacho.KindUnsampled}}}

	runtimeStacks = map[string]*stackRef{
		record.GroupC1:       {frames: tacho.Stack{record.RuntimeFrame(record.GroupC1)}},
		record.GroupC2:       {frames: tacho.Stack{record.RuntimeFrame(record.GroupC2)}},
		record.GroupGC:       {frames: tacho.Stack{record.RuntimeFrame(record.GroupGC)}},
		record.GroupVM:       {frames: tacho.Stack{record.RuntimeFrame(record.GroupVM)}},
		record.GroupRecorder: {frames: tacho.Stack{record.RuntimeFrame(record.GroupRecorder)}},
	}
)
