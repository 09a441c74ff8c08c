package main

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Linux' capabilities, each at the place of its number.
var capabilities = strings.Fields(`CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT
SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE
AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`)

// Linux' resource limits by the number that getrlimit(2) takes.
var rlimits = map[string]int{"RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3, "RLIMIT_CORE": 4,
	"RLIMIT_RSS": 5, "RLIMIT_NPROC": 6, "RLIMIT_NOFILE": 7, "RLIMIT_MEMLOCK": 8, "RLIMIT_AS": 9, "RLIMIT_LOCKS": 10,
	"RLIMIT_SIGPENDING": 11, "RLIMIT_MSGQUEUE": 12, "RLIMIT_NICE": 13, "RLIMIT_RTPRIO": 14, "RLIMIT_RTTIME": 15}

// limits is what a process may pass on to its children.
type limits struct {
	bounding    map[string]bool
	oomScoreAdj int64
	hard        func(rlimit string) (uint64, bool)
}

// bound takes from an OCI process what lies outside the limits.
// https://github.com/opencontainers/runtime-spec/blob/main/config.md#process
func bound(process map[string]any, own limits) {
	sets, _ := process["capabilities"].(map[string]any)
	for name, set := range sets {
		sets[name] = kept(set, own.bounding)
	}
	if own.bounding["CAP_SYS_RESOURCE"] {
		return
	}
	if asked, ok := integer(process["oomScoreAdj"]); ok && asked < own.oomScoreAdj {
		process["oomScoreAdj"] = own.oomScoreAdj
	}
	asked, _ := process["rlimits"].([]any)
	for _, item := range asked {
		if limit, ok := item.(map[string]any); ok {
			lower(limit, own)
		}
	}
}

func kept(set any, bounding map[string]bool) []any {
	asked, _ := set.([]any)
	result := []any{}
	for _, item := range asked {
		name, _ := item.(string)
		if given, known := bounding[name]; given || !known { // a name newer than our list is runc's business
			result = append(result, name)
		}
	}
	return result
}

func lower(limit map[string]any, own limits) {
	kind, _ := limit["type"].(string)
	hard, known := own.hard(kind)
	if !known {
		return
	}
	for _, which := range []string{"hard", "soft"} {
		number, _ := limit[which].(json.Number)
		if asked, err := strconv.ParseUint(number.String(), 10, 64); err == nil && asked > hard {
			limit[which] = hard
		}
	}
}

func integer(value any) (int64, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	result, err := number.Int64()
	return result, err == nil
}

func limitsOfThisProcess() limits {
	return limits{bounding: boundingSet(), oomScoreAdj: oomScoreAdj(), hard: hardLimit}
}

func hardLimit(rlimit string) (uint64, bool) {
	which, known := rlimits[rlimit]
	if !known {
		return 0, false
	}
	var limit syscall.Rlimit
	err := syscall.Getrlimit(which, &limit)
	return limit.Max, err == nil
}

// boundingSet is every capability where /proc does not tell: then nothing is dropped and runc itself complains.
func boundingSet() map[string]bool {
	mask := ^uint64(0)
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if value, found := strings.CutPrefix(line, "CapBnd:"); found {
			if parsed, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64); err == nil {
				mask = parsed
			}
		}
	}
	set := map[string]bool{}
	for number, name := range capabilities {
		set["CAP_"+name] = mask&(1<<number) != 0
	}
	return set
}

func oomScoreAdj() int64 {
	content, _ := os.ReadFile("/proc/self/oom_score_adj")
	value, _ := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
	return value
}
