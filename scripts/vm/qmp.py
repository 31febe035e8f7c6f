# SPDX-License-Identifier: GPL-2.0
"""A small QMP client on an already connected socket.

Replies and events are told apart; a QEMU that does not answer costs the caller
at most the time-out, never a hang.
"""

import json
import select
import time


class QMPError(Exception):
    """QEMU refused a command, went away, or did not answer in time."""


class QMP:
    """One monitor connection."""

    def __init__(self, sock):
        self._sock = sock
        self._buf = b""
        self.events = []
        self._ready = False

    def fileno(self):
        return self._sock.fileno()

    def _message(self, deadline):
        while b"\n" not in self._buf:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._sock], [], [], left)[0]:
                raise QMPError("no answer from QEMU's monitor")
            data = self._sock.recv(65536)
            if not data:
                raise QMPError("QEMU's monitor is closed")
            self._buf += data
        line, self._buf = self._buf.split(b"\n", 1)
        return json.loads(line)

    def command(self, command, timeout=5.0, **args):
        """Run one command and return its result."""
        deadline = time.monotonic() + timeout
        if not self._ready:
            while "QMP" not in self._message(deadline):
                pass
            self._ready = True
            self.command("qmp_capabilities", timeout)
        request = {"execute": command}
        if args:
            request["arguments"] = args
        try:
            self._sock.sendall(json.dumps(request).encode() + b"\n")
            while True:
                msg = self._message(deadline)
                if "event" in msg:
                    self.events.append(msg)
                elif "error" in msg:
                    raise QMPError(msg["error"].get("desc", "refused"))
                elif "return" in msg:
                    return msg["return"]
        except OSError as err:
            raise QMPError(str(err)) from err

    def drain(self):
        """Collect events that have arrived; never waits."""
        try:
            while self._ready:
                msg = self._message(time.monotonic() + 0.001)
                if "event" in msg:
                    self.events.append(msg)
        except (QMPError, OSError):
            pass

    def hmp(self, line, timeout=5.0):
        """Run a human monitor command and return its text."""
        return self.command("human-monitor-command", timeout, **{"command-line": line})

    def vcpu_threads(self):
        """Return {vcpu index: host thread id}."""
        return {c["cpu-index"]: c["thread-id"] for c in self.command("query-cpus-fast")}
