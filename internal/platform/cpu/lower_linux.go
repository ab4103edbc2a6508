package cpu

import "syscall"

// lower is for this thread alone, as Linux takes it (sched(7), "The nice value").
// Everybody may lower; where even that is forbidden, all have one priority.
func lower() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness) }

// niceness gives a thread a third of what another gets that wants the same core: it
// comes last, and still comes beside a database or a mail server that never rest.
const niceness = 5
