import Foundation
import Supervision
import TestSupport

/// TLS servers of all sorts in one Python process, on loopback, with certificates made by openssl.
///
/// Started by the first test that asks, and shared: it keeps no state. It ends when its standard
/// input does, which is when the test process ends.
final class TLSServers: Sendable {
    static let shared = TLSServers()

    let directory: String
    private let ports: [String: Int]
    private let server: ChildProcess

    /// The authority that has signed what is good.
    var authority: String { directory + "/authority.pem" }

    func port(_ server: String) -> Int { ports[server]! }

    private init() {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("trunkline-tls-\(UUID().uuidString)")
        try! FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true)
        self.directory = directory.path
        let made = try! Program.run(["/bin/bash", "-c", makeCertificates], in: directory.path)
        precondition(made.code == 0, "no certificates: \(made.errors)")

        // Opening a FIFO waits for the other side, which opens it once every server listens.
        let ready = directory.appendingPathComponent("ready")
        precondition(mkfifo(ready.path, 0o600) == 0)
        server = try! ChildProcess(
            Command(
                path: "/usr/bin/python3", arguments: ["-c", serve],
                workingDirectory: directory.path, input: .lifeline))
        let words = FileHandle(forReadingAtPath: ready.path)!.readDataToEndOfFile()
        ports = try! JSONDecoder().decode([String: Int].self, from: words)
    }
}

private let makeCertificates = #"""
    set -e
    key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
    authority() {
      key $1
      openssl req -x509 -new -key $1.key -subj "/CN=$1" -days 30 -out $1.pem
    }
    leaf() { # name, authority, host name, days, more extensions
      if [ "$1" = weak ]; then openssl genrsa -out $1.key 1024; else key $1; fi
      openssl req -new -key $1.key -subj "/CN=$1" -out $1.csr
      printf "subjectAltName=DNS:$3\n$5" > $1.ext
      openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days $4 \
        -extfile $1.ext -out $1.pem
      cat $1.key >> $1.pem
    }
    issuer() { # name, authority, how many issuers may stand below it
      key $1
      openssl req -new -key $1.key -subj "/CN=$1" -out $1.csr
      echo "basicConstraints=critical,CA:TRUE,pathlen:$3" > $1.ext
      openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 30 \
        -extfile $1.ext -out $1.pem
    }
    authority authority
    authority stranger
    issuer middle authority 0
    issuer below middle 0
    leaf chained middle "*.fedi.localhost" 30
    cat middle.pem >> chained.pem
    leaf toolong below "*.fedi.localhost" 30
    cat below.pem middle.pem >> toolong.pem
    leaf clientonly authority "*.fedi.localhost" 30 "extendedKeyUsage=clientAuth"
    leaf weak authority "*.fedi.localhost" 30
    leaf good authority "*.fedi.localhost" 30
    leaf unissued good "*.fedi.localhost" 30
    cat good.pem >> unissued.pem
    leaf missing middle "*.fedi.localhost" 30
    cp good.pem huge.pem
    for copy in $(seq 300); do cat authority.pem; done >> huge.pem
    leaf misnamed authority other.example 30
    leaf expired authority "*.fedi.localhost" -1
    leaf unknown stranger "*.fedi.localhost" 30
    key selfsigned
    openssl req -x509 -new -key selfsigned.key -subj /CN=self -days 30 -out selfsigned.pem \
      -addext "subjectAltName=DNS:*.fedi.localhost"
    cat selfsigned.key >> selfsigned.pem
    # The authorities of this machine and ours, as an operator would have them.
    cat /etc/ssl/certs/ca-certificates.crt authority.pem > bundle.pem
    """#

/// Servers by name: a certificate's name, `old` (TLS 1.1 at most), `newer` (TLS 1.2 at most), or
/// `closing` (one answer per connection). They answer 202 with the number of the request on its
/// connection (`fickle` too, which drops resumed ones), and `resumed` behind it when its session was.
private let serve = #"""
    import json, os, shutil, socket, ssl, sys, threading

    def context(certificate):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(certificate + ".pem")
        return made

    def answer(connection, closes):
        count, pending = 0, b""
        while True:
            while b"\r\n\r\n" not in pending:
                more = connection.recv(65536)
                if not more:
                    return
                pending += more
            head, _, pending = pending.partition(b"\r\n\r\n")
            fields = [line.split(b":") for line in head.lower().split(b"\r\n")]
            length = next(int(field[1]) for field in fields if field[0] == b"content-length")
            while len(pending) < length:
                pending += connection.recv(65536)
            pending = pending[length:]
            count += 1
            resumed = b" resumed" if connection.session_reused else b""
            body = b"%s %d%s" % (connection.version().encode(), count, resumed)
            connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n%s\r\n%s" % (
                len(body), b"Connection: close\r\n" if closes else b"", body))
            if closes:
                connection.shutdown(socket.SHUT_RDWR)
                return

    def serve(connection, tls, closes, drops):
        try:
            with tls.wrap_socket(connection, server_side=True) as secure:
                if not (drops and secure.session_reused):
                    answer(secure, closes)
        except OSError:
            connection.close()

    def accept(listener, tls, closes, drops):
        while True:
            connection, _ = listener.accept()
            threading.Thread(
                target=serve, args=(connection, tls, closes, drops), daemon=True).start()

    ports = {}
    for name in ["good", "misnamed", "expired", "unknown", "selfsigned", "old", "newer", "closing", "fickle"]:
        made = name in ("old", "newer", "closing", "fickle")
        tls = context("good" if made else name)
        if name == "old":
            tls.set_ciphers("ALL:@SECLEVEL=0")
            tls.minimum_version = ssl.TLSVersion.TLSv1
            tls.maximum_version = ssl.TLSVersion.TLSv1_1
        if name == "newer":
            tls.maximum_version = ssl.TLSVersion.TLSv1_2
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        ports[name] = listener.getsockname()[1]
        threading.Thread(
            target=accept,
            args=(listener, tls, name in ("closing", "fickle"), name == "fickle"),
            daemon=True).start()
    with open("ready", "w") as ready:
        json.dump(ports, ready)
    sys.stdin.read()
    shutil.rmtree(os.getcwd())
    os._exit(0)
    """#
