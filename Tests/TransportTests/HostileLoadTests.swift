import DeliveryCore
import EventLoop
import Foundation
import Testing

@testable import Transport

/// Many hostile answers, beside others and one after the other.
struct HostileLoadTests {
    @Test func `well-behaved hosts get theirs while others do their worst`() throws {
        let bench = Bench {
            $0.caFile = TLSServers.shared.authority
            $0.totalTimeout = .seconds(10)
        }
        let worst = Worst(bench)
        let good = LoopServer(bench.loop) { connection in
            while connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
        var isOver = false
        var hostile = 0
        for host in 0..<48 {
            func provoke() {
                guard !isOver else { return }
                bench.transport.send(bench.request(worst.url(host))) { _ in
                    hostile += 1
                    provoke()
                }
            }
            provoke()
        }
        var longest = Duration.zero
        for number in 0..<400 {
            let url = "http://good\(number % 20).fedi.localhost:\(good.port)/inbox"
            let report = try bench.report(url)
            #expect(report.status == 202, "\(report.exchange)")
            longest = max(longest, report.duration)
        }
        isOver = true
        #expect(hostile > 400, "there was little to disturb them")
        // The servers of the test run on the same loop: most of this is theirs.
        #expect(longest < .seconds(2), "one took \(longest)")
        bench.transport.cancelAll()
    }

    /// As many as `TRUNKLINE_HOSTILE_ANSWERS` says, or what takes seconds.
    @Test func `hostile answers leave memory and descriptors as they were`() async throws {
        // A process of its own: other tests have sockets open, and make garbage.
        let end = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) {
            let variable = ProcessInfo.processInfo.environment["TRUNKLINE_HOSTILE_ANSWERS"]
            let answers = variable.flatMap { Int($0) } ?? 1_500
            let caFile = TLSServers.shared.authority
            // The loop's own descriptors, and those of the first look at /proc.
            endure(caFile, 8)
            let before = openDescriptors()
            let resident = endure(caFile, max(1_000, answers / 5), answers / 2, answers / 2)
            let figures = [before, openDescriptors()] + resident
            print(figures.map(String.init).joined(separator: " "))
        }
        let said = String(decoding: end?.standardOutputContent ?? [], as: UTF8.self)
        let figures = said.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        try #require(figures.count == 5, "\(said)")
        print("\(figures[0]) descriptors, then \(figures[1]); kB resident: \(figures[2...])")
        #expect(figures[0] == figures[1])
        #expect(figures[4] - figures[3] < 4_096, "kB resident: \(figures[2...])")
    }
}

/// Sends to hosts that all do something else, so many times after each other; gives the memory after
/// each, and takes everything down again.
@discardableResult
private func endure(_ caFile: String, _ parts: Int...) -> [Int] {
    let bench = Bench {
        $0.caFile = caFile
        $0.connectTimeout = .milliseconds(500)
        $0.totalTimeout = .milliseconds(500)
        $0.idleConnectionBytes = 8 * 4 * ConnectionBudget.secureBytes
    }
    let worst = Worst(bench)
    return parts.map { answers in
        var reports = 0
        for number in 0..<answers {
            bench.transport.send(bench.request(worst.url(number))) { _ in reports += 1 }
            bench.turn(until: { bench.transport.inFlight < 32 })
        }
        bench.turn(until: { reports == answers })
        return residentKilobytes()
    }
}

private func residentKilobytes() -> Int {
    let words = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return (words?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4
}

/// Servers that break the rules, each host in its own way.
private final class Worst {
    private let plain: LoopServer
    private var secure: [SecureServer] = []

    init(_ bench: Bench) {
        var served = 0
        plain = LoopServer(bench.loop) { connection in
            guard connection.takeRequest() != nil else { return }
            served += 1
            misbehave(connection, served)
        }
        let accept = { (connection: SecureConnection) in
            while connection.takeRequest() != nil { connection.send(Bench.accepted) }
        }
        secure = [
            SecureServer(bench.loop, wire: .cut(after: 300), handler: accept),
            SecureServer(bench.loop, wire: .corrupt(at: 150), handler: accept),
            SecureServer(bench.loop, chosen: "h2", handler: accept),
            SecureServer(bench.loop, certificate: "misnamed", handler: accept),
            SecureServer(bench.loop, certificate: "huge", handler: accept),
            SecureServer(bench.loop, version: .tls12) { connection in
                if connection.hasRequest, !connection.isRenegotiationPending {
                    connection.askToRenegotiate()
                } else if connection.isBroken {
                    connection.cut()
                }
            },
            SecureServer(bench.loop) { connection in
                guard connection.takeRequest() != nil else { return }
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
                connection.cut()
            },
        ]
    }

    /// One in eight speaks TLS.
    func url(_ number: Int) -> String {
        if number % 8 == 7 { return secure[number / 8 % secure.count].url }
        return "http://h\(number % 48).fedi.localhost:\(plain.port)/inbox"
    }
}
