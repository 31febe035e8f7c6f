#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The host's end of tests/progs/net_cost.c, in the network namespace of a run.

UDP 7701  "BYTES COUNT": exactly that many frames go into the TAP device
TCP 7702  reads all, then closes
TCP 7703  "BYTES" and a newline: sends that many bytes
UDP 7704  sends back what it gets
"""

import os
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True

TAP = "tap0"
PORT_FRAMES, PORT_SINK, PORT_SOURCE, PORT_ECHO = 7701, 7702, 7703, 7704
# Local experimental EtherType 1: no protocol takes it, so that the guest's stack
# drops a frame as soon as the driver has handed it over.
ETHERTYPE = b"\x88\xb5"
GUEST = bytes.fromhex("525400c70002")
# The device queues 1000 frames and drops the rest.
AHEAD = 400
CHUNK = 1 << 18
# Packets of 64 KiB whenever the window allows. Left alone TCP sizes them by its pacing
# rate, a thing of real time, of which a guest that counts instructions has another idea.
MIN_TSO_SEGS = 44


def taken(stats):
    """Frames that QEMU has read from the TAP device."""
    for line in os.pread(stats, 65536, 0).decode().splitlines():
        name, _, rest = line.partition(":")
        if name.strip() == TAP:
            return int(rest.split()[9])
    raise OSError(f"no {TAP} in /proc/net/dev")


def send_frames(raw, stats, size, count):
    frame = GUEST + bytes.fromhex("02000000000a") + ETHERTYPE + bytes(size - 14)
    first = taken(stats)
    room = AHEAD
    for sent in range(count):
        while room <= 0:
            room = AHEAD - (sent - (taken(stats) - first))
            if room <= 0:
                time.sleep(0.0002)
        raw.send(frame)
        room -= 1


def frames():
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    raw.bind((TAP, 0))
    stats = os.open("/proc/self/net/dev", os.O_RDONLY)
    ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ask.bind(("", PORT_FRAMES))
    while True:
        size, count = (int(w) for w in ask.recv(64).split())
        send_frames(raw, stats, size, count)


def sink(conn):
    buf = bytearray(CHUNK)
    while conn.recv_into(buf):
        pass


def source(conn):
    left = int(conn.makefile("rb").readline())
    data = b"y" * CHUNK
    while left > 0:
        part = data if left >= CHUNK else data[:left]
        conn.sendall(part)
        left -= len(part)
    # Let the guest close first.
    conn.recv(1)


def serve(port, work):
    listener = socket.create_server(("", port))
    while True:
        conn, _ = listener.accept()
        with conn:
            try:
                work(conn)
            except (OSError, ValueError) as err:
                print(f"port {port}: {err}", file=sys.stderr, flush=True)


def echo():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", PORT_ECHO))
    while True:
        sock.sendto(*sock.recvfrom(2048))


def fix_segments():
    with open("/proc/sys/net/ipv4/tcp_min_tso_segs", "w", encoding="ascii") as knob:
        knob.write(str(MIN_TSO_SEGS))


def main():
    fix_segments()
    for port, work in ((PORT_SINK, sink), (PORT_SOURCE, source)):
        threading.Thread(target=serve, args=(port, work), daemon=True).start()
    threading.Thread(target=echo, daemon=True).start()
    frames()


if __name__ == "__main__":
    main()
