package cpu

import "syscall"

// lower is for this thread alone, as Linux takes it (sched(7), "The nice value").
// Everybody may lower; where even that is forbidden, all have one priority.
func lower() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness) }

// niceness gives a thread a tenth of what another gets that wants the same core.
const niceness = 10
