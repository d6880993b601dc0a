"""Which system calls a child may not make, by name, with their numbers on both architectures.

Everything else is allowed up to the newest call listed here; calls that were added to Linux later do not exist for a
child. Numbers: ``asm/unistd_64.h`` (x86-64) and ``asm-generic/unistd.h`` (aarch64); a dash where there is no such call.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Machine(Enum):
    """An architecture: the value in ``seccomp_data.arch``, and the column of the tables."""

    X86_64 = (0xC000003E, 0)
    AARCH64 = (0xC00000B7, 1)

    @property
    def audit_arch(self) -> int:
        """The kernel's name for calls made in this architecture's native convention."""
        return self.value[0]

    @property
    def column(self) -> int:
        """Where this architecture's numbers are in the tables."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class ArgumentRule:
    """Allow a call only when one argument is among `allowed` or less than `below`; with neither given, when it is zero.

    Numbers are compared with the argument's low 32 bits, as the kernel reads an int; zero means all 64.
    """

    argument: int
    allowed: tuple[int, ...] = ()
    below: int = 0


FIRST_UNKNOWN = 463  # setxattrat and later, on both architectures
X32_BIT = 0x40000000  # the x32 convention of x86-64, used by no honest program

# With a timer a program would choose a signal for itself, SIGKILL among them, as if somebody else had sent it; with a
# memory policy it would have the kernel kill for want of memory.
_PROCESS = """
fork 57 -, vfork 58 -, clone 56 220, execve 59 221, execveat 322 281, setsid 112 157, setpgid 109 154,
ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, kcmp 312 272, kill 62 129, tkill 200 130,
tgkill 234 131, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240, pidfd_open 434 434, pidfd_send_signal 424 424,
pidfd_getfd 438 438, process_madvise 440 440, process_mrelease 448 448, prctl 157 167, unshare 272 97,
setns 308 268, timer_create 222 107, mq_notify 244 184, setpriority 141 140,
sched_setparam 142 118, sched_setscheduler 144 119, sched_setaffinity 203 122, sched_setattr 314 274,
ioprio_set 251 30, setrlimit 160 164, migrate_pages 256 238, move_pages 279 239,
set_mempolicy 238 237, mbind 237 235, set_mempolicy_home_node 450 450,
personality 135 92, seccomp 317 277
"""
_NETWORK = """
socket 41 198, socketpair 53 199, connect 42 203, bind 49 200, listen 50 201, accept 43 202, accept4 288 242,
io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427
"""
_KERNEL = """
bpf 321 280, perf_event_open 298 241, userfaultfd 323 282, add_key 248 217, request_key 249 218, keyctl 250 219,
mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51, move_mount 429 429, open_tree 428 428,
fsopen 430 430, fsconfig 431 431, fsmount 432 432, fspick 433 433, mount_setattr 442 442, statmount 457 457,
listmount 458 458, swapon 167 224, swapoff 168 225, reboot 169 142, kexec_load 246 104, kexec_file_load 320 294,
init_module 175 105, finit_module 313 273, delete_module 176 106, acct 163 89, syslog 103 116, sethostname 170 161,
setdomainname 171 162, settimeofday 164 170, clock_settime 227 112, adjtimex 159 171, clock_adjtime 305 266,
quotactl 179 60, quotactl_fd 443 443, iopl 172 -, ioperm 173 -, modify_ldt 154 -, vhangup 153 58,
fanotify_init 300 262, fanotify_mark 301 263, inotify_init 253 -, inotify_init1 294 26, inotify_add_watch 254 27,
sync 162 81, syncfs 306 267, landlock_create_ruleset 444 444, landlock_add_rule 445 445,
landlock_restrict_self 446 446
"""
_SHARED_BETWEEN_PROCESSES = """
memfd_create 319 279, memfd_secret 447 447, shmget 29 194, shmat 30 196, shmctl 31 195, semget 64 190, semop 65 193,
semctl 66 191, semtimedop 220 192, msgget 68 186, msgsnd 69 189, msgrcv 70 188, msgctl 71 187, mq_open 240 180,
mq_unlink 241 181, flock 73 32, futex_waitv 449 449, futex_wake 454 454, futex_wait 455 455, futex_requeue 456 456
"""
_IDENTITY = """
setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143, setresuid 117 147, setresgid 119 149,
setgroups 116 159, setfsuid 122 151, setfsgid 123 152, capset 126 91
"""
# Landlock does not govern modes, owners, times and attributes, nor the reading of these; the rest is denied twice, for
# kernels with an old one.
_FILE_CHANGES = """
link 86 -, linkat 265 37, symlink 88 -, symlinkat 266 36, rename 82 -, renameat 264 38, renameat2 316 276,
unlink 87 -, unlinkat 263 35, rmdir 84 -, mkdir 83 -, mkdirat 258 34, mknod 133 -, mknodat 259 33, creat 85 -,
truncate 76 45, chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, chown 92 -, fchown 93 55,
lchown 94 -, fchownat 260 54, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7, getxattr 191 8,
lgetxattr 192 9, fgetxattr 193 10, listxattr 194 11, llistxattr 195 12, flistxattr 196 13, removexattr 197 14,
lremovexattr 198 15, fremovexattr 199 16, utime 132 -, utimes 235 -, futimesat 261 -, utimensat 280 88,
name_to_handle_at 303 264, open_by_handle_at 304 265
"""
# What they find in the page cache, or drop from it, outlives the child: notes for the next time it is played.
_PAGE_CACHE = """
fadvise64 221 223, readahead 187 213, mincore 27 232, cachestat 451 451, io_setup 206 0, io_destroy 207 1,
io_submit 209 2, io_cancel 210 3, io_getevents 208 4, io_pgetevents 333 292
"""
_DENIED = (_PROCESS, _NETWORK, _KERNEL, _SHARED_BETWEEN_PROCESSES, _IDENTITY, _FILE_CHANGES, _PAGE_CACHE)
# glibc falls back to clone, which says EPERM, only where clone3 does not exist; to preadv and pwritev, which know no
# flags and so cannot ask whether a page is cached, only where preadv2 and pwritev2 do not.
_ABSENT = "clone3 435 435, preadv2 327 286, pwritev2 328 287"
# MADV_NORMAL, DONTNEED, FREE, DONTFORK, DOFORK, UNMERGEABLE, HUGEPAGE, NOHUGEPAGE, DONTDUMP, DODUMP, WIPEONFORK,
# KEEPONFORK, GUARD_INSTALL, GUARD_REMOVE: what allocators ask for. The rest moves pages of files in or out of memory.
_ADVICE_ON_OWN_MEMORY = (0, 4, 8, 10, 11, 13, 14, 15, 16, 17, 18, 19, 102, 103)
# With FUTEX_PRIVATE_FLAG: WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, LOCK_PI, UNLOCK_PI, WAIT_BITSET, and that one by
# the clock of the day: what locks of one process are made of. Without it a word of a library's file is one for all who
# map it.
_PRIVATE_FUTEXES = (128, 129, 131, 132, 133, 134, 135, 137, 393)
_BY_ARGUMENT = {
    "prlimit64 302 261": ArgumentRule(2),  # reading limits is harmless
    # Negative numbers are the CPU clocks of other processes.
    "clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115": ArgumentRule(0, below=1 << 31),
    "madvise 28 233": ArgumentRule(2, _ADVICE_ON_OWN_MEMORY),
    "futex 202 98": ArgumentRule(1, _PRIVATE_FUTEXES),
    # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ. Others send signals, take locks that
    # other children see, take of the pipes' memory that all share, or write a hint into the file's inode.
    "fcntl 72 25": ArgumentRule(1, (0, 1, 2, 3, 4, 1030, 1032)),
    # TCGETS and TCGETS2 (isatty), TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. Others change flags and numbers of
    # a file's inode, type into a terminal, or send signals.
    "ioctl 16 29": ArgumentRule(1, (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
}


def denied_calls(machine: Machine) -> frozenset[int]:
    """Numbers that answer EPERM."""
    return frozenset(number for text in _DENIED for number in _numbers(text, machine))


def absent_calls(machine: Machine) -> frozenset[int]:
    """Numbers that answer ENOSYS, beside all from `FIRST_UNKNOWN` on."""
    return frozenset(_numbers(_ABSENT, machine))


def argument_rules(machine: Machine) -> dict[int, ArgumentRule]:
    """Numbers that are denied for some arguments only."""
    return {number: rule for text, rule in _BY_ARGUMENT.items() for number in _numbers(text, machine)}


def _numbers(text: str, machine: Machine) -> list[int]:
    rows = [entry.split() for entry in text.split(",")]
    column = 1 + machine.column
    return [int(row[column]) for row in rows if row[column] != "-"]
