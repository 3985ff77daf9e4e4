import Testing

@testable import PostgresStore

struct PipelineTests {
    private final class Answers { var results: [Result<Int, StoreFailure>] = [] }

    private let answers = Answers()
    private let table = ResultTable.nothing
    private let violation = ServerError(sqlState: "23505", message: "twice")

    private func pipeline(of count: Int) -> Pipeline {
        var pipeline = Pipeline()
        for _ in 0..<count {
            pipeline.transactionSent { [answers] in answers.results.append($0.map(\.count)) }
        }
        return pipeline
    }

    private func finish(_ ended: Pipeline.Ended?) {
        if let ended { ended.completion(ended.result) }
    }

    @Test func `answers belong to the oldest transaction until it is synchronised`() {
        var pipeline = pipeline(of: 2)
        pipeline.answered(table)
        pipeline.answered(table)
        finish(pipeline.synchronised())
        pipeline.answered(table)
        #expect(answers.results == [.success(2)])
        finish(pipeline.synchronised())
        #expect(answers.results == [.success(2), .success(1)])
        #expect(pipeline.isEmpty)
    }

    @Test func `the first error is the one that is told, and spoils only its transaction`() {
        var pipeline = pipeline(of: 2)
        pipeline.answered(table)
        pipeline.failed(violation)
        pipeline.failed(ServerError(sqlState: "25P02", message: "aborted"))
        finish(pipeline.synchronised())
        pipeline.answered(table)
        finish(pipeline.synchronised())
        #expect(
            answers.results == [
                .failure(.rejected(sqlState: "23505", message: "twice")), .success(1),
            ])
    }

    @Test(arguments: [
        ("25006", false, true), ("25006", true, true), ("26000", true, true),
        ("26000", false, false), ("0A000", true, true), ("0A000", false, false),
        ("23505", true, false),
    ])
    func `what a server has forgotten is away, and costs the connection`(
        state: String, usesNames: Bool, isStale: Bool
    ) {
        var pipeline = Pipeline()
        pipeline.transactionSent(usesNames: usesNames) { _ in }
        pipeline.failed(ServerError(sqlState: state, message: "m"))
        let ended = pipeline.synchronised()
        #expect((ended?.staleness != nil) == isStale)
        if case .failure(.away) = ended?.result {
            #expect(isStale)
        } else {
            #expect(!isStale)
        }
    }

    @Test func `a lost connection leaves every transaction unknown, each told once`() {
        var pipeline = pipeline(of: 3)
        pipeline.answered(table)
        for ended in pipeline.connectionLost("gone") { finish(ended) }
        #expect(answers.results == Array(repeating: .failure(.away("gone")), count: 3))
        finish(pipeline.synchronised())
        #expect(answers.results.count == 3)
    }

    @Test(arguments: [
        ("08006", StoreFailure.away("m")), ("53100", .away("m")), ("57P01", .away("m")),
        ("40P01", .away("m")), ("55P03", .away("m")), ("25006", .away("m")),
        ("22021", .rejected(sqlState: "22021", message: "m")),
        ("23505", .rejected(sqlState: "23505", message: "m")),
        ("54000", .rejected(sqlState: "54000", message: "m")),
        ("42P01", .refused(sqlState: "42P01", message: "m")),
        ("P0001", .refused(sqlState: "P0001", message: "m")),
        ("58030", .away("m")), ("XX001", .away("m")),
    ])
    func `a SQLSTATE says what the caller should do`(state: String, failure: StoreFailure) {
        #expect(ServerError(sqlState: state, message: "m").failure == failure)
    }

    @Test func `text is cut between characters`() {
        #expect(PostgresText.prefix("a\u{20AC}b", bytes: 3) == "a")
        #expect(PostgresText.prefix("a\u{20AC}b", bytes: 4) == "a\u{20AC}")
        #expect(PostgresText.prefix("abc", bytes: 3) == "abc")
    }
}
