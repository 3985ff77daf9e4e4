import Testing

@testable import PostgresStore

struct BisectionTests {
    @Test(arguments: [[], [0], [4], [0, 6], [0, 1, 2, 3, 4, 5, 6]])
    func `every bad row is found and every other one is taken once`(bad: [Int]) {
        var bisection = Bisection(count: 7)
        var found: [Int] = []
        var taken: [Int] = []
        while let range = bisection.next {
            if range.contains(where: bad.contains) {
                if let row = bisection.rejected() { found.append(row) }
            } else {
                taken.append(contentsOf: range)
                bisection.accepted()
            }
        }
        #expect(found == bad)
        #expect(taken == (0..<7).filter { !bad.contains($0) })
    }

    @Test func `nothing has nothing to try`() {
        #expect(Bisection(count: 0).next == nil)
    }

    @Test func `one bad row of a thousand costs about twenty transactions`() {
        var bisection = Bisection(count: 1_000)
        var tries = 0
        while let range = bisection.next {
            tries += 1
            if range.contains(617) { _ = bisection.rejected() } else { bisection.accepted() }
        }
        #expect(tries <= 22)
    }
}
