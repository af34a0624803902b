"""A process with everything imported that forks lives: `python -m tests.crash.sweep.zygote FD`.

Importing starts no thread, so that a fork is a life of its own, for a hundredth of what starting an
interpreter costs. The one who wants lives talks over the socket FD, a message at a time: options
with three descriptors (told, errors, gate) are answered by a process id, such an id by its status.
"""

import json
import os
import socket
import sys
from typing import Any

from tests.crash.sweep.life import live


def main() -> None:
    """Fork until nobody wants any more."""
    with socket.socket(fileno=int(sys.argv[1])) as wanted:
        while True:
            message, descriptors, _, _ = socket.recv_fds(wanted, 1 << 16, 3)
            if not message:
                return
            request: Any = json.loads(message)
            if isinstance(request, int):
                answer = os.waitstatus_to_exitcode(os.waitpid(request, 0)[1])
            else:
                answer = os.fork()
                if answer == 0:
                    break
            for descriptor in descriptors:
                os.close(descriptor)
            wanted.send(json.dumps(answer).encode())
    live(request, *descriptors)  # and leave as every process does


if __name__ == "__main__":
    main()
