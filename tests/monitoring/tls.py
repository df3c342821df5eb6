"""An authority of its own, certificates by it, and a proxy that ends TLS in front of a hub."""

import os
import socket
import ssl
import subprocess
import threading


class Authority:
    def __init__(self, home):
        self.home = home
        self.file = self.path("ca.pem")
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Test Authority",
                     "-keyout", self.path("ca.key"), "-out", self.file)

    def path(self, name):
        return os.path.join(self.home, name)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def certificate(self, days):
        """For `localhost`, as the files of certificate and key."""
        key, request, chain = (self.path(f"{days}.{end}") for end in ("key", "csr", "pem"))
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", request)
        with open(self.path("san"), "w") as san:
            san.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.path("ca.key"),
                     "-CAcreateserial", "-days", str(days), "-extfile", self.path("san"), "-out", chain)
        return chain, key


class Proxy:
    """Ends TLS and passes bytes on, until it is closed."""

    def __init__(self, certificate, address):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.target = (address.split(":")[0], int(address.split(":")[1]))
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                stream, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    def serve(self, stream):
        try:
            with self.context.wrap_socket(stream, server_side=True) as outside:
                with socket.create_connection(self.target) as inside:
                    back = threading.Thread(target=self.copy, args=(inside, outside), daemon=True)
                    back.start()
                    self.copy(outside, inside)
                    back.join(5)
        except OSError:
            pass

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.socket.close()
