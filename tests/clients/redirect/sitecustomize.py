"""Python loads this at its start: the vendors' names lead to the server of the tests."""

import os
import socket

HOSTS = os.environ["REDIRECTED_HOSTS"].split(",")
PORT = int(os.environ["REDIRECTED_PORT"])
resolve = socket.getaddrinfo


def getaddrinfo(host, port, *args, **kwargs):
    if host in HOSTS and port == 443:
        return resolve("127.0.0.1", PORT, *args, **kwargs)
    return resolve(host, port, *args, **kwargs)


socket.getaddrinfo = getaddrinfo
