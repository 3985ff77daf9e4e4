import FaultHarness
import Foundation
import Supervision
import Testing

extension EndToEnd {
    /// Judged by programs that share no line with us.
    @Suite(.serialized) struct IndependentTests {
        /// Python's own HTTP server: writes the first request down as it came, answers 202.
        static let receiver = """
            import http.server, json, os, sys
            class Inbox(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                def do_POST(self):
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                    request = {"path": self.path, "headers": dict(self.headers.items()),
                               "body": body.decode("latin-1")}
                    with open(sys.argv[1] + ".unfinished", "w") as file:
                        json.dump(request, file)
                    os.rename(sys.argv[1] + ".unfinished", sys.argv[1])
                    self.send_response(202)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
            server = http.server.HTTPServer(("127.0.0.1", 0), Inbox)
            print("port", server.server_port, flush=True)
            server.serve_forever()
            """

        /// httpsig judges the signature; the digest is compared by hand (RFC 3230).
        static let verifier = """
            import base64, hashlib, json, sys
            from httpsig import HeaderVerifier
            request = json.load(open(sys.argv[1]))
            key = open(sys.argv[2]).read()
            headers = {name.lower(): value for name, value in request["headers"].items()}
            body = request["body"].encode("latin-1")
            required = ["(request-target)", "host", "date", "digest"]
            def verdict(headers):
                return HeaderVerifier(headers, key, required_headers=required, method="POST",
                                      path=request["path"], sign_header="signature").verify()
            digest = "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()
            print("signature", verdict(headers))
            print("forged", verdict({**headers, "date": "Thu, 01 Jan 1970 00:00:00 GMT"}))
            print("digest", headers["digest"] == digest)
            print("body", body.decode("utf-8"), end="")
            """

        @Test func `httpsig of PyPI believes the signature of a request as it arrived`() throws {
            let scratch = try Scratch()
            // It asks pkg_resources for its version, which later setuptools lack.
            let python = try Python(["httpsig==1.3.0", "setuptools<80"], in: scratch)
            let log = scratch.file("receiver.log")
            let request = scratch.file("request.json")
            var command = python.command(Self.receiver, [request])
            command.output = .appended(to: log)
            let receiver = try ChildProcess(command)
            defer { receiver.terminate(signal: SIGKILL, grace: .seconds(5)) }
            try Poll.until("the receiver listens: \(contents(of: log))", within: .seconds(20)) {
                contents(of: log).hasSuffix("\n")
            }
            let port = try #require(
                contents(of: log).split(separator: "\n").first?.split(separator: " ").last)

            let sink = try SinkProcess(in: scratch)
            let pool = try Pool(
                .embedded(directory: scratch.file("s")), delivering: sink, in: scratch,
                flags: ["--allow-plain-http"])
            let sender = try Sender(of: pool, known: sink)
            let note = Note("independent")
            let inbox = "http://inbox.fedi.localhost:\(port)/users/u1/inbox?from=us"
            try pool.enqueue(note.entry(to: [inbox], key: sender.keyID))
            try Poll.until("it is delivered", within: .seconds(20)) {
                try pool.delivery(Pair(activity: note.id, inbox: inbox))?.state == "delivered"
            }
            let key = try scratch.write(sender.publicKeyPEM, to: "key.pem")
            let words = try python.run(Self.verifier, [request, key])
            #expect(
                words == "signature True\nforged False\ndigest True\nbody \(note.body)")
            pool.expectCleanEnd()
        }
    }
}
