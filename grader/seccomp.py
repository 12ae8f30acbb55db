"""System calls that no answer needs, and that the sandbox therefore answers with "not there".

Memory of memfd_create and shmget belongs to no process, so that no limit sees it; keys outlive the
process that made them; the others have opened holes in sandboxes before. The filter is a program
for the kernel's own small machine (classic BPF), which bubblewrap hands over.
"""

import errno
import platform
import struct

# machine → what the kernel calls it, and the numbers of the calls
CALLS = {
    "x86_64": (
        0xC000003E,
        {
            "shmget": 29,
            "msgget": 68,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "perf_event_open": 298,
            "memfd_create": 319,
            "bpf": 321,
            "userfaultfd": 323,
            "io_uring_setup": 425,
            "memfd_secret": 447,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "msgget": 186,
            "shmget": 194,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "perf_event_open": 241,
            "memfd_create": 279,
            "bpf": 280,
            "userfaultfd": 282,
            "io_uring_setup": 425,
            "memfd_secret": 447,
        },
    ),
}
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.ENOSYS
OTHER_NUMBERS = 0x40000000  # x86_64 knows each call by a second number from here on


def program(machine: str = platform.machine()) -> bytes:
    """The filter for a machine, or no bytes where its numbers are not known."""
    if machine not in CALLS:
        return b""
    name, calls = CALLS[machine]
    tests = [(AT_LEAST, OTHER_NUMBERS), *((EQUAL, number) for number in sorted(calls.values()))]
    # each test jumps over the rest and over ALLOW
    jumps = [(code, len(tests) - n, 0, k) for n, (code, k) in enumerate(tests)]
    lines = [
        (LOAD, 0, 0, 4),
        (EQUAL, 0, len(tests) + 2, name),  # calls of a 32-bit program have other numbers
        (LOAD, 0, 0, 0),
        *jumps,
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
