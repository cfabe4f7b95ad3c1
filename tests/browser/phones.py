"""A registrar and phones of it, on addresses of this host: they register, and answer keepalives
while they are plugged in."""
import socket
import threading
import time


def _fields(message, name):
    start = name.lower() + ":"
    return [line for line in message.split("\r\n") if line.lower().startswith(start)]


def _answer(message, names, more=""):
    lines = ["SIP/2.0 200 OK"]
    for name in names:
        lines += [line + (more if name == "Contact" else "") for line in _fields(message, name)]
    return "\r\n".join(lines + ["Content-Length: 0", "", ""]).encode("latin-1")


class Peer:
    """A socket, and a thread that takes what comes there."""

    def __init__(self, host, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            datagram, source = self.socket.recvfrom(65535)
            self.take(datagram.decode("latin-1"), source)


class Registrar(Peer):
    def take(self, message, source):
        if message.startswith("REGISTER"):
            names = ("Via", "From", "To", "Call-ID", "CSeq", "Contact")
            self.socket.sendto(_answer(message, names, ";expires=3600"), source)


class Phone(Peer):
    def __init__(self, name, host, port, delay=0.01):
        self.name, self.delay, self.plugged = name, delay, True
        self.registered = threading.Event()
        super().__init__(host, port)

    def register(self, proxy):
        self.socket.sendto("\r\n".join((
            "REGISTER sip:example.org SIP/2.0",
            f"Via: SIP/2.0/UDP 192.168.1.9:5060;branch=z9hG4bK{time.monotonic_ns()};rport",
            "Max-Forwards: 70",
            f"From: <{self.name}>;tag=1",
            f"To: <{self.name}>",
            f"Call-ID: {id(self)}@192.168.1.9",
            "CSeq: 1 REGISTER",
            "Contact: <sip:line@192.168.1.9:5060>;expires=3600",
            "Content-Length: 0", "", "")).encode("latin-1"), proxy)
        if not self.registered.wait(10):
            raise RuntimeError(f"{self.name} has not registered")

    def take(self, message, source):
        if message.startswith("SIP/2.0 200"):
            self.registered.set()
        elif self.plugged and _fields(message, "Call-ID"):
            time.sleep(self.delay)
            names = ("Via", "From", "To", "Call-ID", "CSeq")
            self.socket.sendto(_answer(message, names), source)
