"""Become a program that dies with its parent: `attach.py PARENT_PID SIGNAL USER_ID -- PROGRAM ARGUMENTS...`.

A tiny program of its own rather than a `preexec_fn`: Python code between fork and exec may deadlock in a parent that
has threads, and newer Pythons warn of it. Run with `python -I -S`, it costs about 15 ms.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Drop to USER_ID (-1 keeps the user), ask the kernel for SIGNAL at the parent's death, then exec PROGRAM."""
    parent, signal_number, user_id = (int(text) for text in arguments[:3])
    program = arguments[4:]
    if user_id >= 0:
        os.setgroups([])
        os.setgid(user_id)
        os.setuid(user_id)
    # After the change of user, which would clear it.
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent died before its child was attached to it")
    try:
        os.execvp(program[0], program)
    except OSError as error:
        sys.exit(f"cannot start {program[0]}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
