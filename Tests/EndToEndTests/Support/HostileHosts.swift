import Foundation
import Supervision
import FaultHarness
import Testing

/// Hosts that break the rules, each kind at a port of its own, in one Python process; with the
/// sink's certificate, so that what they do is what they are judged by.
final class HostileHosts: Sendable {
    private let ports: [String: Int]
    private let process: ChildProcess

    init(beside sink: SinkProcess, in scratch: Scratch) throws {
        let file = scratch.file("hostile.json")
        let state = URL(filePath: sink.certificateAuthority).deletingLastPathComponent()
        let certificate = ["server.pem", "server-key.pem"].map { state.appending(path: $0).path }
        process = try ChildProcess(
            Command(
                path: "/usr/bin/python3", arguments: ["-c", serve, file] + certificate,
                input: .lifeline))
        try Poll.until("the hostile hosts listen", within: .seconds(20)) {
            FileManager.default.fileExists(atPath: file)
        }
        ports = try JSONDecoder().decode(
            [String: Int].self, from: Data(contents(of: file).utf8))
    }

    func authority(_ kind: String) -> String { "\(kind).fedi.localhost:\(ports[kind]!)" }
}

private let serve = #"""
    import json, os, socket, ssl, struct, sys, threading

    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def endless(start, more):
        def answer(connection):
            connection.sendall(start)
            while True:
                connection.sendall(more)
        return answer

    def drip(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not threading.Event().wait(1):
            connection.sendall(b"x")

    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    kinds = {
        "garbage": lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
        "heads": endless(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 1000),
        "bodies": endless(b"HTTP/1.1 500 No\r\n\r\n", b"x" * 65536),
        "chunks": endless(chunked + b"5;", b"x" * 65536),
        "drip": drip,
        "reset": reset,
        "silent": lambda connection: threading.Event().wait(120),
        "redirect": lambda connection: connection.sendall(
            b"HTTP/1.1 307 Go\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"),
        "nohttps": lambda connection: connection.sendall(b"HTTP/1.1 400 Speak up\r\n\r\n"),
    }

    def serve(connection, kind):
        try:
            if kind != "nohttps":
                connection = tls.wrap_socket(connection, server_side=True)
            connection.recv(65536)
            kinds[kind](connection)
        except OSError:
            pass
        connection.close()

    def accept(listener, kind):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, kind), daemon=True).start()

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2], sys.argv[3])
    ports = {}
    for kind in kinds:
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        ports[kind] = listener.getsockname()[1]
        threading.Thread(target=accept, args=(listener, kind), daemon=True).start()
    with open(sys.argv[1] + ".new", "w") as file:
        json.dump(ports, file)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    sys.stdin.read()
    os._exit(0)
    """#
